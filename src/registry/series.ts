/** Series: how many peers were online, over the last day, one sample a minute. It lives in memory and begins with the process. */
import type { Clock } from "../base/world.ts";
import type { Roster } from "./roster.ts";

export const SERIES_EVERY_MS = 60_000;
export const MAX_SAMPLES = 1_440;

/** When (epoch ms), and how many people and bots were online. */
export type Sample = readonly [at: number, people: number, bots: number];

export class Series {
  readonly #clock: Clock;
  readonly #roster: Roster;
  #samples: Sample[] = [];
  #sampledAt = -Infinity; // steady

  constructor(clock: Clock, roster: Roster) {
    this.#clock = clock;
    this.#roster = roster;
  }

  /** To be called about once a second. */
  sweep(): void {
    const now = this.#clock.steady();
    if (now - this.#sampledAt < SERIES_EVERY_MS) return;
    this.#sampledAt = now;
    this.#samples.push(this.#sample());
    if (this.#samples.length > MAX_SAMPLES) this.#samples.shift();
  }

  /** Up to now, oldest first. */
  samples(): Sample[] {
    return [...this.#samples, this.#sample()];
  }

  #sample(): Sample {
    const { person, bot } = this.#roster.count();
    return [this.#clock.now(), person, bot];
  }
}

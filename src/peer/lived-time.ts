/** Lived time: how long the peers of a store have run, in all. No jump of the wall clock makes anything old. */
import type { Clock } from "../base/world.ts";
import type { Settings } from "../store/settings.ts";

const KEY = "lived";

export class LivedTime {
  readonly #settings: Settings;
  readonly #clock: Clock;
  #saved: number; // s
  #savedAt: number; // steady ms

  constructor(settings: Settings, clock: Clock) {
    this.#settings = settings;
    this.#clock = clock;
    this.#saved = settings.getNumber(KEY);
    this.#savedAt = clock.steady();
  }

  /** In whole seconds, by steps of the steady clock. */
  now(): number {
    return Math.floor(this.#saved + (this.#clock.steady() - this.#savedAt) / 1_000);
  }

  /** Returns the same as `now`. What was lived through since the last time is lost by a crash: things grow old a little later then. */
  save(): number {
    this.#saved = this.now();
    this.#savedAt = this.#clock.steady();
    this.#settings.set(KEY, String(this.#saved));
    return this.#saved;
  }
}

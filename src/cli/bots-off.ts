/** Bots off: one line about all that are off for one reason, for a reader who did not ask about each. */
import type { Clock, Timer } from "../base/world.ts";

/** Bots come side by side: whoever follows within this time is in the same line. */
const GATHER_MS = 1_500;

export class BotsOff implements Disposable {
  readonly #clock: Clock;
  readonly #why: string;
  readonly #tell: (line: string) => void;
  readonly #reasons = new Map<string, string>(); // by name: `off until configured: …`
  #timer: Timer | undefined;

  /** `why` is said of several: `off until configured: …`. Of one alone it is told what was added with its name. */
  constructor(clock: Clock, why: string, tell: (line: string) => void) {
    this.#clock = clock;
    this.#why = why;
    this.#tell = tell;
  }

  add(name: string, reason: string): void {
    this.#reasons.set(name, reason);
    this.#timer?.[Symbol.dispose]();
    this.#timer = this.#clock.after(GATHER_MS, () => this.#tellAll());
  }

  [Symbol.dispose](): void {
    this.#timer?.[Symbol.dispose]();
  }

  #tellAll(): void {
    const [first = ["", ""], ...others] = [...this.#reasons].toSorted(([a], [b]) => a.localeCompare(b));
    this.#reasons.clear();
    if (others.length === 0) return this.#tell(`${first[0]} is ${first[1]}`);
    const names = [first, ...others].map(([name]) => name);
    this.#tell(`${names.slice(0, -1).join(", ")} and ${names.at(-1)} are ${this.#why}`);
  }
}

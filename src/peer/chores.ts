/** Chores: what is to be done again and again, until it is disposed of. */
import type { Clock, Timer } from "../base/world.ts";

export class Chores implements Disposable {
  readonly #clock: Clock;
  readonly #timers = new Set<{ next: Timer }>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Does it each time so many ms have passed since it was done, and for the first time so many ms from now. */
  every(ms: number, task: () => void): void {
    const chore = {
      next: this.#clock.after(ms, function again(this: void) {
        task();
        chore.next = clock.after(ms, again);
      }),
    };
    const clock = this.#clock;
    this.#timers.add(chore);
  }

  [Symbol.dispose](): void {
    for (const { next } of this.#timers) next[Symbol.dispose]();
  }
}

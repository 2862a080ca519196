/** Watermark: how far a process has come in a journal, and who waits for it to come further. */
import type { Clock, Timer } from "../base/world.ts";

/** What was written must come back to its writer within that time. */
const ECHO_MS = 3_000;

interface Waiting {
  readonly revision: number;
  readonly resolve: (isReached: boolean) => void;
  readonly timer: Timer;
}

export class Watermark {
  readonly #clock: Clock;
  readonly #waiting: Waiting[] = []; // by revision
  #reached = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get reached(): number {
    return this.#reached;
  }

  reach(revision: number): void {
    this.#reached = revision;
    while ((this.#waiting[0]?.revision ?? Infinity) <= revision) {
      const first = this.#waiting.shift();
      first?.timer[Symbol.dispose]();
      first?.resolve(true);
    }
  }

  /** Resolves when everything up to that revision has been told; to false if that takes too long. */
  wait(revision: number): Promise<boolean> {
    if (revision <= this.#reached) return Promise.resolve(true);
    return new Promise((resolve) => {
      const timer = this.#clock.after(ECHO_MS, () => {
        this.#waiting.splice(this.#waiting.indexOf(waiting), 1);
        resolve(false);
      });
      const waiting = { revision, resolve, timer };
      let index = this.#waiting.length; // writes are answered almost in their order
      while ((this.#waiting[index - 1]?.revision ?? 0) > revision) index--;
      this.#waiting.splice(index, 0, waiting);
    });
  }
}

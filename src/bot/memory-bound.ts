/** Memory bound: the bots of a process share its memory; when they use too much, the one that does is ended. */
import type { Log } from "../base/log.ts";
import type { Clock, Timer } from "../base/world.ts";

const MIB = 2 ** 20;
const LOOK_EVERY_MS = 250; // a loop that only takes memory takes a gigabyte a second
/** By then, what the one that was ended has had is given back. */
const LOOK_AFTER_END_MS = 1_000;

/** Who does not answer within that is busy: perhaps with taking memory. */
const ANSWER_WITHIN_MS = 100;

/** Whoever has less than this part of what all may use is not the reason. */
const LEAST_PART = 1 / 8;

export interface MemoryUser {
  /** As it said last. */
  readonly heapBytes: number;
  /** It was asked for a sign of life and has not given one. */
  readonly isSilent: boolean;
  /** When it gave the last one, in steady ms. */
  readonly heardAt: number;
  ask(): void;
  /** Ends it, as a crash. */
  fell(cause: string): void;
}

export interface MemoryBoundOptions {
  /** How much may be used above what is used at the start. */
  readonly bytes: number;
  readonly clock: Clock;
  readonly log: Log;
  readonly users: () => Iterable<MemoryUser>;
  /** What the whole process uses. */
  readonly usedBytes: () => number;
}

export class MemoryBound implements Disposable {
  readonly #options: MemoryBoundOptions;
  readonly #limitBytes: number;
  #timer: Timer | undefined;
  #toldOfNobody = false;

  constructor(options: MemoryBoundOptions) {
    this.#options = options;
    this.#limitBytes = options.usedBytes() + options.bytes;
    this.#lookLater();
  }

  [Symbol.dispose](): void {
    this.#timer?.[Symbol.dispose]();
  }

  #lookLater(ms = LOOK_EVERY_MS): void {
    this.#timer = this.#options.clock.after(ms, () => {
      if (this.#options.usedBytes() <= this.#limitBytes) return this.#lookLater();
      // Whoever takes memory without a pause cannot answer now, whatever it said a second ago.
      for (const user of this.#options.users()) user.ask();
      this.#timer = this.#options.clock.after(ANSWER_WITHIN_MS, () => {
        this.#lookLater(this.#endOne() ? LOOK_AFTER_END_MS : LOOK_EVERY_MS);
      });
    });
  }

  /** Whether one was ended. */
  #endOne(): boolean {
    const usedBytes = this.#options.usedBytes();
    if (usedBytes <= this.#limitBytes) return false;
    const suspect = this.#suspect(usedBytes - this.#limitBytes + this.#options.bytes);
    const used = `the bots use ${mib(usedBytes)} of memory together; at most ${mib(this.#limitBytes)} was expected`;
    if (suspect) {
      const share = suspect.isSilent
        ? "this one does not answer"
        : `this one holds ${mib(suspect.heapBytes)}, the most`;
      suspect.fell(`${used}, and ${share} (--memory sets the bound)`);
      return true;
    }
    if (!this.#toldOfNobody) this.#options.log.warn(`${used}, but none of them holds much of it`);
    this.#toldOfNobody = true;
    return false;
  }

  /**
   * Whoever is known to hold most of it. Else one that is busy with what may be this, and of those the one that has been for
   * the longest: on a machine with much to do, others are late too. Else the biggest.
   */
  #suspect(takenBytes: number): MemoryUser | undefined {
    const all = [...this.#options.users()].sort((a, b) => b.heapBytes - a.heapBytes);
    const holder = all.find((user) => !user.isSilent && user.heapBytes > takenBytes / 2);
    const [busy] = all.filter((user) => user.isSilent).sort((a, b) => a.heardAt - b.heardAt);
    return holder ?? busy ?? all.find((user) => user.heapBytes >= this.#options.bytes * LEAST_PART);
  }
}

function mib(bytes: number): string {
  return `${Math.round(bytes / MIB)} MiB`;
}

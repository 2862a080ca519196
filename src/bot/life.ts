/** Life: one worker of a bot. It is asked for a sign of life each second, and heard until it is ended or lost. */
import type { Clock, Timer } from "../base/world.ts";
import type { MemoryUser } from "./memory-bound.ts";
import type { FromWorker, SpawnWorker, ToWorker, WorkerLink } from "./worker-link.ts";

/** A worker is asked for a sign of life this often, and ended after so long without one. */
export const PING_EVERY_MS = 1_000;
export const SILENT_FOR_MS = 10_000;

export interface LifeListener {
  hear(message: FromWorker): void;
  /** The worker is gone, or will not answer any more. It has been ended. */
  lost(cause: string): void;
}

export class Life implements Disposable, MemoryUser {
  /** Fingerprint of the sources that it was started with. */
  readonly hash: string;
  readonly #clock: Clock;
  readonly #link: WorkerLink;
  #listener: LifeListener | undefined;
  #silentMs = 0;
  #isAsked = false; // and nothing was heard since
  #heapBytes = 0;
  #heardAt: number; // steady ms
  #lastWords: string | undefined; // why it ends, in its own words
  #timer: Timer | undefined;
  readonly #onGone = Promise.withResolvers<void>();

  constructor(hash: string, spawn: SpawnWorker, clock: Clock, listener: LifeListener) {
    this.hash = hash;
    this.#clock = clock;
    this.#heardAt = clock.steady();
    this.#listener = listener;
    this.#link = spawn({
      message: (message) => this.#hear(message),
      closed: (reason) => {
        this.#onGone.resolve();
        this.#lose(this.#lastWords ?? reason);
      },
    });
    this.#watch(clock.steady());
  }

  /** Of the worker alone. */
  get heapBytes(): number {
    return this.#heapBytes;
  }

  get isSilent(): boolean {
    return this.#isAsked;
  }

  get heardAt(): number {
    return this.#heardAt;
  }

  ask(): void {
    this.#isAsked = true;
    this.post({ t: "ping" });
  }

  fell(cause: string): void {
    this.#lose(cause);
  }

  /** Resolves when the thread is gone, and with it everything that it had open. */
  get gone(): Promise<void> {
    return this.#onGone.promise;
  }

  /** From now on somebody else listens. */
  hand(listener: LifeListener): void {
    if (this.#listener) this.#listener = listener;
  }

  post(message: ToWorker): void {
    if (this.#listener) this.#link.post(message);
  }

  /** Ends the worker, whatever it is doing. Nothing more is heard of it. */
  [Symbol.dispose](): void {
    if (!this.#listener) return;
    this.#listener = undefined;
    this.#timer?.[Symbol.dispose]();
    this.#link.terminate();
  }

  #hear(message: FromWorker): void {
    this.#silentMs = 0;
    this.#isAsked = false;
    this.#heardAt = this.#clock.steady();
    if (message.t === "pong") this.#heapBytes = message.heapBytes;
    if (message.t === "crashed") this.#lastWords = message.message;
    else this.#listener?.hear(message);
  }

  #lose(cause: string): void {
    const listener = this.#listener;
    this[Symbol.dispose]();
    listener?.lost(cause);
  }

  /** Counts how long the worker has been silent, but no time in which this thread itself stood still. */
  #watch(since: number): void {
    this.#timer = this.#clock.after(PING_EVERY_MS, () => {
      const now = this.#clock.steady();
      this.#silentMs += Math.min(now - since, 2 * PING_EVERY_MS);
      if (this.#silentMs >= SILENT_FOR_MS) return this.#lose(`it did not answer for ${SILENT_FOR_MS / 1_000} s`);
      this.ask();
      this.#watch(now);
    });
  }
}

/** Attempt: tries the new code of a bot in a worker that has no peer, while the old code goes on. */
import type { Clock } from "../base/world.ts";
import { Life } from "./life.ts";
import type { BotStart, FromWorker, SpawnWorker } from "./worker-link.ts";

/** How long the new code may take to load and to declare what it does. */
export const TRY_WITHIN_MS = 10_000;

export interface AttemptOptions {
  readonly start: BotStart;
  /** Fingerprint of its sources. */
  readonly hash: string;
  readonly spawn: SpawnWorker;
  readonly clock: Clock;
}

export type Outcome = { kind: "good"; life: Life; name: string } | { kind: "bad"; reason: string };

/**
 * Two workers, one after the other: the first loads the file and runs its setup without a peer, and is ended with all that
 * setup may have begun; the second only loads it, and is the outcome: a life that waits for `open`.
 * Disposing of the attempt before its outcome gives it up.
 */
export class Attempt implements Disposable {
  readonly #options: AttemptOptions;
  readonly #done: (outcome: Outcome) => void;
  #life: Life | undefined;
  #isSecond = false;
  readonly #limit: Disposable;

  constructor(options: AttemptOptions, done: (outcome: Outcome) => void) {
    this.#options = options;
    this.#done = done;
    this.#limit = options.clock.after(TRY_WITHIN_MS, () =>
      this.#fail(`it had not loaded after ${TRY_WITHIN_MS / 1_000} s`),
    );
    this.#begin();
  }

  get life(): Life | undefined {
    return this.#life;
  }

  [Symbol.dispose](): void {
    this.#limit[Symbol.dispose]();
    this.#life?.[Symbol.dispose]();
    this.#life = undefined;
  }

  #begin(): void {
    const { start, hash, spawn, clock } = this.#options;
    const life: Life = new Life(hash, spawn, clock, {
      hear: (message) => this.#hear(message, life),
      lost: (cause) => this.#fail(cause),
    });
    this.#life = life;
    life.post({ t: "load", bot: start });
  }

  #hear(message: FromWorker, life: Life): void {
    if (message.t === "failed") this.#fail(message.message);
    if (message.t === "loaded" && !this.#isSecond) life.post({ t: "declare" });
    else if (message.t === "loaded") {
      this.#life = undefined; // it belongs to whoever takes the outcome
      this[Symbol.dispose]();
      this.#done({ kind: "good", life, name: message.name });
    }
    if (message.t !== "declared") return;
    life[Symbol.dispose]();
    this.#isSecond = true;
    this.#begin();
  }

  #fail(reason: string): void {
    this[Symbol.dispose]();
    this.#done({ kind: "bad", reason });
  }
}

/** Readiness: whether peers should be sent to this registry. It is asked often, by machines, and must not cost a write each time. */
import { describeError } from "../base/errors.ts";
import { sleep, type Clock } from "../base/world.ts";

/** For so long an answer of the checks stands. */
const FRESH_MS = 2_000;
const PATIENCE_MS = 2_000;

/** Rejects with the reason why not. */
export type Check = () => Promise<unknown>;

export class Readiness {
  readonly #clock: Clock;
  readonly #checks: Readonly<Record<string, Check>>;
  #asked: Promise<string[]> | undefined;
  #askedAt = -Infinity;
  #isEnding = false;

  constructor(clock: Clock, checks: Readonly<Record<string, Check>>) {
    this.#clock = clock;
    this.#checks = checks;
  }

  get isEnding(): boolean {
    return this.#isEnding;
  }

  /** Not ready from now on. */
  end(): void {
    this.#isEnding = true;
  }

  /** Why not; nothing when it is ready. */
  async faults(): Promise<string[]> {
    const now = this.#clock.steady();
    if (!this.#asked || now - this.#askedAt >= FRESH_MS) {
      this.#askedAt = now;
      this.#asked = this.#ask();
    }
    const faults = await this.#asked;
    return this.#isEnding ? ["it is ending", ...faults] : faults;
  }

  async #ask(): Promise<string[]> {
    const asked = Object.entries(this.#checks).map(async ([what, check]) => {
      const abort = new AbortController();
      const late = sleep(this.#clock, PATIENCE_MS, abort.signal).then(
        () => `${what}: no answer within ${PATIENCE_MS} ms`,
        () => undefined, // it was in time
      );
      const answer = check().then(
        () => undefined,
        (error: unknown) => `${what}: ${describeError(error)}`,
      );
      return await Promise.race([answer, late]).finally(() => abort.abort());
    });
    return (await Promise.all(asked)).filter((fault) => fault !== undefined);
  }
}

/** Network: what a bot fetches; it ends with the bot, and with the handler, job or dialog within which it is fetched. */
import { AsyncLocalStorage } from "node:async_hooks";
import type { Scope } from "../base/scope.ts";
import type { Clock } from "../base/world.ts";
import { type Duration, durationMs } from "./duration.ts";

/** The way out: the global `fetch`, or a test's. */
export type Fetch = (input: string | URL | Request, init?: RequestInit) => Promise<Response>;

export interface FetchOptions extends RequestInit {
  /** How long it may take, until the last byte of the body has come. Default: as long as it likes. */
  timeout?: Duration;
}

/** A handler, a job or a dialog. */
export interface Work {
  readonly signal: AbortSignal;
}

export class Network {
  readonly #fetch: Fetch;
  readonly #clock: Clock;
  readonly #scope: Scope;
  readonly #work = new AsyncLocalStorage<Work>(); // that runs

  constructor(fetch: Fetch, clock: Clock, scope: Scope) {
    this.#fetch = fetch;
    this.#clock = clock;
    this.#scope = scope;
  }

  /** What is fetched within `act` is given up as soon as the signal of `work` is aborted; nothing else asks for that signal. */
  within<Result>(work: Work, act: () => Result): Result {
    return this.#work.run(work, act);
  }

  /** @throws what the network throws; a `TimeoutError` or `AbortError` when it is given up, also while the body is read */
  async fetch(input: string | URL | Request, { timeout, ...init }: FetchOptions = {}): Promise<Response> {
    const own = init.signal ?? (input instanceof Request ? input.signal : undefined); // a Request's is left out for a given one
    const limit = timeout === undefined ? undefined : this.#after(timeout);
    const given = [this.#scope.signal, this.#work.getStore()?.signal].filter((one) => one !== undefined);
    const signal = AbortSignal.any([...given, ...[own, limit].filter((one) => one !== undefined)]);
    try {
      signal.throwIfAborted();
      return await this.#fetch(input, { ...init, signal });
    } catch (error) {
      // The caller may take any failure for a bad network, and tell somebody. In a job or a dialog that ends it cannot any
      // more, once that has ended; so it hears of it then.
      if (given.some(({ aborted }) => aborted)) await new Promise<void>((resolve) => this.#clock.soon(resolve));
      throw error;
    }
  }

  #after(timeout: Duration): AbortSignal {
    const limit = new AbortController();
    const timer = this.#clock.after(durationMs(timeout), () => {
      forget();
      limit.abort(new DOMException(`it was not done within ${timeout}`, "TimeoutError"));
    });
    const forget = this.#scope.defer(() => timer[Symbol.dispose]());
    return limit.signal;
  }
}

/** Of a bot whose surroundings let nothing out. */
export async function noNetwork(): Promise<never> {
  return await Promise.reject(new Error("this bot was given no network"));
}

/** Time and randomness, passed in everywhere, so that the whole system also runs in a simulation. */
import { customAlphabet } from "nanoid";

/** A pending call; ending it twice, or after it has run, is harmless. */
export interface Timer extends Disposable {
  [Symbol.dispose](): void;
}

export interface Clock {
  /** Wall time in epoch ms. It may jump; never measure a duration with it. */
  now(): number;
  /** Steady time in ms from an arbitrary start. */
  steady(): number;
  /** Runs `task` once, `ms` from now. */
  after(ms: number, task: () => void): Timer;
  /** Runs `task` at the end of this turn of the event loop, after the input that is already there. */
  soon(task: () => void): void;
}

export interface World {
  readonly clock: Clock;
  /** Uniform in [0, 1). Not for secrets. */
  random(): number;
  /** A fresh random name: `length` characters of `TOKEN_ALPHABET` (5.95 bits each; 16 are 95 bits). */
  token(length?: number): string;
}

/** Letters and digits alone: what a person copies into a command must not begin with the dash of an option. */
export const TOKEN_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

export const systemClock: Clock = {
  now: () => Date.now(),
  steady: () => performance.now(),
  after(ms, task) {
    const timer = setTimeout(task, ms);
    return { [Symbol.dispose]: () => clearTimeout(timer) };
  },
  soon: (task) => void setImmediate(task),
};

export const systemWorld: World = {
  clock: systemClock,
  random: () => Math.random(),
  token: customAlphabet(TOKEN_ALPHABET, 16),
};

/** Resolves after `ms`, or rejects with the signal's reason. */
export function sleep(clock: Clock, ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    const timer = clock.after(ms, () => {
      signal?.removeEventListener("abort", stop);
      resolve();
    });
    const stop = (): void => {
      timer[Symbol.dispose]();
      reject(signal?.reason);
    };
    signal?.addEventListener("abort", stop, { once: true });
  });
}

export interface BackoffOptions {
  baseMs?: number;
  maxMs?: number;
}

/**
 * Delay in ms before retry `n` (0 is the first): anything up to a ceiling that doubles up to `maxMs`,
 * so that peers which lost one server together do not all come back in the same instant.
 * Source: "full jitter" in M. Brooker, Exponential Backoff And Jitter, AWS Architecture Blog, 2015.
 */
export function backoffMs(n: number, random: () => number, options: BackoffOptions = {}): number {
  const { baseMs = 250, maxMs = 30_000 } = options;
  return random() * Math.min(maxMs, baseMs * 2 ** Math.min(n, 30));
}

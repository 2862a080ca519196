/** Time limit: how long a handler may take with one message. Past it its signal is aborted, and the attempt has failed. */
import { WarrenError } from "../base/errors.ts";
import { isPromiseLike } from "../base/in-turn.ts";
import type { Clock } from "../base/world.ts";
import { botMessage } from "./bot-message.ts";
import { type Duration, durationMs } from "./duration.ts";
import type { Work } from "./network.ts";
import type { BotMessage } from "./plugin.ts";

export interface TimeLimitHost {
  readonly clock: Clock;
  /** Does something with the signal of `work`, which ends what it fetches. */
  within<Result>(work: Work, act: () => Result): Result;
}

/** Calls `act` with the message, whose signal is then that of the limit too. */
export type TimeLimit = (message: BotMessage, act: (message: BotMessage) => unknown) => unknown;

/**
 * A limit for `what`; none without `timeout`. What goes on after it can do nothing more through the bot.
 *
 * @throws {WarrenError} `PLUGIN_INVALID` for what is no duration; the limit itself `HANDLER_TIMEOUT`
 */
export function timeLimit(what: string, timeout: Duration | undefined, host: TimeLimitHost): TimeLimit {
  if (timeout === undefined) return (message, act) => act(message);
  const ms = durationMs(timeout);
  return (message, act) => {
    const late = new AbortController();
    const signal = (): AbortSignal => AbortSignal.any([message.signal, late.signal]);
    const limited = botMessage(message, signal, message.reply);
    const outcome = host.within(limited, () => act(limited));
    if (!isPromiseLike(outcome)) return outcome; // what ends at once cannot be late
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    const timer = host.clock.after(ms, () => {
      late.abort(new WarrenError("HANDLER_TIMEOUT", `${what} was not done within ${timeout}`));
      reject(late.signal.reason);
    });
    void outcome.then(resolve, reject);
    return promise.finally(() => timer[Symbol.dispose]());
  };
}

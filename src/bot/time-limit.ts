/** Time limit: how long a handler may take with one message. Past it its signal is aborted, and the attempt has failed. */
import { WarrenError } from "../base/errors.ts";
import type { Clock } from "../base/world.ts";
import { type Duration, durationMs } from "./duration.ts";
import type { BotMessage } from "./plugin.ts";

export interface TimeLimitHost {
  readonly clock: Clock;
  /** Does something with this signal, which ends what it fetches. */
  within<Result>(signal: AbortSignal, act: () => Result): Result;
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
  return async (message, act) => {
    const late = new AbortController();
    const signal = AbortSignal.any([message.signal, late.signal]);
    const isLate = new Promise<never>((_, reject) => {
      late.signal.addEventListener("abort", () => reject(late.signal.reason));
    });
    const timer = host.clock.after(ms, () => {
      late.abort(new WarrenError("HANDLER_TIMEOUT", `${what} was not done with a message within ${timeout}`));
    });
    try {
      return await Promise.race([host.within(signal, () => act({ ...message, signal })), isLate]);
    } finally {
      timer[Symbol.dispose]();
    }
  };
}

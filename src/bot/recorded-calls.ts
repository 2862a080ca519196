/** Recorded calls: what a bot asked other bots to do, and what came of it, written down or found again. */
import { ERROR_CODES, isWarrenError, WarrenError } from "../base/errors.ts";
import { type CallRequest, toRequestData } from "../peer/call-data.ts";
import type { Recorded } from "./recording.ts";
import type { Caller } from "./typed-call.ts";

type CallsOfBot = Caller["calls"];

/** What is recorded as the `value` of a call. */
type Outcome = { readonly result: unknown } | { readonly code: string; readonly message: string };

export function recordedCalls(calls: CallsOfBot, write: (recorded: Recorded) => void): CallsOfBot {
  return {
    async ask(to, request, text, options) {
      const note = (value: Outcome): void => write({ t: "result", of: callOf(to, request), value });
      try {
        const result = await calls.ask(to, request, text, options);
        note({ result });
        return result;
      } catch (error) {
        if (isWarrenError(error)) note({ code: error.code, message: error.message });
        throw error;
      }
    },
  };
}

/** `recall` takes what was recorded of something, if there is more of it. */
export function replayedCalls(calls: CallsOfBot, recall: (of: string) => { value: unknown } | undefined): CallsOfBot {
  return {
    async ask(to, request, text, options) {
      const recorded = recall(callOf(to, request));
      if (!recorded) return await calls.ask(to, request, text, options);
      await options?.send?.(to, text, { data: toRequestData(request) }); // it is said as it was
      const outcome = recorded.value as Outcome; // as `recordedCalls` has written it
      if ("result" in outcome) return outcome.result;
      throw new WarrenError(ERROR_CODES.find((code) => code === outcome.code) ?? "COMMAND_FAILED", outcome.message);
    },
  };
}

/** How a call is known in a recording. */
function callOf(to: string, { command, args }: CallRequest): string {
  return `call ${to} ${command} ${JSON.stringify(args)}`;
}

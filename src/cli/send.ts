/** `peer send`: says something to somebody, and whether it arrived. */
import { isWarrenError, WarrenError } from "../base/errors.ts";
import { oneLine } from "../base/log.ts";
import { systemClock, type Timer } from "../base/world.ts";
import { errorFrom, MAX_COMMAND_BYTES, type Performer } from "./events.ts";
import { inputLines } from "./input-lines.ts";
import { print, printJson } from "./output.ts";
import { EXIT } from "./program.ts";
import { reach } from "./reach.ts";
import type { StartOptions } from "./start.ts";

/** Messages of one `send -` that may wait for their delivery at the same time. */
const MAX_IN_FLIGHT = 64;

export interface SendCommandOptions extends StartOptions {
  readonly json: boolean;
  /** How long each message has, from being kept to being delivered. */
  readonly timeoutMs: number;
}

/** Sends `text`, or each line of standard input where it is "-". */
export async function send(options: SendCommandOptions, to: string, text: string): Promise<number> {
  await using reached = await reach(options);
  const inFlight = new Set<Promise<boolean>>();
  let sent = 0;
  let late = 0;
  let refused = 0;
  for await (const line of text === "-" ? inputLines(Bun.stdin.stream(), MAX_COMMAND_BYTES) : [text]) {
    let outcome: Promise<boolean>;
    try {
      if (line === null) throw new WarrenError("MESSAGE_TOO_LARGE", `it has over ${MAX_COMMAND_BYTES} bytes`);
      ({ outcome } = await sendOne(reached.performer, to, line, options));
    } catch (error) {
      if (text !== "-" || !isWarrenError(error, "MESSAGE_TOO_LARGE")) throw error;
      process.stderr.write(`warren: line ${sent + ++refused} is not sent: ${error.message}\n`); // the others may be
      continue;
    }
    sent++;
    inFlight.add(outcome);
    const settle = async (): Promise<void> => {
      if (!(await outcome)) late++;
      inFlight.delete(outcome);
    };
    settle().catch(() => {}); // a failure stays in flight and comes out below
    if (inFlight.size >= MAX_IN_FLIGHT) await Promise.race(inFlight);
  }
  await Promise.all(inFlight);
  if (late > 0) {
    const kept = sent === 1 ? "the message is" : `${late} of ${sent} messages are`;
    process.stderr.write(`warren: ${kept} kept, not yet delivered: ${oneLine(to)} gets it when you are both online\n`);
  } else if (!options.json && sent > 0) {
    print(`delivered to ${oneLine(to)}${sent === 1 ? "" : `: ${sent} messages`}`);
  }
  return refused > 0 ? EXIT.failed : late > 0 ? EXIT.notYet : EXIT.done;
}

/**
 * Resolves when the message is kept; its outcome is whether it was delivered in time, or a failure.
 * The outcome is wrapped because a promise for a promise would wait for both.
 */
async function sendOne(
  performer: Performer,
  to: string,
  text: string,
  { json, timeoutMs }: SendCommandOptions,
): Promise<{ outcome: Promise<boolean> }> {
  const enough = new AbortController();
  const kept = Promise.withResolvers<void>();
  let timer: Timer | undefined;
  let isDelivered = false;
  let failure: Error | undefined;
  const performed = performer.perform(
    { do: "send", to, text },
    (event) => {
      if (event.event === "error") kept.reject(errorFrom(event));
      if (event.event !== "receipt") return;
      if (json) printJson(event);
      if (event.state === "queued") {
        kept.resolve();
        timer = systemClock.after(timeoutMs, () => enough.abort());
      } else if (event.state === "failed" || event.state === "expired") {
        failure = new WarrenError("HANDLER_FAILED", `${oneLine(to)} did not take it: ${event.reason ?? event.state}`);
      } else if (event.state !== "sent") {
        isDelivered = true;
        enough.abort();
      }
    },
    enough.signal,
  );
  const outcome = performed.then(() => {
    timer?.[Symbol.dispose]();
    if (failure && !isDelivered) throw failure;
    return isDelivered;
  });
  outcome.catch(kept.reject); // the connection to the running peer may break before the message is kept
  await kept.promise;
  return { outcome };
}

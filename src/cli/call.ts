/** `peer call`: has a bot do one of its commands, and prints what that gives back, as JSON. */
import { WarrenError } from "../base/errors.ts";
import { oneLine } from "../base/log.ts";
import { errorFrom, type FaceEvent } from "./events.ts";
import { print, printJson } from "./output.ts";
import { EXIT } from "./program.ts";
import { reach } from "./reach.ts";
import type { StartOptions } from "./start.ts";

export interface CallCommandOptions extends StartOptions {
  readonly json: boolean;
  /** How long, in s, the answer is waited for. */
  readonly timeout: number;
  readonly confirmed: boolean;
}

/** `args` is a JSON object. @throws {WarrenError} what the call failed with */
export async function call(options: CallCommandOptions, to: string, command: string, args: string): Promise<number> {
  const { json, timeout, confirmed } = options;
  const values = parseArgs(args);
  await using reached = await reach(options);
  let result: FaceEvent | undefined;
  let failure: (FaceEvent & { event: "error" }) | undefined;
  await reached.performer.perform({ do: "call", to, command, args: values, confirmed, timeout }, (event) => {
    if (event.event === "error") failure = event;
    else if (json) printJson(event);
    else if (event.event === "result") print(JSON.stringify(event.result));
    if (event.event === "result") result = event;
  });
  if (failure && failure.code !== "CALL_TIMEOUT") throw errorFrom(failure);
  if (!failure && !result)
    throw new WarrenError("CONNECTION_LOST", "the running peer ended before there was an answer");
  if (!failure) return EXIT.done;
  if (json) printJson(failure);
  else process.stderr.write(`warren: ${oneLine(failure.message)}\n`);
  return EXIT.notYet;
}

function parseArgs(text: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    value = undefined; // told below
  }
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return { ...value };
  throw new WarrenError("USAGE", `the arguments of a call are a JSON object, such as '{"times":3}': ${oneLine(text)}`);
}

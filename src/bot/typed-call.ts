/** Typed calls: a command of another peer as a function, whose result is checked and typed by a schema of the caller. */
import type { z } from "zod";
import { WarrenError } from "../base/errors.ts";
import type { AskOptions, Calls } from "../peer/calls.ts";
import { callLine } from "./call-line.ts";
import { type Duration, durationMs } from "./duration.ts";

/** A schema of a result, the one that is taken where none is given, and what comes of one. */
export type ResultSchema = z.ZodType;
export type AnyResult = z.ZodUnknown;
export type ResultOf<Schema extends ResultSchema> = z.output<Schema>;

export interface CallOptions<Result extends ResultSchema = AnyResult> {
  /** What the result must fit; what is given back is typed by it. Default: any JSON. */
  readonly result?: Result;
  /** How long to wait for the answer; default `"30s"`. */
  readonly timeout?: Duration;
  /** Says yes to a command that asks before it acts. */
  readonly confirmed?: boolean;
  readonly signal?: AbortSignal;
}

/** Whoever can call: a peer. */
export interface Caller {
  readonly calls: Pick<Calls, "ask">;
}

/**
 * Has `to` (a name, a peer id or `host:port`) do one of its commands. The arguments are values of the types that the command
 * declares, as JSON.
 *
 * @throws {WarrenError} `CALL_TIMEOUT`, `CALL_NOT_SENT`, `RESULT_INVALID`, the `COMMAND_…` of docs/errors.md, and what `Peer.send` throws
 */
export async function call<Result extends ResultSchema = AnyResult>(
  peer: Caller,
  to: string,
  command: string,
  args: Readonly<Record<string, unknown>> = {},
  options: CallOptions<Result> = {},
): Promise<ResultOf<Result>> {
  return await callThrough(peer, undefined, to, command, args, options);
}

/** The same, sent in another way than the peer's own. */
export async function callThrough<Result extends ResultSchema>(
  peer: Caller,
  send: AskOptions["send"],
  to: string,
  command: string,
  args: Readonly<Record<string, unknown>>,
  { result: schema, timeout, confirmed = false, signal }: CallOptions<Result>,
): Promise<ResultOf<Result>> {
  const result = await peer.calls.ask(to, { command, args, confirmed }, callLine(command, args), {
    ...(timeout !== undefined && { timeoutMs: durationMs(timeout) }),
    ...(signal && { signal }),
    ...(send && { send }),
  });
  const parsed = await schema?.safeParseAsync(result);
  if (!parsed) return result as ResultOf<Result>; // no schema was given, so Result is AnyResult
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  const path = ["result", ...(issue?.path ?? [])].join(".");
  throw new WarrenError("RESULT_INVALID", `${to}: "${command}" gave what does not fit: ${path}: ${issue?.message}`);
}

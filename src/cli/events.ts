/** The words of the machine-readable face: commands go in, events come out, one JSON object a line. See docs/scripting.md. */
import { describeError, ERROR_CODES, isWarrenError, WarrenError } from "../base/errors.ts";
import type { PeerInfo } from "../base/ids.ts";
import type { HistoryEntry, IncomingMessage, MessageDraft, MessageState, Receipt, UserInfo } from "../peer/message.ts";
import { CARE_FIELDS, careCommand, type CareCommand, type CareEvent } from "./care.ts";

/** Longest line that is read from a program: a message of the longest text with all of it escaped. */
export const MAX_COMMAND_BYTES = 2 * 1_024 * 1_024;

/** In s; longer than a timer can wait would be no time at all. */
const MAX_TIMEOUT_S = 2_000_000;

/** A command may carry a `ref`: every event that it causes repeats it. */
export type Command = { readonly ref?: unknown } & (
  | { readonly do: "send"; readonly to: string; readonly text: string }
  /** Has a bot do a command. `args`: values, by name; `timeout`: how long to wait, in s. */
  | {
      readonly do: "call";
      readonly to: string;
      readonly command: string;
      readonly args?: Readonly<Record<string, unknown>>;
      readonly confirmed?: boolean;
      readonly timeout?: number;
    }
  | { readonly do: "users" }
  | { readonly do: "history"; readonly with: string; readonly limit?: number }
  | { readonly do: "whoami" }
  | { readonly do: "pin"; readonly name: string; readonly id: string }
  /** Messages as they are shown, until whoever asked goes away. */
  | { readonly do: "watch" }
  | { readonly do: "stop" }
  | CareCommand
);

/** What each command takes besides `do` and `ref`. */
const FIELDS: Readonly<Record<Command["do"], readonly string[]>> = {
  send: ["to", "text"],
  call: ["to", "command", "args", "confirmed", "timeout"],
  users: [],
  history: ["with", "limit"],
  whoami: [],
  pin: ["name", "id"],
  watch: [],
  stop: [],
  ...CARE_FIELDS,
};

export interface HistoryLine {
  readonly id: string;
  readonly from: PeerInfo;
  readonly text: string;
  readonly at: number;
  readonly state: MessageState;
  readonly reason?: string;
}

/** Who the peer is and where; `registry` is null where it uses none. */
export interface Ready {
  readonly id: string;
  readonly name: string;
  readonly port: number;
  readonly registry: string | null;
}

export type FaceEvent = { readonly ref?: unknown } & (
  | ({ readonly event: "ready" } & Ready)
  | ({
      readonly event: "whoami";
      readonly online: boolean;
      readonly addresses: readonly string[];
      /** Whether others can dial where the registry sees it. */
      readonly reachable: "yes" | "no" | "unknown";
    } & Ready)
  | {
      readonly event: "message";
      readonly id: string;
      readonly from: PeerInfo;
      readonly text: string;
      readonly at: number;
      /** Null for what was said to this peer alone. */
      readonly room: string | null;
    }
  | {
      readonly event: "draft";
      /** Of the message that it will become. */
      readonly id: string;
      readonly from: PeerInfo;
      /** All that has come of it; "" when it will not be sent after all. */
      readonly text: string;
      readonly room: string | null;
    }
  | {
      readonly event: "receipt";
      readonly id: string;
      readonly to: PeerInfo;
      readonly state: MessageState;
      /** Why it failed or expired; else null. */
      readonly reason: string | null;
    }
  /** What a command of a bot has given back: any JSON. */
  | { readonly event: "result"; readonly to: string; readonly command: string; readonly result: unknown }
  | { readonly event: "presence"; readonly peer: PeerInfo; readonly online: boolean }
  | { readonly event: "users"; readonly peers: readonly UserInfo[] }
  | {
      readonly event: "history";
      readonly with: PeerInfo;
      readonly messages: readonly HistoryLine[];
      /** How many came before the first of these and are no longer kept; 0 where older ones are. */
      readonly forgotten: number;
    }
  | { readonly event: "pinned"; readonly name: string; readonly id: string }
  | CareEvent
  | { readonly event: "error"; readonly code: string; readonly message: string }
);

export type MessageEvent = Extract<FaceEvent, { event: "message" }>;
export type ReceiptEvent = Extract<FaceEvent, { event: "receipt" }>;

export type Emit = (event: FaceEvent) => void;

/** Whoever can do commands: a peer in this process, or one in another process of the same user. */
export interface Performer {
  /** Resolves when the command has caused its last event, or at once when `signal` is aborted. Failures are events too. */
  perform(command: Command, emit: Emit, signal?: AbortSignal): Promise<void>;
}

/** @throws {WarrenError} `USAGE` saying what is wrong with the line */
export function parseCommand(line: string): Command {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch (error) {
    throw usage(`a line that is not JSON (${describeError(error)})`, undefined, error);
  }
  return toCommand(value);
}

/** @throws {WarrenError} `USAGE` saying what is wrong with what a line holds */
export function toCommand(value: unknown): Command {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw usage("a line that is not an object");
  const fields = value as Record<string, unknown>;
  return { ...shapeOf(fields), ...("ref" in fields ? { ref: fields["ref"] } : {}) };
}

/** The `ref` of a line that is no command, so that whoever wrote it knows which line is meant. */
export function refOf(line: string): { ref?: unknown } {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === "object" && value !== null && "ref" in value ? { ref: value.ref } : {};
  } catch {
    return {}; // what is no JSON has none
  }
}

function shapeOf(fields: Record<string, unknown>): Command {
  const text = (key: string): string => {
    const found = fields[key];
    if (typeof found === "string") return found;
    throw usage(`"${String(fields["do"])}" without a text in "${key}"`, fields["do"]);
  };
  const care = careCommand(fields, text);
  if (care) return care;
  switch (fields["do"]) {
    case "send":
      return { do: "send", to: text("to"), text: text("text") };
    case "call":
      return { do: "call", to: text("to"), command: text("command"), ...callFields(fields) };
    case "history":
      return { do: "history", with: text("with"), ...limitOf(fields["limit"]) };
    case "pin":
      return { do: "pin", name: text("name"), id: text("id") };
    case "users":
    case "whoami":
    case "watch":
    case "stop":
      return { do: fields["do"] };
    default:
      throw usage(`"do" is ${JSON.stringify(fields["do"])?.slice(0, 40) ?? "missing"}`);
  }
}

function callFields({ args, confirmed, timeout }: Record<string, unknown>): Partial<Command & { do: "call" }> {
  const isObject = typeof args === "object" && args !== null && !Array.isArray(args);
  if (args !== undefined && !isObject) throw usage('"args" is no object', "call");
  if (confirmed !== undefined && typeof confirmed !== "boolean")
    throw usage('"confirmed" is neither true nor false', "call");
  const isTime = typeof timeout === "number" && timeout > 0 && timeout <= MAX_TIMEOUT_S;
  if (timeout !== undefined && !isTime) throw usage(`"timeout" is no number of seconds up to ${MAX_TIMEOUT_S}`, "call");
  return {
    ...(isObject && { args: { ...args } }),
    ...(confirmed !== undefined && { confirmed }),
    ...(isTime && { timeout }),
  };
}

function limitOf(limit: unknown): { limit?: number } {
  if (limit === undefined) return {};
  if (typeof limit === "number" && Number.isSafeInteger(limit) && limit > 0) return { limit };
  throw usage(`"limit" is ${JSON.stringify(limit)}, not a whole number above 0`, "history");
}

/** What was found, and how the command is written that was meant, or which ones there are. */
function usage(found: string, meant?: unknown, cause?: unknown): WarrenError {
  const commands = new Map<unknown, readonly string[]>(Object.entries(FIELDS));
  const keys = commands.get(meant);
  const expected = keys
    ? `{${[`"do":"${String(meant)}"`, ...keys.map((key) => `"${key}"`)].join()}} was expected`
    : `{"do":…} was expected, with one of ${[...commands.keys()].join(", ")}`;
  return new WarrenError("USAGE", `${found}: ${expected}`, { cause });
}

export function messageEvent({ id, from, text, at, room }: IncomingMessage): MessageEvent {
  return { event: "message", id, from, text, at, room: room ?? null };
}

export function draftEvent({ id, from, text, room }: MessageDraft): FaceEvent {
  return { event: "draft", id, from, text, room: room ?? null };
}

export function receiptEvent({ id, to, state, reason }: Receipt): ReceiptEvent {
  return { event: "receipt", id, to, state, reason: reason ?? null };
}

export function historyLine({ id, from, text, at, state, reason }: HistoryEntry): HistoryLine {
  return { id, from, text, at, state, ...(reason === undefined ? {} : { reason }) };
}

export function errorEvent(error: unknown): FaceEvent {
  const code = isWarrenError(error) ? error.code : "UNEXPECTED";
  return { event: "error", code, message: describeError(error) };
}

/** The error that an error event of another process tells of. */
export function errorFrom(event: { readonly code: string; readonly message: string }): Error {
  const code = ERROR_CODES.find((known) => known === event.code);
  return code ? new WarrenError(code, event.message) : new Error(event.message);
}

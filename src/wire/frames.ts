/** Frames: every kind of line that peers exchange, checked field by field. See docs/protocol.md for the meaning. */
import { WarrenError } from "../base/errors.ts";
import { isName, PEER_KINDS, type PeerKind } from "../base/ids.ts";
import { isData, type MessageData } from "./data.ts";

export const PROTOCOL_VERSION = 1;

/** Longest text of a message, in bytes of UTF-8: 64 KiB. Its line stays below MAX_FRAME_BYTES or is refused at `send`. */
export const MAX_TEXT_BYTES = 65_536;
/** Longest token (message id, epoch, instance, connection), in characters. */
export const MAX_TOKEN_LENGTH = 64;
export const MAX_REASON_LENGTH = 500;
export const MAX_RANGES = 1_024; // settled ranges in one receipt
export const MAX_PARENTS = 16;

export interface Hello {
  readonly t: "hello";
  readonly v: typeof PROTOCOL_VERSION;
  /** This run of the sender's process. */
  readonly instance: string;
  /** The name of this connection, chosen by the dialler and repeated by the listener. */
  readonly conn: string;
  /** The connection that the sender already holds with the receiver, or null. */
  readonly holds: string | null;
  /** For display only. */
  readonly name: string;
  readonly kind: PeerKind;
  /** Where the sender listens, at the address it is seen from; 0 if nowhere. */
  readonly port: number;
}

/** "This connection is the one; this is what I have of yours": received up to `n` of `epoch`, and the id of that one. */
export interface Ready {
  readonly t: "ready";
  readonly have: { readonly epoch: string; readonly n: number; readonly id: string } | null;
  /** How many messages beyond it may be sent. */
  readonly w: number;
}

/** "I go on in this epoch; the lowest number that I still hold is `low`." */
export interface Start {
  readonly t: "start";
  readonly epoch: string;
  readonly low: number;
}

export interface Msg {
  readonly t: "msg";
  readonly n: number;
  readonly id: string;
  readonly at: number;
  readonly text: string;
  readonly room?: string;
  readonly re?: string;
  readonly hops?: number;
  /** Reserved for rooms: the ids of what its author had seen. */
  readonly parents?: readonly string[];
  /** For programs: a call, its result. */
  readonly data?: MessageData;
}

/**
 * A piece of a message that is still being written: `text` is what it says from `at` (in UTF-16 units) on, so far. Nothing at
 * 0: it will not be sent after all. Not numbered, not kept, never sent again.
 */
export interface Draft {
  readonly t: "draft";
  /** Of the message that it will become. */
  readonly id: string;
  readonly at: number;
  readonly text: string;
  readonly room?: string;
  readonly re?: string;
}

/** The numbers from `n` to `to` hold nothing any more; `id` is that of the message that was `to`. */
export interface Skip {
  readonly t: "skip";
  readonly n: number;
  readonly to: number;
  readonly id: string;
}

/** Everything up to `n` of `epoch` is on disk here; `w` more may be sent. */
export interface Ack {
  readonly t: "ack";
  readonly epoch: string;
  readonly n: number;
  readonly w: number;
}

export type Range = readonly [first: number, last: number];

/** Receipt number `k` of this connection: the hooks are done with these messages of yours. */
export interface Done {
  readonly t: "done";
  readonly k: number;
  readonly epoch: string;
  readonly ok: readonly Range[];
  readonly failed: readonly (readonly [n: number, reason: string])[];
}

/** Receipts up to number `k` of this connection are on disk here. */
export interface Got {
  readonly t: "got";
  readonly k: number;
}

export interface Ping {
  readonly t: "ping" | "pong";
}

/** The last frame, with the reason for closing; or something that a person at the other end should read. */
export interface Bye {
  readonly t: "bye" | "notice";
  readonly code: string;
  readonly message: string;
  /** For so long, in ms, another connection would be refused too. */
  readonly after?: number;
}

export type Frame = Hello | Ready | Start | Msg | Draft | Skip | Ack | Done | Got | Ping | Bye;
export type FrameKind = Frame["t"];

export function encodeFrame(frame: Frame): string {
  return `${JSON.stringify(frame)}\n`;
}

/**
 * Unknown fields are ignored, so that they can be added later; so are kinds (as in RFC 9113, section 5.5): undefined for one.
 *
 * @throws {WarrenError} `FRAME_MALFORMED` with the field that is wrong
 */
export function decodeFrame(value: unknown): Frame | undefined {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw malformed("a line", "a JSON object");
  const frame = value as Record<string, unknown>;
  const kind = frame["t"];
  if (typeof kind !== "string") throw malformed("t", "a kind of frame");
  if (!Object.hasOwn(CHECKS, kind)) return undefined;
  if (kind === "msg" && isPlainMessage(frame)) return frame as unknown as Msg;
  const checks = CHECKS[kind as FrameKind];
  for (const field in checks) {
    if (!checks[field]?.(frame[field])) throw malformed(`${kind}.${field}`, "another value");
  }
  return value as Frame;
}

/** The checks of a message without data, at once: nearly all of what comes is such a one. */
function isPlainMessage({ n, id, at, text, room, re, hops, parents, data }: Record<string, unknown>): boolean {
  return (
    parents === undefined &&
    data === undefined &&
    isNumber(n) &&
    isToken(id) &&
    isCount(at) &&
    isText(text) &&
    (room === undefined || isRoom(room)) &&
    (re === undefined || isToken(re)) &&
    (hops === undefined || isCount(hops))
  );
}

type Check = (value: unknown) => boolean;

const TOKEN = /^[\w.-]{1,64}$/; // MAX_TOKEN_LENGTH

/** Whether a value can be the id of a message. */
export const isToken: Check = (value) => typeof value === "string" && TOKEN.test(value);
const isCount: Check = (value) => Number.isSafeInteger(value) && (value as number) >= 0;
const isNumber: Check = (value) => Number.isSafeInteger(value) && (value as number) >= 1;
const isText: Check = (value) =>
  typeof value === "string" &&
  // Counting UTF-8 is only needed where it can matter: a character of a string is 1 to 3 bytes.
  (value.length * 3 <= MAX_TEXT_BYTES || Buffer.byteLength(value) <= MAX_TEXT_BYTES);
const isRoom: Check = (value) => typeof value === "string" && isName(value);
const isReason: Check = (value) => typeof value === "string" && value.length <= MAX_REASON_LENGTH;
const isRange: Check = (value) =>
  Array.isArray(value) && value.length === 2 && value.every(isNumber) && Number(value[0]) <= Number(value[1]);
const isFailure: Check = (value) =>
  Array.isArray(value) && value.length === 2 && isNumber(value[0]) && isReason(value[1]);

const optional =
  (check: Check): Check =>
  (value) =>
    value === undefined || check(value);
const nullable =
  (check: Check): Check =>
  (value) =>
    value === null || check(value);
const listOf =
  (check: Check, max: number): Check =>
  (value) =>
    Array.isArray(value) && value.length <= max && value.every(check);

const CHECKS: Record<FrameKind, Record<string, Check>> = {
  hello: {
    v: (value) => value === PROTOCOL_VERSION,
    instance: isToken,
    conn: isToken,
    holds: nullable(isToken),
    name: (value) => typeof value === "string" && isName(value),
    kind: (value) => PEER_KINDS.some((kind) => kind === value),
    port: (value) => isCount(value) && Number(value) <= 65_535,
  },
  ready: {
    have: nullable((value) => {
      const have = value as Record<string, unknown> | undefined;
      return typeof have === "object" && isToken(have["epoch"]) && isCount(have["n"]) && isIdOrNone(have["id"]);
    }),
    w: isCount,
  },
  start: { epoch: isToken, low: isNumber },
  msg: {
    n: isNumber,
    id: isToken,
    at: isCount,
    text: isText,
    room: optional(isRoom),
    re: optional(isToken),
    hops: optional(isCount),
    parents: optional(listOf(isToken, MAX_PARENTS)),
    data: optional(isData),
  },
  draft: { id: isToken, at: isCount, text: isText, room: optional(isRoom), re: optional(isToken) },
  skip: { n: isNumber, to: isNumber, id: isToken },
  ack: { epoch: isToken, n: isCount, w: isCount },
  done: { k: isNumber, epoch: isToken, ok: listOf(isRange, MAX_RANGES), failed: listOf(isFailure, MAX_RANGES) },
  got: { k: isNumber },
  ping: {},
  pong: {},
  bye: { code: isToken, message: isReason, after: optional(isCount) },
  notice: { code: isToken, message: isReason },
};

function isIdOrNone(value: unknown): boolean {
  return value === "" || isToken(value); // nothing was received yet in this epoch: there is no id
}

function malformed(what: string, wanted: string): WarrenError {
  return new WarrenError("FRAME_MALFORMED", `${what} is not as it should be: ${wanted} was expected`);
}

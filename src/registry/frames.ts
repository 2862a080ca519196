/** Frames: the JSON objects of a session between a peer and a registry, one a WebSocket message. See docs/registry.md. */
import { z } from "zod";
import { ERROR_CODES, WarrenError } from "../base/errors.ts";
import { peerIdShape, timeShape } from "./shapes.ts";

const jws = z.string().max(49_152); // each kind of statement has a tighter limit of its own
const cursor = z.string().max(64);

/** Whether a peer answers where a registry sees it; unknown, where the registry has not looked. */
export const REACHABILITIES = ["yes", "no", "unknown"] as const;
export type Reachability = (typeof REACHABILITIES)[number];

const peerFrame = z.object({
  t: z.literal("peer"),
  online: z.boolean(),
  /** Seconds since the registry received the record. */
  age: z.int().min(0),
  record: jws,
  grant: jws,
  /** Absent within a snapshot. */
  cursor: cursor.optional(),
});

const errorFrame = z.object({
  t: z.literal("error"),
  code: z.enum(ERROR_CODES),
  message: z.string().max(1_000),
  /** `NAME_TAKEN`: by whom, and since when (epoch ms of the registry). */
  holder: z.object({ id: peerIdShape, since: timeShape }).optional(),
  /** `RECORD_STALE`: the last record that the registry has of this key. */
  last: jws.optional(),
  /** Trying again helps, but not before so many ms. */
  after: z.int().min(0).max(600_000).optional(),
});

const serverFrame = z.discriminatedUnion("t", [
  z.object({ t: z.literal("challenge"), challenge: jws }),
  z.object({
    t: z.literal("welcome"),
    grant: jws,
    leaseMs: z.int().min(1_000).max(3_600_000),
    /** The address that the registry sees the peer at. */
    seen: z.string().max(253),
    /** Of a closed registry: by it the peer may read over HTTP. */
    pass: z.string().max(200).optional(),
  }),
  z.object({ t: z.literal("recorded"), seq: z.int(), grant: jws }),
  z.object({
    t: z.literal("reachable"),
    reachable: z.enum(REACHABILITIES),
    /** That answered, or did not. */
    port: z.int().min(1).max(65_535),
  }),
  z.object({ t: z.literal("snapshot") }),
  peerFrame,
  z.object({ t: z.literal("synced"), cursor }),
  /** Whether what is told may be old; it is not, until this is said. */
  z.object({ t: z.literal("view"), stale: z.boolean() }),
  z.object({ t: z.literal("released") }),
  z.object({ t: z.literal("pong") }),
  z.object({
    t: z.literal("bye"),
    /** Of a registry that ends: come back after so many ms, which are not the same for everybody. */
    after: z.int().min(0).max(600_000).optional(),
  }),
  errorFrame,
]);

const peerSideFrame = z.discriminatedUnion("t", [
  z.object({
    t: z.literal("login"),
    login: jws,
    record: jws,
    grant: jws.optional(),
    /** Do not take over from another session of the same key. */
    ifFree: z.boolean().optional(),
    /** For a closed registry that does not know the key yet. */
    invite: z.string().max(100).optional(),
  }),
  z.object({ t: z.literal("record"), record: jws }),
  z.object({ t: z.literal("subscribe"), after: cursor.optional() }),
  z.object({ t: z.literal("ping") }),
  z.object({ t: z.literal("goodbye"), goodbye: jws }),
  z.object({ t: z.literal("release"), release: jws }),
]);

export type ServerFrame = z.infer<typeof serverFrame>;
export type PeerSideFrame = z.infer<typeof peerSideFrame>;
export type PeerFrame = z.infer<typeof peerFrame>;
export type ErrorFrame = z.infer<typeof errorFrame>;
export type LoginFrame = Extract<PeerSideFrame, { t: "login" }>;

/** Longest message that a client takes from a registry. */
export const MAX_SERVER_FRAME_BYTES = 65_536;

export function encodeFrame(frame: ServerFrame | PeerSideFrame): string {
  return JSON.stringify(frame);
}

/** Undefined for a kind that a later version has added. @throws {WarrenError} `FRAME_MALFORMED` */
export function parsePeerSideFrame(text: string | Uint8Array): PeerSideFrame | undefined {
  return parse(peerSideFrame, text);
}

/** Undefined for a kind that a later version has added. @throws {WarrenError} `FRAME_TOO_LARGE`, `FRAME_MALFORMED` */
export function parseServerFrame(text: unknown): ServerFrame | undefined {
  if (typeof text === "string" && text.length > MAX_SERVER_FRAME_BYTES) {
    throw new WarrenError("FRAME_TOO_LARGE", `a frame of ${text.length} characters; at most ${MAX_SERVER_FRAME_BYTES}`);
  }
  return parse(serverFrame, text);
}

function parse<Frame>(shape: z.ZodType<Frame>, text: unknown): Frame | undefined {
  if (typeof text !== "string") throw new WarrenError("FRAME_MALFORMED", "a frame is a text message");
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new WarrenError("FRAME_MALFORMED", "a frame that is not JSON", { cause: error });
  }
  const result = shape.safeParse(value);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  if (issue?.code === "invalid_union" && issue.path[0] === "t" && isOfKind(value)) return undefined;
  const place = issue?.path.map(String).join(".") || "frame";
  throw new WarrenError("FRAME_MALFORMED", `a frame that says nothing known: ${place}: ${issue?.message ?? "bad"}`);
}

function isOfKind(value: unknown): boolean {
  return typeof value === "object" && value !== null && "t" in value && typeof value.t === "string";
}

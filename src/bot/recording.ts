/** Recording: what a bot was told, what chance gave it and what it said, a line of JSON each. See docs/bots.md. */
import { z } from "zod";
import { isPeerId } from "../base/ids.ts";

export const RECORDING_VERSION = 1;
/** A recording that has grown to this ends. */
export const MAX_RECORDING_BYTES = 16_777_216;

const peer = z.object({
  id: z.string().refine(isPeerId, "not a peer id"),
  name: z.string().min(1).max(64),
  kind: z.enum(["person", "bot"]),
});

/** Of a message in either direction. */
const message = {
  id: z.string(),
  text: z.string(),
  room: z.string().optional(),
  re: z.string().optional(),
  data: z.record(z.string(), z.unknown()).optional(),
};

const SHAPES = {
  /** A process of the bot begins; the first line. `config` is without its secrets. */
  start: z.object({
    version: z.literal(RECORDING_VERSION),
    bot: peer,
    config: z.record(z.string(), z.unknown()),
    registered: z.boolean(),
  }),
  /** What was in its stores when the recording began. */
  stored: z.object({ table: z.string(), key: z.string(), value: z.unknown() }),
  in: z.object({ from: peer, ...message }),
  out: z.object({ to: peer, ...message }),
  /** It was told who came and went, or that the registry has accepted it. */
  told: z.object({ event: z.enum(["peer:online", "peer:offline", "registered"]), peer: peer.optional() }),
  /** What chance gave it: a number from 0 to 1, or the name of something new. */
  number: z.object({ value: z.number() }),
  token: z.object({ value: z.string() }),
  /** What came of an effect, of a question to the registry, or of a call. */
  result: z.object({ of: z.string(), value: z.unknown().optional() }),
  /** What the network answered, or why it did not. */
  fetched: z.object({
    of: z.string(),
    status: z.number().int().min(200).max(599).optional(),
    type: z.string().optional(),
    body: z.string().optional(),
    error: z.string().optional(),
  }),
  /** The recording has reached its bound. */
  full: z.object({}),
};

type Kind = keyof typeof SHAPES;

/** What a recorder is told; the time is added when it is written. */
export type Recorded = { [One in Kind]: { readonly t: One } & z.output<(typeof SHAPES)[One]> }[Kind];
/** One line; `at` is the wall time in epoch ms. */
export type RecordedLine = Recorded & { readonly at: number };

const head = z.object({ t: z.enum(Object.keys(SHAPES) as [Kind, ...Kind[]]), at: z.number() });

/** The line, or what is wrong with it. */
export function parseRecorded(text: string): RecordedLine | string {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return "it is no JSON";
  }
  const kind = head.safeParse(value);
  const body = kind.success ? SHAPES[kind.data.t].safeParse(value) : kind;
  if (kind.success && body.success) return { ...kind.data, ...body.data } as RecordedLine; // of the shape of its own `t`
  const issue = body.error?.issues[0];
  return `${issue?.path.join(".") || "it"}: ${issue?.message ?? "is wrong"}`;
}

/** Records: what a peer says of itself, signed with its own key. Whoever relays one cannot change it. */
import { z } from "zod";
import type { Card } from "../base/card.ts";
import type { Address, PeerInfo } from "../base/ids.ts";
import { addressShape, kindShape, nameShape, peerIdShape } from "./shapes.ts";
import { openStatement, readStatement, signStatement, type StatementKind } from "./statement.ts";
import { MAX_TRANSFER_BYTES } from "./transfer.ts";

export const MAX_ADDRESSES = 16;
export const MAX_COMMANDS = 64;
/** Of the card's JSON. */
export const MAX_CARD_BYTES = 16_384;
/** Of the signed form: a full card, sixteen addresses and the rooms, in base64. */
export const MAX_RECORD_BYTES = 32_768;
export const MAX_ROOMS = 64;

export interface RecordBody extends PeerInfo {
  /** Where it listens, best first. */
  readonly addresses: readonly Address[];
  readonly card: Card;
  readonly rooms?: readonly string[] | undefined;
  /** Counts the records of this key, across restarts: of two, the higher one holds. */
  readonly seq: number;
  /** Seconds for which it holds after it was received; the clocks of the two sides are never compared. */
  readonly ttl: number;
  /** The statement by which another key has handed the name on to this one: see transfer.ts. */
  readonly transfer?: string | undefined;
  /** SHA-256 of the key that may replace this one, in base64url. */
  readonly next?: string | undefined;
}

const cardShape = z
  .object({
    about: z.string().max(500),
    commands: z
      .array(
        z.object({
          name: z.string().regex(/^[a-z0-9][\w-]{0,31}(?: [a-z0-9][\w-]{0,31}){0,2}$/i, "not a command's name"),
          about: z.string().max(300),
          args: z.record(z.string(), z.unknown()),
        }),
      )
      .max(MAX_COMMANDS),
  })
  .refine(fitsCard, `a card has at most ${MAX_CARD_BYTES} bytes of JSON`);

const RECORD: StatementKind<RecordBody> = {
  what: "record",
  typ: "warren-record+jwt",
  code: "RECORD_INVALID",
  maxBytes: MAX_RECORD_BYTES,
  signer: (body) => body.id,
  body: z.object({
    id: peerIdShape,
    name: nameShape,
    kind: kindShape,
    addresses: z.array(addressShape).max(MAX_ADDRESSES),
    card: cardShape,
    rooms: z.array(z.string().min(1).max(64)).max(MAX_ROOMS).optional(),
    seq: z.int().min(1),
    ttl: z.int().min(60).max(604_800),
    transfer: z.string().max(MAX_TRANSFER_BYTES).optional(),
    next: z
      .string()
      .regex(/^[\w-]{43}$/)
      .optional(),
  }),
};

/** @throws {WarrenError} `RECORD_INVALID` when something in it is over its limit */
export function signRecord(body: RecordBody, privateKey: CryptoKey): Promise<string> {
  return signStatement(RECORD, body, privateKey);
}

/** @throws {WarrenError} `RECORD_INVALID` unless it is whole, within its limits, and signed by the key that it is about */
export function openRecord(jws: string): Promise<RecordBody> {
  return openStatement(RECORD, jws);
}

/** For a record that was opened before it was kept; undefined when it has been damaged since. */
export function readKeptRecord(jws: string): RecordBody | undefined {
  try {
    return readStatement(RECORD, jws);
  } catch {
    return undefined; // whoever opens it is told what is wrong
  }
}

/** Whether the card's JSON is short enough to be published. */
export function fitsCard(card: Card): boolean {
  return Buffer.byteLength(JSON.stringify(card)) <= MAX_CARD_BYTES;
}

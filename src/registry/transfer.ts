/** Transfers: a name handed on to another key, signed by the key that holds it. */
import { z } from "zod";
import type { PeerId } from "../base/ids.ts";
import { nameShape, peerIdShape, timeShape } from "./shapes.ts";
import { openStatement, signStatement, type StatementKind } from "./statement.ts";

export const MAX_TRANSFER_BYTES = 1_024;

export interface TransferBody {
  /** Whose names are meant. */
  readonly registry: PeerId;
  readonly name: string;
  readonly from: PeerId;
  readonly to: PeerId;
  /** Since when `from` has the name, as its grant says: it ends this one holding, and no later one of the same key. */
  readonly since: number;
}

const TRANSFER: StatementKind<TransferBody> = {
  what: "transfer",
  typ: "warren-transfer+jwt",
  code: "TRANSFER_INVALID",
  maxBytes: MAX_TRANSFER_BYTES,
  signer: (body) => body.from,
  body: z.object({
    registry: peerIdShape,
    name: nameShape,
    from: peerIdShape,
    to: peerIdShape,
    since: timeShape,
  }),
};

export function signTransfer(body: TransferBody, privateKey: CryptoKey): Promise<string> {
  return signStatement(TRANSFER, body, privateKey);
}

/** @throws {WarrenError} `TRANSFER_INVALID` unless it is whole and signed by the key that hands the name on */
export function openTransfer(jws: string): Promise<TransferBody> {
  return openStatement(TRANSFER, jws);
}

interface Taker {
  readonly id: PeerId;
  readonly name: string;
  readonly transfer?: string | undefined;
}

/** What a record's transfer says, if it hands the name in the record to the key of the record. */
export async function transferTo({ id, name, transfer }: Taker, registry: PeerId): Promise<TransferBody | undefined> {
  if (transfer === undefined) return undefined;
  const body = await openTransfer(transfer).catch(() => undefined); // without a good one it has the rights of anybody
  return body?.registry === registry && body.name === name && body.to === id ? body : undefined;
}

/**
 * Since when the new key has the name: a moment before the old one. So the old key's grant, which goes on to hold, never
 * wins against the new key's; and the transfer says a `since` that is past, so that it cannot be used again.
 */
export function sinceAfter({ since }: TransferBody): number {
  return since - 1;
}

/** Entries: what a reader knows of a peer after it has checked what the registry said. */
import type { Card } from "../base/card.ts";
import type { Address, PeerId, PeerInfo } from "../base/ids.ts";
import { openGrant } from "./grant.ts";
import { openRecord, type RecordBody } from "./record.ts";
import { transferTo } from "./transfer.ts";

/** What a peer says of itself. */
export interface SelfDescription extends PeerInfo {
  readonly addresses: readonly Address[];
  readonly card: Card;
}

export interface RegistryEntry extends SelfDescription {
  readonly online: boolean;
  /** The key that has handed the name on to this one, and signed that. */
  readonly transferredFrom?: PeerId;
}

/** A record that has stood every check. */
export interface CheckedRecord extends RecordBody {
  readonly transferredFrom?: PeerId;
}

export interface RegistryQuery {
  id?: PeerId;
  name?: string;
  kind?: PeerInfo["kind"];
  command?: string;
}

/** A record and a grant as they come from the registry, unchecked. */
export interface SignedEntry {
  record: string;
  grant: string;
}

/** @throws {WarrenError} `RECORD_INVALID` unless the peer said it itself and `registry` gave it the name */
export async function checkEntry({ record, grant }: SignedEntry, registry: PeerId): Promise<CheckedRecord> {
  const body = await openRecord(record);
  await openGrant(grant, { registry, name: body.name, id: body.id });
  const transfer = await transferTo(body, registry);
  return transfer ? { ...body, transferredFrom: transfer.from } : body;
}

export function toEntry(checked: CheckedRecord, online: boolean): RegistryEntry {
  const { id, name, kind, addresses, card, transferredFrom } = checked;
  return { id, name, kind, addresses, card, online, ...(transferredFrom && { transferredFrom }) };
}

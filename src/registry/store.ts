/** Store: what a registry keeps of its peers. `LocalStore` is one process's; a test holds every store to one contract. */
import type { PeerId, PeerKind } from "../base/ids.ts";
import type { RecordBody } from "./record.ts";

/** A key's last record, as it was received. */
export interface StoredRecord {
  readonly id: PeerId;
  readonly name: string;
  readonly record: string;
  /** When the key first got its name. */
  readonly since: number;
  /** Epoch ms. */
  readonly receivedAt: number;
  /** The number of the registration by which the peer is online; 0 when it is offline. */
  readonly stay: number;
}

export type Registration =
  | { kind: "registered"; since: number; stay: number; displaced: PeerId | undefined }
  | { kind: "taken"; holder: { id: PeerId; since: number } }
  | { kind: "stale"; last: string }
  | { kind: "full"; why: string };

export interface RecordQuery {
  name?: string | undefined;
  kind?: PeerKind | undefined;
  command?: string | undefined;
  online?: boolean | undefined;
  /** Only ids after this one, in their order. */
  after?: PeerId | undefined;
  limit: number;
}

/** A promise resolves when what it stands for is kept. */
export interface RegistryStore extends AsyncDisposable {
  /**
   * Takes a key's record and gives it the name in it, if it is the first to ask. `grantedSince` is what a grant of this
   * registry says: where two keys claim a name (a restored or lost disk), the earlier one has it.
   */
  register(body: RecordBody, record: string, grantedSince?: number): Promise<Registration>;
  /** The peer is offline, unless it has registered again since; its record and its name stay. */
  leave(id: PeerId, stay: number): Promise<void>;
  /**
   * Notes that the registry is alive, and on a new day counts it: names that were in use stay fresh, those not used for
   * 90 counted days are free. A clock that jumps counts one day at most.
   */
  tick(): Promise<void>;
  /** Epoch ms of the last sign of life of the process before this one. */
  aliveAt(): number | undefined;
  get(id: PeerId): StoredRecord | undefined;
  list(query: RecordQuery): StoredRecord[];
}

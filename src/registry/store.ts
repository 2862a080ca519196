/**
 * Store: what a registry keeps of its peers, and the order in which they come and go. `LocalStore` is one process's;
 * test/registry/store-contract.ts holds every store to the same behaviour.
 */
import type { PeerId, PeerKind } from "../base/ids.ts";
import type { RecordBody } from "./record.ts";
import type { Leaseholder } from "./roster.ts";

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

export interface Claim {
  readonly body: RecordBody;
  /** As it was signed. */
  readonly record: string;
  /** What a grant of this registry says: where two keys claim a name (a restored or lost disk), the earlier one has it. */
  readonly grantedSince?: number | undefined;
  /** The session through which the peer is here. */
  readonly holder: Leaseholder;
}

export type Registration =
  | { kind: "registered"; since: number; stay: number }
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

/** A peer is online by this record; it may have been so before. */
export interface Arrival {
  readonly stored: StoredRecord;
  /** Whose it is; undefined while it is waited for. */
  readonly holder: Leaseholder | undefined;
  /** Of `stored.record`, if it has been checked. */
  readonly body?: RecordBody | undefined;
}

/** A peer is offline. */
export interface Departure {
  readonly id: PeerId;
  /** The registration that ended. */
  readonly stay: number;
  /** Somebody else has shown the older right to its name. */
  readonly isDisplaced: boolean;
}

/** Who is told what the store keeps from now on, in order, after it has been kept. Nothing here may throw. */
export interface Follower {
  arrived(arrival: Arrival): void;
  left(departure: Departure): void;
}

/** A promise resolves when what it stands for is kept, and the follower has been told. */
export interface RegistryStore extends AsyncDisposable {
  /** Tells of everybody who is online, then of every change. To be called once, before anything is written. */
  follow(follower: Follower): Promise<void>;
  /** Takes a key's record and gives it the name in it, if it is the first to ask. */
  register(claim: Claim): Promise<Registration>;
  /** The peer is offline, unless it has registered again since; its record and its name stay. */
  leave(id: PeerId, stay: number): Promise<void>;
  /**
   * Notes that the registry is alive, and on a new day counts it: names that were in use stay fresh, those not used for
   * 90 counted days are free. A clock that jumps counts one day at most.
   */
  tick(): Promise<void>;
  get(id: PeerId): StoredRecord | undefined;
  list(query: RecordQuery): StoredRecord[];
}

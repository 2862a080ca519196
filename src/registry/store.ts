/**
 * Store: what a registry keeps of its peers, and the order in which they come and go. `LocalStore` is one process's;
 * test/registry/store-contract.ts holds every store to the same behaviour.
 */
import type { WarrenError } from "../base/errors.ts";
import type { PeerId, PeerKind } from "../base/ids.ts";
import type { Log } from "../base/log.ts";
import type { World } from "../base/world.ts";
import type { Identity } from "../identity/identity.ts";
import type { Door } from "./door.ts";
import type { RegistryLimits } from "./limits.ts";
import type { RecordBody } from "./record.ts";
import type { Leaseholder } from "./roster.ts";

/** Whoever meets a store that is out of reach is asked to come again after so long. */
export const BUSY_MS = 2_000;

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
  /** Do not take over from another session. */
  readonly ifFree?: boolean | undefined;
}

export type Registration =
  | { kind: "registered"; since: number; stay: number }
  | { kind: "taken"; holder: { id: PeerId; since: number } }
  | { kind: "stale"; last: string }
  | { kind: "full"; why: string }
  /** It is online through another process, and the claim was `ifFree`. */
  | { kind: "held" }
  /** Nothing can be kept just now. It may be kept later all the same: whoever asks again is not refused for that. */
  | { kind: "busy"; why: string; retryAfterMs: number };

export interface RecordQuery {
  name?: string | undefined;
  kind?: PeerKind | undefined;
  command?: string | undefined;
  online?: boolean | undefined;
  /** Only ids after this one, in their order. */
  after?: PeerId | undefined;
  limit: number;
}

interface Change {
  /** Its place in the order of all changes, where several processes share one; else it is the next. */
  readonly position?: number;
}

/** A peer is online by this record; it may have been so before. */
export interface Arrival extends Change {
  readonly stored: StoredRecord;
  /** Whose it is; undefined while it is waited for. */
  readonly holder: Leaseholder | undefined;
  /** Of `stored.record`, if it has been checked. */
  readonly body?: RecordBody | undefined;
  /** How long ago the record was received; 0 unless it is given. */
  readonly ageMs?: number;
}

/** A peer is offline. */
export interface Departure extends Change {
  readonly id: PeerId;
  /** The registration that ended; 0 if it is not known. */
  readonly stay: number;
  /** What is told of it to readers who were away, when it has been gone since before this process. */
  readonly stored?: StoredRecord;
  /** Somebody else has shown the older right to its name. */
  readonly isDisplaced: boolean;
}

/** Who is told what the store keeps from now on, in order, after it has been kept. Nothing here may throw. */
export interface Follower {
  arrived(arrival: Arrival): void;
  left(departure: Departure): void;
  // What follows is told by a store that several processes share.
  /** Positions are of another history now; everything after `floor` is told from here on. */
  restarted(history: string, floor: number): void;
  /** Sessions at another process have ended without a word: their peers are waited for, and for `moreMs` in addition. */
  lost(holder: Leaseholder, moreMs: number): void;
  /** This process must let its sessions go, and take no others until it may again. */
  shut(reason: WarrenError): void;
  reopened(): void;
}

/** A promise resolves when what it stands for is kept, and the follower has been told. */
export interface RegistryStore extends AsyncDisposable {
  /** Tells of everybody who is online, then of every change. To be called once, before anything is written. */
  follow(follower: Follower): Promise<void>;
  /** Takes a key's record and gives it the name in it, if it is the first to ask. */
  register(claim: Claim): Promise<Registration>;
  /** The peer is offline, unless it has registered again since; its record and its name stay. */
  leave(id: PeerId, stay: number): Promise<void>;
  /** Frees a name, and makes void every grant of it until now. False unless `id` holds it. */
  release(name: string, id: PeerId): Promise<boolean>;
  /**
   * Notes that the registry is alive, and on a new day counts it: names that were in use stay fresh, those not used for
   * 90 counted days are free. A clock that jumps counts one day at most.
   */
  tick(): Promise<void>;
  get(id: PeerId): StoredRecord | undefined;
  list(query: RecordQuery): StoredRecord[];
  /** Whom the registry lets in. Heeded by who calls the store; what is listed is without those that are blocked. */
  readonly door: Door;
  /** Whether peers can register just now, and leave. */
  readonly isOpen: boolean;
  /** Whether what it gives is as new as can be: not while a store that others write to is out of reach. */
  readonly isCurrent: boolean;
}

export interface StoreSetting {
  readonly identity: Identity;
  readonly world: World;
  readonly log: Log;
  readonly limits: RegistryLimits;
}

/** Opens a store that is not on this machine's disk. */
export type StoreOpener = (setting: StoreSetting) => Promise<RegistryStore>;

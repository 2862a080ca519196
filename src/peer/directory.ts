/** What a peer asks of a directory of other peers. The registry's client has this shape; so has a table in a test. */
import type { Card } from "../base/card.ts";
import type { Address, PeerId, PeerInfo } from "../base/ids.ts";

export interface DirectoryEntry extends PeerInfo {
  readonly online: boolean;
  readonly addresses: readonly Address[];
  readonly card: Card;
  /** The key that has handed the name on to this one, and signed that. */
  readonly transferredFrom?: PeerId;
}

export interface DirectoryQuery {
  id?: PeerId;
  name?: string;
  kind?: PeerInfo["kind"];
  command?: string;
}

export interface DirectoryEvents {
  /** A peer came online, or its entry changed while it is. */
  online: [entry: DirectoryEntry];
  offline: [entry: DirectoryEntry];
  /** The registry answers again / no longer answers. */
  connected: [];
  disconnected: [reason: string];
  /** Something a person should read: a name held by another key, a registry with a new key. */
  notice: [error: Error];
}

export interface Directory extends AsyncDisposable {
  /** Where the registry is, for display. */
  readonly url: string;
  readonly isConnected: boolean;
  /** Whether others can dial this peer where the registry sees it. */
  readonly reachable?: "yes" | "no" | "unknown";
  /** Who is not online in `entries()` may be so in another registry: `find` asks all of them. */
  readonly isOneOfSeveral?: boolean;
  /** The entries known without asking anybody, from the subscription; every one of them verified. */
  entries(): Iterable<DirectoryEntry>;
  /** Of those: the one with an id, or all with a name. To find them costs the same however many are known. */
  entry(id: PeerId): DirectoryEntry | undefined;
  named(name: string): readonly DirectoryEntry[];
  /** Asks the registry. @throws {WarrenError} `REGISTRY_UNREACHABLE` and the like */
  find(query: DirectoryQuery): Promise<DirectoryEntry[]>;
  /** Announces what this peer is now; called again whenever that changes. Returns at once. */
  announce(self: Announcement): void;
  on<Event extends keyof DirectoryEvents>(
    event: Event,
    listener: (...args: DirectoryEvents[Event]) => void,
  ): () => void;
  /** Leaves without a goodbye: whoever is back within the registry's grace period was never seen to go. */
  hangUp(): Promise<void>;
}

/** What a peer says of itself. */
export interface Announcement extends PeerInfo {
  readonly addresses: readonly Address[];
  readonly card: Card;
}

/** Demand: which peers we want a connection with, and why. */
import type { WarrenError } from "../base/errors.ts";
import type { PeerId } from "../base/ids.ts";
import type { Clock } from "../base/world.ts";
import type { Store } from "../store/store.ts";
import type { Connection } from "./connection.ts";
import type { Dialler } from "./dialler.ts";
import type { Sessions } from "./sessions.ts";

/** A connection that has lived so long is a success, whatever it was good for. */
const STABLE_MS = 30_000;

export interface DemandParts {
  readonly store: Store;
  readonly clock: Clock;
  readonly sessions: Sessions;
  readonly dialler: () => Dialler;
  readonly isConnected: (peer: PeerId) => boolean;
}

export class Demand {
  readonly #parts: DemandParts;
  readonly #kept = new Set<PeerId>(); // those whom we have reached before
  #isClosed = false;

  constructor(parts: DemandParts) {
    this.#parts = parts;
  }

  isWanted(id: PeerId): boolean {
    if (this.#isClosed || this.#parts.isConnected(id)) return false;
    return this.#kept.has(id) || this.#hasWork(id);
  }

  /** The last connection with a peer is gone. */
  lost({ peer, link, openedAt }: Connection, error: WarrenError | undefined): void {
    const { clock, sessions } = this.#parts;
    const dialler = this.#parts.dialler();
    if (clock.steady() - openedAt > STABLE_MS) dialler.progressed(peer);
    sessions.find(peer)?.detach();
    sessions.creditFreed();
    // Who has dialled dials again: the other side may have no way to reach us. After a goodbye, when it is back.
    if (link.dialled) this.#kept.add(peer);
    if (error || this.#hasWork(peer)) dialler.want(peer);
  }

  close(): void {
    this.#isClosed = true;
  }

  /** Whether there is something for a peer that only a connection can bring it. */
  #hasWork(id: PeerId): boolean {
    const { store, sessions } = this.#parts;
    const session = sessions.find(id);
    return session !== undefined && (session.hasUnacknowledged || store.receipts.after(session.n, 0, 1).length > 0);
  }
}

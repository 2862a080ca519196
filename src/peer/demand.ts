/** Demand: which peers we want a connection with, and why. */
import type { WarrenError } from "../base/errors.ts";
import type { PeerId } from "../base/ids.ts";
import type { Clock } from "../base/world.ts";
import type { Store } from "../store/store.ts";
import type { Bye } from "../wire/frames.ts";
import type { Connection } from "./connection.ts";
import type { Dialler } from "./dialler.ts";
import type { Reports } from "./reports.ts";
import type { Sessions } from "./sessions.ts";

/** A connection that has lived so long is a success, whatever it was good for. */
const STABLE_MS = 30_000;
/** How long a peer that another process has replaced leaves the others alone; the longest pause that anybody may ask for. */
export const REPLACED_PAUSE_MS = 300_000;

/** Strangers that are dialled at the same time, to tell them what became of their messages; others learn it when they come. */
export const MAX_STRANGERS_DIALLED = 100;

export interface DemandParts {
  readonly store: Store;
  readonly clock: Clock;
  readonly sessions: Sessions;
  readonly dialler: () => Dialler;
  readonly isConnected: (peer: PeerId) => boolean;
  readonly isBlocked: (peer: PeerId) => boolean;
  readonly reports: Reports;
}

export class Demand {
  readonly #parts: DemandParts;
  readonly #kept = new Set<PeerId>(); // those whom we have reached before
  readonly #sought = new Set<PeerId>(); // strangers whom we dial
  #isClosed = false;

  constructor(parts: DemandParts) {
    this.#parts = parts;
  }

  isWanted(id: PeerId): boolean {
    const isPossible = !this.#isClosed && !this.#parts.isConnected(id) && !this.#parts.isBlocked(id);
    const isWanted = isPossible && (this.#kept.has(id) || this.#hasWork(id));
    if (!isWanted) this.#sought.delete(id);
    return isWanted && (this.#parts.sessions.find(id)?.isKnown === true || this.#seeks(id));
  }

  /** Whether a stranger is one of those who are dialled: they may have vanished, and be without number. */
  #seeks(id: PeerId): boolean {
    if (this.#sought.size < MAX_STRANGERS_DIALLED) this.#sought.add(id);
    return this.#sought.has(id);
  }

  /** The last connection with a peer is gone. */
  lost({ peer, link, openedAt }: Connection, error: WarrenError | undefined): void {
    const { clock, sessions } = this.#parts;
    const dialler = this.#parts.dialler();
    if (clock.steady() - openedAt > STABLE_MS) dialler.progressed(peer);
    sessions.find(peer)?.detach();
    sessions.creditFreed();
    sessions.unloadLater(peer);
    // Who has dialled dials again: the other side may have no way to reach us. After a goodbye, when it is back.
    if (link.dialled) this.#kept.add(peer);
    if (error || this.#hasWork(peer)) dialler.want(peer);
  }

  /** A peer does not let us in, or sends us away for a while. */
  refused(peer: PeerId, bye: Bye): void {
    this.#parts.dialler().pause(peer, Math.min(bye.after ?? 0, REPLACED_PAUSE_MS));
    const info = this.#parts.sessions.find(peer)?.info;
    if (info && bye.code !== "RATE_LIMITED") this.#parts.reports.refused(info, bye);
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

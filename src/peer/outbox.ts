/** Outbox: what waits for whom, made visible. What has never left this peer can be dropped. */
import { WarrenError } from "../base/errors.ts";
import type { PeerInfo } from "../base/ids.ts";
import type { Clock } from "../base/world.ts";
import type { ContactRow } from "../store/contacts.ts";
import type { Store } from "../store/store.ts";
import type { LivedTime } from "./lived-time.ts";
import { MAX_AGE_S } from "./outflow.ts";
import type { Session } from "./session.ts";
import type { Sessions } from "./sessions.ts";

export interface OutboxEntry {
  readonly to: PeerInfo;
  /** Being sent; kept until the peer is reached; kept until it is unblocked. */
  readonly state: "sending" | "waiting" | "blocked";
  readonly messages: number;
  readonly characters: number;
  /** When the oldest was written, in epoch ms. */
  readonly oldestAt: number;
  /** How many were never written to any connection: those can be dropped, and those expire. */
  readonly unwritten: number;
  /** The first of them expires after this much more time lived through, in s; null where there is none. */
  readonly expiresInS: number | null;
}

export interface OutboxMessage {
  readonly id: string;
  readonly text: string;
  readonly at: number;
}

/** What is left after a drop. */
export interface Dropped {
  readonly dropped: number;
  /** These may be over there already: they stay until that is known. */
  readonly kept: number;
}

export interface OutboxParts {
  readonly store: Store;
  readonly clock: Clock;
  readonly sessions: Sessions;
  readonly lived: LivedTime;
  resolve(who: string): Promise<PeerInfo>;
  /** A message of ours reached another state. Returns the end of the registration. */
  onReceipt(listener: () => void): () => void;
}

export class Outbox {
  readonly #parts: OutboxParts;
  readonly #flushes = new Set<() => void>(); // ends of those that wait

  constructor(parts: OutboxParts) {
    this.#parts = parts;
  }

  /** Everybody for whom something waits. */
  list(): OutboxEntry[] {
    return this.#waitedFor().flatMap(({ row, session }) => {
      const { all, unwritten } = session.outboxSize();
      if (all.messages === 0) return [];
      const age = unwritten.oldestBorn === null ? null : this.#parts.lived.now() - unwritten.oldestBorn;
      return {
        to: session.info,
        state: row.blocked === 1 ? "blocked" : session.isUp ? "sending" : "waiting",
        messages: all.messages,
        characters: all.characters,
        oldestAt: all.oldestAt ?? 0,
        unwritten: unwritten.messages,
        expiresInS: age === null ? null : Math.max(0, MAX_AGE_S - age),
      };
    });
  }

  /** What waits for one peer, the oldest first. @throws {WarrenError} like `Peer.resolve` */
  async messages(who: string, { limit = 100 }: { limit?: number } = {}): Promise<OutboxMessage[]> {
    const { id } = await this.#parts.resolve(who);
    const session = this.#parts.sessions.find(id);
    return session?.outbox(limit).map(({ id: message, text, at }) => ({ id: message, text, at })) ?? [];
  }

  /**
   * Gives up a message, or all that waits for a peer, as far as it was never written to a connection: it expires.
   * `what` is the id of a message, or a name or id of a peer.
   *
   * @throws {WarrenError} `MESSAGE_UNKNOWN`, `MESSAGE_SENT`, or like `Peer.resolve`
   */
  async drop(what: string): Promise<Dropped> {
    const dropped = isMessageId(what) ? this.#dropMessage(what) : await this.#dropAll(what);
    await this.#parts.store.db.committed();
    return dropped;
  }

  /** Waits until every message is delivered, or for `ms`; true if none is left. What waits for the blocked does not count. */
  flush(ms: number): Promise<boolean> {
    const { clock, store, sessions } = this.#parts;
    const isEmpty = (): boolean =>
      store.contacts.waitedFor().every((row) => row.blocked === 1 || !sessions.of(row).hasUnacknowledged);
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const stop = this.#parts.onReceipt(() => isEmpty() && resolve(true));
    const giveUp = (): void => resolve(isEmpty());
    const timer = clock.after(isEmpty() ? 0 : ms, giveUp);
    this.#flushes.add(giveUp);
    return promise.finally(() => {
      stop();
      timer[Symbol.dispose]();
      this.#flushes.delete(giveUp);
    });
  }

  /** Ends what waits in `flush`: the store is about to close. */
  close(): void {
    for (const giveUp of this.#flushes) giveUp();
  }

  #dropMessage(id: string): Dropped {
    const found = this.#waitedFor().flatMap(({ session }) => this.#placeOf(session, id) ?? [])[0];
    if (!found) throw new WarrenError("MESSAGE_UNKNOWN", `no message ${id} waits: "outbox <name>" shows what does`);
    const { session, seq } = found;
    const dropped = session.drop(seq);
    if (dropped > 0) return { dropped, kept: 0 };
    const { name } = session.info;
    throw new WarrenError("MESSAGE_SENT", `message ${id} may have reached ${name} already: it cannot be dropped`);
  }

  async #dropAll(who: string): Promise<Dropped> {
    const { id } = await this.#parts.resolve(who);
    const session = this.#parts.sessions.find(id);
    if (!session) return { dropped: 0, kept: 0 };
    return { dropped: session.drop(), kept: session.outboxSize().all.messages };
  }

  #placeOf(session: Session, id: string): { session: Session; seq: number } | undefined {
    const where = this.#parts.store.outgoing.find(session.n, id);
    const state = where && session.stateOf(where.epoch, where.seq).state;
    return state === "queued" || state === "sent" ? { session, seq: where?.seq ?? 0 } : undefined;
  }

  #waitedFor(): { row: ContactRow; session: Session }[] {
    return this.#parts.store.contacts
      .waitedFor()
      .map((row) => ({ row, session: this.#parts.sessions.of(row) }))
      .filter(({ session }) => session.hasUnacknowledged);
  }
}

/** Ids of messages have a dot in them, and no peer can be called so. */
function isMessageId(what: string): boolean {
  return what.includes(".") && !what.includes(":");
}

/** Sessions: one for each peer ever met, loaded when needed, and the turn's work for those that something happened to. */
import { WarrenError } from "../base/errors.ts";
import type { PeerId, PeerKind } from "../base/ids.ts";
import type { ContactRow } from "../store/contacts.ts";
import type { IncomingRow } from "../store/incoming.ts";
import type { Connection } from "./connection.ts";
import { Session, type SessionHost } from "./session.ts";

/** Messages of one peer that may wait for our handlers; with MAX_TEXT_BYTES each, at most 128 MiB. */
export const MAX_INBOX = 2_048;
/** The same for all strangers together, and for any one of them. */
export const MAX_STRANGERS_INBOX = 512;
export const MAX_STRANGER_INBOX = 64;
/** How many of them a stranger may send before the next grant: what is granted to one is not there for the others. */
export const MAX_STRANGER_CREDIT = 16;

type Host = Omit<SessionHost, "touched" | "window">;

export class Sessions {
  readonly #host: Host;
  readonly #byId = new Map<PeerId, Session>();
  readonly #byNumber = new Map<number, Session>();
  readonly #touched = new Set<Session>();
  readonly #waiting = new Map<number, number>(); // messages in the inbox, by peer; no zeros
  readonly #strangers = new Set<Session>(); // and some that no longer are
  readonly #starving = new Set<Session>(); // strangers that got no credit because the common budget was empty

  constructor(host: Host) {
    this.#host = host;
    const { db, contacts } = host.store;
    db.beforeCommit(() => {
      for (const session of this.#touched) session.save();
    });
    db.onRollback(() => {
      this.#touched.clear();
      // A session that began in this turn is not on disk: it goes, and comes back with the next message.
      for (const session of this.#byId.values()) {
        const row = contacts.byNumber(session.n);
        if (row?.id === session.id) session.reload(row);
        else this.#forget(session);
      }
    });
  }

  find(id: PeerId): Session | undefined {
    const known = this.#byId.get(id);
    if (known) return known;
    const row = this.#host.store.contacts.byId(id);
    return row && this.of(row);
  }

  /** The session with a peer; begins it, within this turn's transaction, if there is none. */
  open(id: PeerId, name: string, kind: PeerKind): Session {
    const known = this.find(id);
    if (known) return known;
    const { contacts, outgoing } = this.#host.store;
    return this.of(contacts.add(id, name, kind, outgoing.openEpoch(this.#host.world.token())));
  }

  of(row: ContactRow): Session {
    const known = this.#byId.get(row.id);
    if (known) return known;
    const session = new Session(row, {
      ...this.#host,
      touched: (touched) => this.#touch(touched),
      window: (asking, outstanding) => this.#window(asking, outstanding),
    });
    this.#byId.set(row.id, session);
    this.#byNumber.set(row.n, session);
    if (!session.isKnown) this.#strangers.add(session);
    return session;
  }

  ofMessage(message: IncomingRow): Session {
    const known = this.#byNumber.get(message.peer);
    if (known) return known;
    const row = this.#host.store.contacts.byNumber(message.peer);
    if (!row) throw new WarrenError("STORE_CORRUPT", `message ${message.id} is of a peer that is not in the store`);
    return this.of(row);
  }

  loaded(): Iterable<Session> {
    return this.#byId.values();
  }

  /** So many more (or fewer) messages of this peer wait in the inbox. */
  counted(peer: number, change: number): void {
    const count = (this.#waiting.get(peer) ?? 0) + change;
    if (count > 0) this.#waiting.set(peer, count);
    else this.#waiting.delete(peer);
  }

  recount(): void {
    this.#waiting.clear();
  }

  /** Strangers that got no credit ask again: there may be some now. */
  creditFreed(): void {
    if (this.#starving.size === 0 || this.#strangersFree() === 0) return;
    const starving = [...this.#starving];
    this.#starving.clear();
    for (const session of starving) session.flush();
  }

  #touch(session: Session): void {
    if (this.#touched.size === 0) this.#host.store.db.afterCommit((error) => error || this.#flush());
    this.#touched.add(session);
  }

  #flush(): void {
    const touched = [...this.#touched];
    this.#touched.clear();
    for (const session of touched) session.flush();
    this.creditFreed();
  }

  /**
   * How many messages a peer may send beyond those received. The sum of what waits and what may still come
   * stays within the budgets, so nobody's flood takes room from anybody else.
   */
  #window(session: Session, outstanding: number): number {
    const waiting = this.#waiting.get(session.n) ?? 0;
    if (session.isKnown) return Math.max(0, MAX_INBOX - waiting);
    const room = Math.min(MAX_STRANGER_INBOX - waiting, MAX_STRANGER_CREDIT);
    const w = Math.max(0, Math.min(room, this.#strangersFree() + outstanding));
    this.#starving.delete(session);
    if (w === 0 && room > 0) {
      this.#starving.add(session);
      this.#evictIdle();
    }
    return w;
  }

  /** Ends the connection of the stranger that has kept credit for longest without using it; it can come again. */
  #evictIdle(): void {
    let idlest: Connection | undefined;
    for (const { n, connection, outstanding } of this.#strangers) {
      if (!connection || outstanding === 0 || this.#waiting.has(n)) continue;
      if (!idlest || connection.heardAt < idlest.heardAt) idlest = connection;
    }
    idlest?.end("BUSY", "others need the room that you do not use: come again when you have something to say");
  }

  #strangersFree(): number {
    let free = MAX_STRANGERS_INBOX;
    for (const session of this.#strangers) {
      if (session.isKnown) this.#strangers.delete(session);
      else free -= session.outstanding + (this.#waiting.get(session.n) ?? 0);
    }
    return Math.max(0, free);
  }

  #forget(session: Session): void {
    session.detach();
    this.#byId.delete(session.id);
    this.#byNumber.delete(session.n);
    this.#strangers.delete(session);
  }
}

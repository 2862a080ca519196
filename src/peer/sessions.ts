/** Sessions: one for each peer ever met, loaded when needed, and the turn's work for those that something happened to. */
import { WarrenError } from "../base/errors.ts";
import type { PeerId, PeerInfo, PeerKind } from "../base/ids.ts";
import { RateLimit } from "../base/rate.ts";
import type { ContactRow } from "../store/contacts.ts";
import type { IncomingRow } from "../store/incoming.ts";
import type { Connection } from "./connection.ts";
import type { Fate } from "./sent.ts";
import { Session, type SessionHost } from "./session.ts";

/** Messages of one peer that may wait for our handlers; with MAX_TEXT_BYTES and MAX_DATA_BYTES each, at most 192 MiB. */
export const MAX_INBOX = 2_048;
/** The same for all strangers together, and for any one of them. */
export const MAX_STRANGERS_INBOX = 512;
export const MAX_STRANGER_INBOX = 64;
/** How many of them a stranger may send before the next grant: what is granted to one is not there for the others. */
export const MAX_STRANGER_CREDIT = 16;
/** How many a stranger may send at once in all, and how many more each second. */
export const MAX_STRANGER_BURST = 100;
export const MAX_STRANGER_PER_S = 10;
/** Strangers who have said hello and nothing else that are remembered. */
export const MAX_PASSING = 10_000;
/** How soon a stranger that was too fast is looked at again. */
const SLOW_MS = 500;

interface Host extends Omit<SessionHost, "touched" | "window" | "used"> {
  readonly isBlocked: (peer: PeerId) => boolean;
}

export class Sessions {
  readonly #host: Host;
  readonly #sessionHost: SessionHost; // the same for all
  readonly #byId = new Map<PeerId, Session>();
  readonly #byNumber = new Map<number, Session>();
  #touched = new Set<Session>(); // since the last commit
  #saved = new Set<Session>(); // with the last commit
  readonly #waiting = new Map<number, number>(); // messages in the inbox, by peer; no zeros
  readonly #strangers = new Set<Session>(); // and some that no longer are
  readonly #starving = new Set<Session>(); // strangers that got no credit because the common budget was empty
  readonly #slowed = new Set<Session>(); // strangers that got none because they were too fast
  readonly #rate: RateLimit; // of strangers, by id

  constructor(host: Host) {
    this.#host = host;
    this.#rate = new RateLimit(host.world.clock, { burst: MAX_STRANGER_BURST, perSecond: MAX_STRANGER_PER_S });
    this.#sessionHost = {
      ...host,
      touched: (touched) => this.#touch(touched),
      window: (asking, outstanding) => this.#window(asking, outstanding),
      used: ({ id, isKnown }, credit) => isKnown || this.#rate.take(id, credit),
    };
    const { db, contacts } = host.store;
    db.beforeCommit(() => {
      for (const session of this.#touched) session.save();
      // What is touched from here on belongs to the next commit, also by those who are told of this one.
      this.#saved = this.#touched;
      this.#touched = new Set();
    });
    db.onRollback(() => {
      this.#touched = new Set();
      this.#saved = new Set();
      // A session that began in this turn is not on disk: it goes, and comes back with the next message.
      for (const session of this.#byId.values()) {
        const row = contacts.byNumber(session.n);
        if (row?.id === session.id) session.reload(row);
        else this.#forget(session);
      }
    });
  }

  /** The session with a peer, if it was needed before. */
  loaded(id: string): Session | undefined {
    return this.#byId.get(id as PeerId);
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
    const row = contacts.add(id, name, kind, outgoing.openEpoch(this.#host.world.token()));
    const isNeeded = (one: PeerId): boolean => one === id || this.#byId.get(one)?.connection !== undefined;
    for (const passed of contacts.forgetPassing(MAX_PASSING, isNeeded)) {
      const session = this.#byId.get(passed);
      if (session) this.#forget(session);
    }
    return this.of(row);
  }

  of(row: ContactRow): Session {
    const known = this.#byId.get(row.id);
    if (known) return known;
    const session = new Session(row, this.#sessionHost);
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

  /** The row of a peer; it is made, within this turn's transaction, if it is new. */
  rowOf({ id, name, kind }: PeerInfo): ContactRow {
    this.open(id, name, kind);
    const row = this.#host.store.contacts.byId(id);
    if (!row) throw new Error("a session has a row");
    return row;
  }

  /** Lets go, after this turn, of a stranger that has gone: there may be very many of them. The disk knows the rest. */
  unloadLater(id: PeerId): void {
    if (!this.#byId.has(id)) return;
    this.#host.store.db.afterCommit(() => {
      const session = this.#byId.get(id);
      if (!session || session.isKnown || session.connection || this.#waiting.has(session.n)) return;
      if (!this.#touched.has(session)) this.#forget(session);
    });
  }

  /** How far a message of ours has come. */
  fateOf(id: string, to: PeerInfo): Fate {
    const session = this.find(to.id);
    const where = session && this.#host.store.outgoing.find(session.n, id);
    if (!session || !where) return { state: "queued", reason: null };
    return { ...session.stateOf(where.epoch, where.seq), where: { peer: session.n, ...where } };
  }

  /** Gives up what is too old; `lived` is the time lived through, in s. */
  expire(lived: number): void {
    for (const session of this.#byId.values()) session.expire(lived);
  }

  /** So many more (or fewer) messages of this peer wait in the inbox. */
  counted(peer: number, change: number): void {
    const count = (this.#waiting.get(peer) ?? 0) + change;
    if (count > 0) return void this.#waiting.set(peer, count);
    this.#waiting.delete(peer);
    const session = this.#byNumber.get(peer);
    if (session && !session.connection) this.unloadLater(session.id);
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
    else this.#host.store.db.touch();
    this.#touched.add(session);
  }

  #flush(): void {
    const saved = this.#saved;
    this.#saved = new Set();
    for (const session of saved) session.flush();
    this.creditFreed();
  }

  /**
   * How many messages a peer may send beyond those received. The sum of what waits and what may still come
   * stays within the budgets, so nobody's flood takes room from anybody else.
   */
  #window(session: Session, outstanding: number): number {
    const waiting = this.#waiting.get(session.n) ?? 0;
    if (session.isKnown) return Math.max(0, MAX_INBOX - waiting);
    const fair = this.#rate.available(session.id);
    const room = Math.min(MAX_STRANGER_INBOX - waiting, MAX_STRANGER_CREDIT, fair);
    const w = Math.max(0, Math.min(room, this.#strangersFree() + outstanding));
    this.#starving.delete(session);
    if (fair === 0) this.#lookAgainAt(session);
    if (w === 0 && room > 0) {
      this.#starving.add(session);
      this.#evictIdle();
    }
    return w;
  }

  /** A stranger that was too fast gets no credit for a while: nothing that it has sent is lost, and the rest waits over there. */
  #lookAgainAt(session: Session): void {
    const isFirst = this.#slowed.size === 0;
    this.#slowed.add(session);
    if (!isFirst) return;
    this.#host.world.clock.after(SLOW_MS, () => {
      const slowed = [...this.#slowed];
      this.#slowed.clear();
      for (const one of slowed) if (one.isUp) one.flush();
    });
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
      else if (!this.#host.isBlocked(session.id)) free -= session.outstanding + (this.#waiting.get(session.n) ?? 0);
    }
    return Math.max(0, free);
  }

  #forget(session: Session): void {
    session.detach();
    this.#byId.delete(session.id);
    this.#byNumber.delete(session.n);
    this.#strangers.delete(session);
    this.#starving.delete(session);
  }
}

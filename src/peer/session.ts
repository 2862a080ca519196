/** Session: the lasting relation with one peer. It outlives connections; each connection takes it up where it was. */
import { WarrenError } from "../base/errors.ts";
import type { PeerId, PeerInfo } from "../base/ids.ts";
import type { World } from "../base/world.ts";
import type { ContactRow } from "../store/contacts.ts";
import type { IncomingRow } from "../store/incoming.ts";
import type { NewMessage, OutboxSize, Outcome, OutgoingRow } from "../store/outgoing.ts";
import type { Store } from "../store/store.ts";
import type { MessageData } from "../wire/data.ts";
import type { Frame, Hello, Msg, Ready } from "../wire/frames.ts";
import { isAnswer } from "./call-data.ts";
import type { Connection } from "./connection.ts";
import { Heard } from "./heard.ts";
import { Inflow, type InflowListener } from "./inflow.ts";
import type { Inbox } from "./inbox.ts";
import type { MessageState } from "./message.ts";
import { Outflow, type OutflowListener } from "./outflow.ts";
import type { SentRange } from "./sent.ts";

const LOST_AGAIN_MS = 60_000;

/** What a session needs of the peer that it belongs to. */
export interface SessionHost {
  readonly store: Store;
  readonly world: World;
  readonly inbox: Inbox;
  /** The next number in the order of everything said and heard here. */
  nextPlace(): number;
  touched(session: Session): void;
  /** The connection is good for something: a message has come through, in one direction or the other. */
  progressed(session: Session): void;
  /** There may be something for this peer, and no connection with it. */
  wanted(session: Session): void;
  window(session: Session, outstanding: number): number;
  /** So much of the credit was used. */
  used(session: Session, credit: number): void;
  lost(session: Session, count: number): void;
  /** Whether anybody wants to know what becomes of these messages of ours; otherwise nobody is told. */
  areWatched(range: SentRange): boolean;
  /** Messages of ours have come further; `ids` looks up which they are. */
  reached(session: Session, range: SentRange, state: MessageState, reason: string | null, ids: () => string[]): void;
  /** Messages of ours that were not acknowledged have other numbers now. */
  renumbered(session: Session): void;
  /** The answer to a call was stored in this turn. `request`: the id of the message that called. */
  answered(session: Session, request: string, data: MessageData): void;
}

export class Session implements OutflowListener, InflowListener {
  readonly n: number;
  readonly id: PeerId;
  readonly #host: SessionHost;
  #info: PeerInfo;
  #isKnown: boolean;
  #isHeard: boolean;
  #out: Outflow;
  #in: Inflow;
  #heard: Heard;
  #unhandled: ReadonlyMap<string, number> | undefined; // places by id; looked up in a turn in which something comes again
  #connection: Connection | undefined; // chosen
  #lostToldAt = -Infinity; // steady ms
  #isAnswered = false; // the other side has said `ready` on it
  #isUp = false; // both have, and ours is written

  constructor(row: ContactRow, host: SessionHost) {
    this.n = row.n;
    this.id = row.id;
    this.#host = host;
    this.#info = { id: row.id, name: row.pinned ?? row.name, kind: row.kind };
    this.#isKnown = row.known === 1;
    this.#isHeard = row.heard === 1;
    this.#heard = new Heard(row.n, host.store.heard, row.inId);
    this.#out = new Outflow(row, host.store, host.world, this);
    this.#in = new Inflow(row, host.store, this);
  }

  get info(): PeerInfo {
    return this.#info;
  }

  /** False for a stranger: one to whom we have never written. */
  get isKnown(): boolean {
    return this.#isKnown;
  }

  get connection(): Connection | undefined {
    return this.#connection;
  }

  /** Where something may be said that is of no use later: nothing waits there to be written. */
  get freeConnection(): Connection | undefined {
    return this.#isUp && !this.#connection?.isHeldUp ? this.#connection : undefined;
  }

  get isUp(): boolean {
    return this.#isUp;
  }

  get hasUnacknowledged(): boolean {
    return this.#out.hasUnacknowledged;
  }

  get outstanding(): number {
    return this.#in.outstanding;
  }

  /** Takes over what a hello or a registry has told. */
  rename(info: PeerInfo): void {
    this.#info = info;
  }

  /** Writes a message into the outbox, within this turn's transaction; it leaves after the commit. */
  append(message: NewMessage): void {
    if (!this.#isKnown) {
      this.#isKnown = true;
      this.#host.store.contacts.markKnown(this.n);
    }
    this.#out.append(message);
  }

  /** This connection is the one from now on. We say `ready`; messages flow once the other side has said it too. */
  attach(connection: Connection): void {
    this.detach();
    this.#connection = connection;
    // What we say that we have must be on disk, and what came in this turn is not yet.
    this.#host.store.db.afterCommit((error) => {
      if (!error && this.#connection === connection) this.#in.ready(connection);
    });
  }

  detach(): void {
    this.#connection = undefined;
    this.#isAnswered = false;
    this.#isUp = false;
    this.#out.detach();
    this.#in.detach();
  }

  /** The other side's `ready` on our connection. */
  resume(connection: Connection, ready: Ready): void {
    if (this.#isAnswered) throw new WarrenError("PROTOCOL_VIOLATION", "a second ready on one connection");
    this.#isAnswered = true; // at once: another one may come in the same turn
    this.#out.accept(ready); // now: what follows it may already build on it
    // After our own `ready`, which may still wait for a commit: nothing may overtake it.
    this.#host.store.db.afterCommit((error) => {
      if (error || this.#connection !== connection) return;
      this.#isUp = true;
      this.#out.begin(connection);
      this.#in.acknowledge();
    });
  }

  /** @throws {WarrenError} when the frame is not allowed here; the connection must end then */
  onFrame(frame: Exclude<Frame, Hello | Ready>): void {
    switch (frame.t) {
      case "start":
        this.#heard.save();
        return this.#in.onStart(frame);
      case "msg":
        return this.#in.onMsg(frame);
      case "skip":
        this.#heard.save();
        return this.#in.onSkip(frame);
      case "ack":
        return this.#out.onAck(frame);
      case "got":
        return this.#in.onGot(frame);
      case "done":
        this.#out.onDone(frame);
        this.#confirmLater(frame.k);
        return;
      default:
        throw new WarrenError("PROTOCOL_VIOLATION", `${frame.t} has no place in a session`);
    }
  }

  /** The handlers are done with a message of this peer. */
  settle(epoch: string, seq: number, reason: string | null): void {
    if (seq > 0) this.#in.settle(epoch, seq, reason); // 0: set aside by a Warren that did not keep its number
  }

  /** Gives up what was never on any wire, or one message of that; returns how many messages that are. */
  drop(only?: number): number {
    return this.#out.drop(only);
  }

  outboxSize(): { all: OutboxSize; unwritten: OutboxSize } {
    return this.#out.size();
  }

  outbox(limit: number): OutgoingRow[] {
    return this.#out.waiting(limit);
  }

  expire(lived: number): void {
    this.#out.expire(lived);
  }

  /** Before the commit of a turn that touched this session. */
  save(): void {
    this.#out.save();
    this.#in.save();
    this.#unhandled = undefined;
  }

  /** After that commit. */
  flush(): void {
    if (!this.#connection) this.#host.wanted(this);
    if (this.#isUp) this.#in.acknowledge();
    this.#out.committed();
  }

  /** There is room on the connection again. */
  pump(): void {
    this.#out.pump();
  }

  /** After a commit that failed: nothing in memory can be trusted, the disk can. */
  reload(row: ContactRow): void {
    this.detach();
    this.#isKnown = row.known === 1;
    this.#isHeard = row.heard === 1;
    this.#heard = new Heard(row.n, this.#host.store.heard, row.inId);
    this.#out = new Outflow(row, this.#host.store, this.#host.world, this);
    this.#in = new Inflow(row, this.#host.store, this);
  }

  /** How far a message of ours has come. */
  stateOf(epoch: number, seq: number): { state: MessageState; reason: string | null } {
    const outcome = this.#host.store.outgoing.outcomeOf(this.n, epoch, seq);
    if (outcome) return outcome;
    // What was not acknowledged in an epoch has moved on to the next one: what is left in it was.
    if (epoch !== this.#out.epoch || seq <= this.#out.acked) return { state: "delivered", reason: null };
    return { state: this.#isUp && seq <= this.#out.sent ? "sent" : "queued", reason: null };
  }

  get epoch(): number {
    return this.#out.epoch;
  }

  // What its two flows tell. As methods and not as functions of each session: an idle one would hold ten of them.

  touched(): void {
    this.#host.touched(this);
  }

  sent(first: number, last: number): void {
    this.#tell(this.#out.epoch, first, last, "sent", null);
  }

  delivered(epoch: number, first: number, last: number): void {
    this.#host.progressed(this);
    this.#tell(epoch, first, last, "delivered", null);
  }

  settled(epoch: number, first: number, last: number, state: Outcome, reason: string | null): void {
    this.#tell(epoch, first, last, state, reason);
  }

  renumbered(): void {
    this.#host.renumbered(this);
  }

  used(credit: number): void {
    this.#host.used(this, credit);
  }

  window(outstanding: number): number {
    return this.#host.window(this, outstanding);
  }

  /** Not more often than once a minute: a hostile peer can claim it on every connection. */
  lost(count: number): void {
    const now = this.#host.world.clock.steady();
    if (now - this.#lostToldAt < LOST_AGAIN_MS) return;
    this.#lostToldAt = now;
    this.#host.lost(this, count);
  }

  take(msg: Msg, epoch: string): void {
    const { n, id, at, text, room, re, hops, data } = msg;
    if (!this.#heard.take(id)) return this.#takeAgain(id, epoch, n);
    const { store, inbox } = this.#host;
    const message: IncomingRow = {
      peer: this.n,
      place: this.#host.nextPlace(),
      id,
      at,
      hops: hops ?? 0,
      room: room ?? null,
      re: re ?? null,
      text,
      data: data === undefined ? null : JSON.stringify(data),
    };
    store.incoming.add(message);
    this.#markHeard();
    if (!isAnswer(msg)) return inbox.take(message, epoch, n);
    // No handler is to see it. It also must not wait for one: the handler that called may be in front of it.
    this.settle(epoch, n, null);
    this.#host.answered(this, msg.re, msg.data);
  }

  /** It came before, under another number: its sender's disk has gone back in time. Handled once, told again. */
  #takeAgain(id: string, epoch: string, n: number): void {
    const { store, inbox } = this.#host;
    this.#heard.save();
    this.#unhandled ??= new Map(store.incoming.unhandled(this.n).map((message) => [message.id, message.place]));
    const place = this.#unhandled.get(id);
    if (place === undefined) return this.settle(epoch, n, null);
    if (inbox.renumber(place, this.n, epoch, n)) return;
    store.incoming.renumberDead(place, epoch, n);
    this.settle(epoch, n, store.incoming.reasonOfDeath(place) ?? null);
  }

  /** From now on it is not one of those who only passed by. */
  #markHeard(): void {
    if (this.#isHeard) return;
    this.#isHeard = true;
    this.#host.store.contacts.markHeard(this.n);
  }

  #confirmLater(k: number): void {
    const connection = this.#connection;
    this.#host.store.db.lazily(() =>
      this.#host.store.db.afterCommit((error) => {
        if (!error && this.#connection === connection) connection?.send({ t: "got", k });
      }),
    );
  }

  #tell(epoch: number, first: number, last: number, state: MessageState, reason: string | null): void {
    const range = { peer: this.n, epoch, first, last };
    if (!this.#host.areWatched(range)) return;
    // After the commit, which is not put off then: what is told shall not be taken back by a failure of our own disk.
    this.#host.store.db.hasten();
    this.#host.store.db.afterCommit((error) => {
      if (error) return;
      const ids = (): string[] => this.#host.store.outgoing.idsBetween(this.n, epoch, first, last).map(({ id }) => id);
      this.#host.reached(this, range, state, reason, ids);
    });
  }
}

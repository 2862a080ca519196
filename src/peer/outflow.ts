/** Outflow: the direction of a session in which we speak. Numbers, resends, credit and expiry; see docs/protocol.md. */
import { WarrenError } from "../base/errors.ts";
import type { World } from "../base/world.ts";
import type { Outcome, OutgoingRow } from "../store/outgoing.ts";
import type { Store } from "../store/store.ts";
import type { Ack, Done, Msg, Ready } from "../wire/frames.ts";
import type { Connection } from "./connection.ts";

/** Most messages that wait for one peer. */
export const MAX_OUTBOX_MESSAGES = 1_000_000;
/** Most characters of text that wait for one peer: 256 Mi. */
export const MAX_OUTBOX_CHARACTERS = 268_435_456;
/** A message that was never written to a connection expires after this much time lived through: 30 days. */
export const MAX_AGE_S = 30 * 86_400;

const PAGE = 256; // messages read from disk at a time
const MAX_TAIL = 2_048; // messages kept in memory for a connection that keeps up

/** What a session is told by its outflow. */
export interface OutflowListener {
  /** Something must be written before the next commit. */
  touched(): void;
  /** Numbers of the current epoch; told once for each. */
  sent(first: number, last: number): void;
  delivered(epoch: number, first: number, last: number): void;
  settled(epoch: number, first: number, last: number, state: Outcome, reason: string | null): void;
}

interface Counters {
  readonly n: number;
  readonly outEpoch: number;
  readonly outAcked: number;
  readonly outWritten: number;
}

export class Outflow {
  readonly #peer: number;
  readonly #store: Store;
  readonly #world: World;
  readonly #listener: OutflowListener;
  #epoch: number;
  #last: number; // the newest number given
  #acked: number; // up to here the other side has it on disk; <= #written <= #last
  #written: number; // up to here the disk says that it may have been on a wire
  #isWrittenDirty = false;
  #characters: number | undefined; // at least as many as there are in the outbox; counted when first needed
  #expired: number; // nothing above it has expired
  #tail: OutgoingRow[] = []; // the newest messages, gapless and ending at #last; saves reading them again
  #connection: Connection | undefined;
  #sent = 0; // on this connection
  #credit = 0; // up to here the other side lets us send

  constructor(counters: Counters, store: Store, world: World, listener: OutflowListener) {
    this.#peer = counters.n;
    this.#store = store;
    this.#world = world;
    this.#listener = listener;
    this.#epoch = counters.outEpoch;
    this.#acked = counters.outAcked;
    this.#written = counters.outWritten;
    this.#last = Math.max(store.outgoing.lastSeq(counters.n, this.#epoch), this.#acked);
    this.#expired = store.outgoing.lastExpired(counters.n, this.#epoch);
  }

  get epoch(): number {
    return this.#epoch;
  }

  get acked(): number {
    return this.#acked;
  }

  get sent(): number {
    return this.#connection ? this.#sent : this.#acked;
  }

  get hasUnacknowledged(): boolean {
    return this.#last > this.#acked;
  }

  /** Writes a message into the outbox, within this turn's transaction. @throws {WarrenError} `OUTBOX_FULL` */
  append(message: Omit<OutgoingRow, "seq">): void {
    this.#checkQuota(message.text.length);
    const row = { ...message, seq: this.#last + 1 };
    this.#store.outgoing.append(this.#peer, this.#epoch, row);
    this.#last = row.seq;
    if (this.#connection) {
      this.#tail.push(row);
      if (this.#tail.length > MAX_TAIL) this.#tail = [];
      // It may go out right after the commit that stores it, so that commit says that it was written.
      if (this.#written === row.seq - 1 && row.seq <= this.#credit) this.#raiseWritten(row.seq);
    }
    this.#listener.touched();
  }

  /** The other side has said what it has: take it as acknowledged, or open a new epoch if our own counter cannot be trusted. */
  accept({ have, w }: Ready): void {
    this.detach();
    if (this.#isTrustworthy(have)) {
      if (have?.epoch === this.#epochName && have.n > this.#acked) this.#acknowledged(have.n);
    } else {
      this.#openEpoch();
    }
    this.#sent = this.#acked;
    this.#credit = this.#sent + w;
  }

  /** Goes on from there. */
  begin(connection: Connection): void {
    this.#connection = connection;
    connection.send({ t: "start", epoch: this.#epochName, low: this.#acked + 1 });
    this.pump();
  }

  detach(): void {
    this.#connection = undefined;
    this.#tail = [];
  }

  /** Sends what is committed and allowed, as long as the connection takes it. Called after commits and when there is room. */
  pump(): void {
    const connection = this.#connection;
    if (!connection) return;
    for (;;) {
      if (connection.isFull || connection.isClosed) return;
      const limit = Math.min(this.#last, this.#credit);
      if (this.#sent >= limit) return;
      if (this.#sent >= this.#written) {
        // A number that has been on the wire is never given to another message: the disk must know first.
        this.#raiseWritten(Math.min(limit, this.#sent + MAX_TAIL));
        this.#listener.touched();
        return;
      }
      this.#sendRows(connection, this.#nextRows(Math.min(limit, this.#written)));
    }
  }

  /** @throws {WarrenError} `PROTOCOL_VIOLATION` when it acknowledges what was never sent */
  onAck({ epoch, n, w }: Ack): void {
    if (epoch !== this.#epochName || n > this.#sent || n < this.#acked) {
      throw new WarrenError(
        "PROTOCOL_VIOLATION",
        `an acknowledgement of ${n}, which was not sent or is already behind`,
      );
    }
    if (n > this.#acked) this.#acknowledged(n);
    this.#credit = Math.max(this.#credit, n + w);
    this.pump();
  }

  /** Receipts may be told again, and may speak of an epoch that a restored disk does not know. */
  onDone({ epoch: name, ok, failed }: Done): void {
    const epoch = this.#store.outgoing.epochNumber(name);
    if (epoch === undefined) return;
    for (const [first, last] of ok) this.#settle(epoch, first, last, "handled", null);
    for (const [seq, reason] of failed) this.#settle(epoch, seq, seq, "failed", reason);
  }

  /** Gives up what was never on any wire and is too old; `lived` is the time lived through, in s. */
  expire(lived: number): void {
    for (;;) {
      const rows = this.#store.outgoing.after(this.#peer, this.#epoch, Math.max(this.#written, this.#acked), PAGE);
      const old = rows.filter(({ seq, born }) => lived - born > MAX_AGE_S && !this.#isExpired(seq));
      const [first, last] = [old[0], old.at(-1)];
      if (!first || !last) return;
      this.#settle(this.#epoch, first.seq, last.seq, "expired", "it could not be sent for 30 days");
      this.#expired = last.seq;
      this.#raiseWritten(last.seq); // its number is told by a skip, so it is as good as written
      this.#listener.touched();
    }
  }

  /** Writes the counters; called before each commit of a turn that touched this session. */
  save(): void {
    if (!this.#isWrittenDirty) return;
    this.#isWrittenDirty = false;
    this.#store.contacts.saveOut(this.#peer, this.#epoch, this.#acked, this.#written);
  }

  #checkQuota(characters: number): void {
    this.#characters ??= this.#store.outgoing.textAfter(this.#peer, this.#epoch, this.#acked);
    this.#characters += characters;
    if (this.#characters > MAX_OUTBOX_CHARACTERS) {
      // Only now it is worth a look at what acknowledgements have freed meanwhile.
      this.#characters = this.#store.outgoing.textAfter(this.#peer, this.#epoch, this.#acked) + characters;
    }
    const waiting = this.#last - this.#acked;
    if (waiting < MAX_OUTBOX_MESSAGES && this.#characters <= MAX_OUTBOX_CHARACTERS) return;
    this.#characters -= characters;
    throw new WarrenError(
      "OUTBOX_FULL",
      `${waiting} messages already wait for this peer: send more when it has come back`,
    );
  }

  get #epochName(): string {
    return this.#store.outgoing.epochName(this.#epoch);
  }

  /** Whether what the other side has is a beginning of what we know. If not, one of the two disks has gone back in time. */
  #isTrustworthy(have: Ready["have"]): boolean {
    if (!have) return true;
    if (have.epoch !== this.#epochName) return this.#acked === 0; // it has not heard of this epoch yet
    if (have.n > this.#last) return false;
    const id = have.id === "" ? undefined : this.#store.outgoing.idOf(this.#peer, this.#epoch, have.n);
    return id === undefined || id === have.id;
  }

  #openEpoch(): void {
    const before = this.#epoch;
    this.#epoch = this.#store.outgoing.openEpoch(this.#world.token());
    this.#last = this.#store.outgoing.renumber(this.#peer, before, this.#acked, this.#epoch);
    this.#acked = this.#written = this.#expired = 0; // what had expired has stayed behind
    this.#isWrittenDirty = true;
    this.#listener.touched();
  }

  #acknowledged(n: number): void {
    const first = this.#acked + 1;
    this.#acked = n;
    this.#written = Math.max(this.#written, n);
    this.#isWrittenDirty = true;
    this.#tail = this.#tail.filter(({ seq }) => seq > n);
    this.#listener.touched();
    this.#listener.delivered(this.#epoch, first, n);
  }

  #settle(epoch: number, first: number, last: number, state: Outcome, reason: string | null): void {
    // A receipt can only speak of what its sender has acknowledged.
    const held =
      epoch === this.#epoch && state !== "expired" ? this.#acked : this.#store.outgoing.lastSeq(this.#peer, epoch);
    const known = Math.min(last, held);
    if (first > known) return;
    this.#store.outgoing.settle(this.#peer, epoch, first, known, state, reason);
    this.#listener.settled(epoch, first, known, state, reason);
  }

  #raiseWritten(seq: number): void {
    this.#written = seq;
    this.#isWrittenDirty = true;
  }

  #nextRows(limit: number): OutgoingRow[] {
    const start = this.#sent + 1;
    const oldest = this.#tail[0]?.seq;
    if (oldest !== undefined && oldest <= start) return this.#tail.slice(start - oldest, limit - oldest + 1);
    return this.#store.outgoing.after(this.#peer, this.#epoch, this.#sent, Math.min(PAGE, limit - this.#sent));
  }

  #sendRows(connection: Connection, rows: OutgoingRow[]): void {
    const first = this.#sent + 1;
    for (let index = 0; index < rows.length && !connection.isFull; index++) {
      const row = rows[index];
      if (!row) break;
      if (this.#isExpired(row.seq)) {
        connection.send({ t: "skip", n: row.seq, to: row.seq, id: row.id });
      } else {
        connection.send(toFrame(row));
      }
      this.#sent = row.seq;
    }
    if (this.#sent >= first) this.#listener.sent(first, this.#sent);
  }

  #isExpired(seq: number): boolean {
    if (seq > this.#expired) return false;
    return this.#store.outgoing.outcomeOf(this.#peer, this.#epoch, seq)?.state === "expired";
  }
}

export function toFrame({ seq, id, at, text, room, re, hops }: OutgoingRow): Msg {
  return {
    t: "msg",
    n: seq,
    id,
    at,
    text,
    ...(room !== null && { room }),
    ...(re !== null && { re }),
    ...(hops > 0 && { hops }),
  };
}

/** Outflow: the direction of a session in which we speak. Numbers, resends, credit and expiry; see docs/protocol.md. */
import { WarrenError } from "../base/errors.ts";
import type { World } from "../base/world.ts";
import type { NewMessage, OutboxSize, Outcome, OutcomeRange, OutgoingRow } from "../store/outgoing.ts";
import type { Store } from "../store/store.ts";
import type { Ack, Done, Ready } from "../wire/frames.ts";
import { FULL_BYTES, type Connection } from "./connection.ts";
import { encodeMessage } from "./message-frame.ts";

/** Most messages that wait for one peer. */
export const MAX_OUTBOX_MESSAGES = 1_000_000;
/** Most characters of text and data that wait for one peer: 256 Mi. */
export const MAX_OUTBOX_CHARACTERS = 268_435_456;
const QUOTA = { messages: MAX_OUTBOX_MESSAGES, characters: MAX_OUTBOX_CHARACTERS };
/** A message that was never written to a connection expires after this much time lived through: 30 days. */
export const MAX_AGE_S = 30 * 86_400;

const PAGE = 256; // messages read from disk at a time
const MIN_PAGE = 4; // of such long ones that no more fit
/** Kept in memory for a connection that keeps up: so many messages, and so many characters of them. */
const MAX_TAIL = 8_192;
const MAX_TAIL_CHARACTERS = 4_194_304;

/** What a session is told by its outflow. */
export interface OutflowListener {
  /** Something must be written before the next commit. */
  touched(): void;
  /** Numbers of the current epoch; told once for each. */
  sent(first: number, last: number): void;
  delivered(epoch: number, first: number, last: number): void;
  settled(epoch: number, first: number, last: number, state: Outcome, reason: string | null): void;
  /** What is not acknowledged has other numbers now. */
  renumbered(): void;
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
  readonly #quota: { readonly messages: number; readonly characters: number };
  #epoch: number;
  #epochName: string;
  #last: number; // the newest number given
  #acked: number; // up to here the other side has it on disk; <= #written <= #last
  #written: number; // up to here the disk says that it may have been on a wire
  #saved: number; // what #written was at the latest `save`
  #durable: number; // what it was at the latest commit: nothing above it goes out
  #isWrittenDirty = false;
  #characters: number | undefined; // at least as many as there are in the outbox; counted when first needed
  #expired: number; // nothing above it has expired
  #newest: { outcome: OutcomeRange | undefined } | undefined; // of this epoch; undefined: to be looked up
  #tail: OutgoingRow[] = []; // the newest messages, gapless and ending at #last; saves reading them again
  #tailCharacters = 0; // at least as many as there are in #tail
  #connection: Connection | undefined;
  #page = PAGE; // as many as the connection takes at once, going by those that were read last
  #sent = 0; // on this connection
  #credit = 0; // up to here the other side lets us send

  constructor(counters: Counters, store: Store, world: World, listener: OutflowListener, quota = QUOTA) {
    this.#quota = quota;
    this.#peer = counters.n;
    this.#store = store;
    this.#world = world;
    this.#listener = listener;
    this.#epoch = counters.outEpoch;
    this.#epochName = store.outgoing.epochName(this.#epoch);
    this.#acked = counters.outAcked;
    this.#written = this.#saved = this.#durable = counters.outWritten;
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
  append(message: NewMessage): void {
    const characters = message.text.length + (message.data?.length ?? 0);
    this.#checkQuota(characters);
    message.seq = this.#last + 1;
    this.#store.outgoing.append(this.#peer, this.#epoch, message);
    this.#last = message.seq;
    if (this.#connection) {
      this.#remember(message, characters);
      // It may go out right after the commit that stores it, so that commit says that it was written.
      if (this.#written === message.seq - 1 && message.seq <= this.#credit) this.#raiseWritten(message.seq);
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
    this.#forgetTail();
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
      if (this.#sent >= this.#durable) return; // the end of this turn's commit pumps again
      this.#sendRows(connection, this.#nextRows(Math.min(limit, this.#durable)));
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
    // Lost by a crash it is told again: by the other side's `ready`.
    if (n > this.#acked) this.#store.db.lazily(() => this.#acknowledged(n));
    this.#credit = Math.max(this.#credit, n + w);
    this.pump();
  }

  /** Receipts may be told again, and may speak of an epoch that a restored disk does not know. */
  onDone({ epoch: name, ok, failed }: Done): void {
    const epoch = name === this.#epochName ? this.#epoch : this.#store.outgoing.epochNumber(name);
    if (epoch === undefined) return;
    this.#store.db.lazily(() => {
      for (const [first, last] of ok) this.#settle(epoch, first, last, "handled", null);
      for (const [seq, reason] of failed) this.#settle(epoch, seq, seq, "failed", reason);
    });
  }

  /** Gives up what was never on any wire and is too old; `lived` is the time lived through, in s. */
  expire(lived: number): void {
    const reason = "it could not be sent for 30 days";
    for (let from = this.#firstUnwritten - 1; ;) {
      const page = this.#store.outgoing.agesAfter(this.#peer, this.#epoch, from, PAGE);
      const old = page.filter(({ born }) => lived - born > MAX_AGE_S).map(({ seq }) => seq);
      this.#giveUp(old, reason);
      from += page.length;
      if (old.length < PAGE) return; // what follows is younger
    }
  }

  /** Gives up what was never on any wire, or one message of that. Returns how many messages that are. */
  drop(only?: number): number {
    let count = 0;
    const last = only ?? this.#last;
    for (let from = Math.max(this.#firstUnwritten, only ?? 0); from <= last; from += PAGE) {
      const page = Array.from({ length: Math.min(PAGE, last - from + 1) }, (_, i) => from + i);
      count += this.#giveUp(page, "dropped");
    }
    return count;
  }

  /** What waits here: all of it, and that part of it which was never on any wire. */
  size(): { all: OutboxSize; unwritten: OutboxSize } {
    const sizeAfter = (seq: number): OutboxSize => this.#store.outgoing.sizeAfter(this.#peer, this.#epoch, seq);
    return { all: sizeAfter(this.#acked), unwritten: sizeAfter(this.#firstUnwritten - 1) };
  }

  /** At most `limit` messages that wait here, the oldest first. */
  waiting(limit: number): OutgoingRow[] {
    const rows = this.#store.outgoing.after(this.#peer, this.#epoch, this.#acked, limit);
    return rows.filter(({ seq }) => !this.#isExpired(seq));
  }

  /** What was saved is on disk now, and may go out. */
  committed(): void {
    this.#durable = Math.max(this.#durable, this.#saved);
    this.pump();
  }

  /** Writes the counters; called before each commit of a turn that touched this session. */
  save(): void {
    this.#saved = this.#written;
    if (!this.#isWrittenDirty) return;
    this.#isWrittenDirty = false;
    this.#store.contacts.saveOut(this.#peer, this.#epoch, this.#acked, this.#written);
  }

  get #firstUnwritten(): number {
    return Math.max(this.#written, this.#acked) + 1;
  }

  /** Their numbers are told by a skip. Returns how many of them were not given up before. */
  #giveUp(numbers: readonly number[], reason: string): number {
    const fresh = numbers.filter((seq) => !this.#isExpired(seq));
    const last = fresh.at(-1);
    if (last === undefined) return 0;
    for (const range of toRanges(fresh)) this.#settle(this.#epoch, ...range, "expired", reason);
    this.#expired = Math.max(this.#expired, last);
    this.#listener.touched();
    return fresh.length;
  }

  #checkQuota(characters: number): void {
    const size = (): OutboxSize => this.#store.outgoing.sizeAfter(this.#peer, this.#epoch, this.#acked);
    this.#characters ??= size().characters;
    this.#characters += characters;
    const quota = this.#quota;
    if (this.#last - this.#acked < quota.messages && this.#characters <= quota.characters) return;
    // Only now it is worth a look at what acknowledgements, age and the user have freed meanwhile.
    const waiting = size();
    this.#characters = waiting.characters + characters;
    if (waiting.messages < quota.messages && this.#characters <= quota.characters) return;
    this.#characters -= characters;
    throw new WarrenError(
      "OUTBOX_FULL",
      `${waiting.messages} messages already wait for this peer: send more when it has come back, or drop some from the outbox`,
    );
  }

  /** Whether what the other side has is a beginning of what we know. If not, one of the two disks has gone back in time. */
  #isTrustworthy(have: Ready["have"]): boolean {
    if (!have) return true;
    if (have.epoch !== this.#epochName) return this.#acked === 0; // it has not heard of this epoch yet
    if (have.n > this.#last) return false;
    const id = this.#store.outgoing.idOf(this.#peer, this.#epoch, have.n);
    // That one is no longer kept: it was acknowledged, and our own disk still counts from there.
    if (id === undefined && have.n < this.#acked) return true;
    // No id: it was told to go on behind messages that it never saw, so it cannot say which one its number stands for.
    return have.n === 0 || have.id === id;
  }

  #openEpoch(): void {
    const before = this.#epoch;
    this.#epochName = this.#world.token();
    this.#epoch = this.#store.outgoing.openEpoch(this.#epochName);
    this.#last = this.#store.outgoing.renumber(this.#peer, before, this.#acked, this.#epoch);
    this.#acked = this.#written = this.#saved = this.#durable = this.#expired = 0; // what had expired has stayed behind
    this.#newest = undefined;
    this.#isWrittenDirty = true;
    this.#listener.touched();
    this.#listener.renumbered();
  }

  #acknowledged(n: number): void {
    const first = this.#acked + 1;
    this.#acked = n;
    this.#written = Math.max(this.#written, n);
    this.#durable = Math.max(this.#durable, n);
    this.#isWrittenDirty = true;
    const oldest = this.#tail[0]?.seq ?? n + 1;
    this.#tail.splice(0, n - oldest + 1);
    if (this.#tail.length === 0) this.#tailCharacters = 0;
    this.#listener.touched();
    this.#listener.delivered(this.#epoch, first, n);
  }

  #settle(epoch: number, first: number, last: number, state: Outcome, reason: string | null): void {
    // A receipt can only speak of what its sender has acknowledged.
    const held =
      epoch === this.#epoch && state !== "expired" ? this.#acked : this.#store.outgoing.lastSeq(this.#peer, epoch);
    const known = Math.min(last, held);
    if (first > known) return;
    const isNews = this.#record({ epoch, first, last: known, state, reason });
    if (isNews) this.#listener.settled(epoch, first, known, state, reason);
  }

  /** Returns whether it is news. */
  #record(outcome: OutcomeRange): boolean {
    const { outgoing } = this.#store;
    const { epoch, first, last, state, reason } = outcome;
    if (epoch !== this.#epoch) return outgoing.settle(this.#peer, epoch, first, last, state, reason);
    this.#newest ??= { outcome: outgoing.newestOutcome(this.#peer, epoch) };
    const { outcome: newest } = this.#newest;
    if (!newest || newest.last < first) {
      this.#newest = { outcome: outgoing.settleNext(this.#peer, newest, outcome) };
      return true;
    }
    if (last > newest.last) this.#newest = undefined;
    return outgoing.settle(this.#peer, epoch, first, last, state, reason);
  }

  #remember(row: OutgoingRow, characters: number): void {
    this.#tail.push(row);
    this.#tailCharacters += characters;
    if (this.#tail.length > MAX_TAIL || this.#tailCharacters > MAX_TAIL_CHARACTERS) this.#forgetTail();
  }

  #forgetTail(): void {
    this.#tail = [];
    this.#tailCharacters = 0;
  }

  #raiseWritten(seq: number): void {
    this.#written = seq;
    this.#isWrittenDirty = true;
  }

  #nextRows(limit: number): OutgoingRow[] {
    const start = this.#sent + 1;
    const oldest = this.#tail[0]?.seq;
    if (oldest !== undefined && oldest <= start) return this.#tail.slice(start - oldest, limit - oldest + 1);
    const rows = this.#store.outgoing.after(
      this.#peer,
      this.#epoch,
      this.#sent,
      Math.min(this.#page, limit - this.#sent),
    );
    const characters = rows.reduce((sum, { text, data }) => sum + text.length + (data?.length ?? 0), 0);
    // What the connection does not take is read again: of long texts only as many as it takes at once.
    this.#page = Math.min(PAGE, Math.max(MIN_PAGE, Math.ceil((rows.length * FULL_BYTES) / Math.max(1, characters))));
    return rows;
  }

  #sendRows(connection: Connection, rows: OutgoingRow[]): void {
    const first = this.#sent + 1;
    for (let index = 0; index < rows.length && !connection.isFull; index++) {
      const row = rows[index];
      if (!row) break;
      if (this.#isExpired(row.seq)) {
        connection.send({ t: "skip", n: row.seq, to: row.seq, id: row.id });
      } else {
        connection.sendMessage(encodeMessage(row));
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

/** Neighbouring numbers as ranges. */
function toRanges(numbers: readonly number[]): [first: number, last: number][] {
  const ranges: [number, number][] = [];
  for (const seq of numbers) {
    const open = ranges.at(-1);
    if (open?.[1] === seq - 1) open[1] = seq;
    else ranges.push([seq, seq]);
  }
  return ranges;
}

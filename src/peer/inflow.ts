/** Inflow: the direction of a session in which we listen. Takes "committed + 1" and nothing else; see docs/protocol.md. */
import { WarrenError } from "../base/errors.ts";
import type { Store } from "../store/store.ts";
import type { DueRow } from "../store/receipts.ts";
import type { Done, Got, Msg, Skip, Start } from "../wire/frames.ts";
import type { Connection } from "./connection.ts";

/** Receipts that may be written and not confirmed; more wait on disk, where they grow together. */
export const MAX_UNCONFIRMED = 64;

export interface InflowListener {
  /** Something must be written before the next commit, and acknowledged after it. */
  touched(): void;
  take(message: Msg, epoch: string): void;
  /** So much of the credit was used. */
  used(credit: number): void;
  /** The sender no longer holds so many messages that never came. */
  lost(count: number): void;
  /** How many messages beyond those received the sender may send now. */
  window(outstanding: number): number;
}

interface Counters {
  readonly n: number;
  readonly inEpoch: string | null;
  readonly inN: number;
  readonly inId: string;
  readonly inLost: number;
}

export class Inflow {
  readonly #peer: number;
  readonly #store: Store;
  readonly #listener: InflowListener;
  #epoch: string | null;
  #n: number; // up to here of this epoch it is stored, or will be with this turn's commit
  #id: string;
  #lost: number;
  #isDirty = false;
  #handled: { epoch: string; first: number; last: number; reason: string | null }[] = []; // in this turn
  #connection: Connection | undefined;
  #hasStarted = false; // on this connection
  #granted = 0; // up to here the sender may send
  #acknowledged = 0; // the last number told on this connection
  #doneSent = 0; // the last receipt written on this connection
  #unconfirmed: number[] = []; // receipts written and not confirmed, ascending
  #open: DueRow | undefined; // the newest receipt, while it was not sent and may still grow
  #unsent: DueRow[] | "on disk" = []; // those on disk that were not sent on this connection, in order; all, or to be looked up

  constructor(counters: Counters, store: Store, listener: InflowListener) {
    this.#peer = counters.n;
    this.#store = store;
    this.#listener = listener;
    this.#epoch = counters.inEpoch;
    this.#n = counters.inN;
    this.#id = counters.inId;
    this.#lost = counters.inLost;
  }

  /** How many more messages the sender may send at once. */
  get outstanding(): number {
    return this.#connection ? Math.max(0, this.#granted - this.#n) : 0;
  }

  /** Says on a new connection what we have. To be called just after a commit: what is said must be on disk. */
  ready(connection: Connection): void {
    this.#connection = connection;
    this.#hasStarted = false;
    this.#doneSent = 0;
    this.#unconfirmed = [];
    this.#open = undefined;
    this.#unsent = "on disk";
    const w = this.#listener.window(0);
    this.#granted = this.#n + w;
    const have = this.#epoch === null ? null : { epoch: this.#epoch, n: this.#n, id: this.#id };
    connection.send({ t: "ready", have, w });
  }

  detach(): void {
    this.#connection = undefined;
  }

  onStart({ epoch, low }: Start): void {
    if (!this.#connection) throw new WarrenError("PROTOCOL_VIOLATION", "a start before ready");
    if (this.#hasStarted) throw new WarrenError("PROTOCOL_VIOLATION", "a second start on one connection");
    this.#hasStarted = true;
    const w = this.#granted - this.#n;
    const missing = epoch === this.#epoch ? low - 1 - this.#n : low - 1;
    if (epoch !== this.#epoch || missing > 0) {
      this.#epoch = epoch;
      this.#n = low - 1;
      this.#id = "";
      this.#lost += Math.max(0, missing);
      this.#touch();
      if (missing > 0) this.#listener.lost(missing);
    }
    this.#granted = this.#n + w;
    this.#acknowledged = this.#n;
  }

  /** @throws {WarrenError} `PROTOCOL_VIOLATION` unless it is the next number, within the credit */
  onMsg(message: Msg): void {
    this.#checkNext(message.n, message.n);
    this.#n = message.n;
    this.#id = message.id;
    this.#listener.used(1);
    this.#touch();
    if (this.#epoch !== null) this.#listener.take(message, this.#epoch);
  }

  onSkip({ n, to, id }: Skip): void {
    this.#checkNext(n, to);
    this.#n = to;
    this.#id = id;
    this.#listener.used(to - n + 1);
    this.#touch();
  }

  /** A receipt reached the disk of the other side. */
  onGot({ k }: Got): void {
    if (k > this.#doneSent) throw new WarrenError("PROTOCOL_VIOLATION", `a receipt ${k} confirmed that was not sent`);
    this.#unconfirmed = this.#unconfirmed.filter((sent) => sent > k);
    this.#store.db.lazily(() => {
      this.#store.receipts.confirm(this.#peer, k);
      this.#listener.touched();
    });
  }

  /** The hooks are done with a message; its receipt is written with this turn's commit. */
  settle(epoch: string, seq: number, reason: string | null): void {
    const last = this.#handled.at(-1);
    if (reason === null && last?.reason === null && last.epoch === epoch && last.last === seq - 1) last.last = seq;
    else this.#handled.push({ epoch, first: seq, last: seq, reason });
    this.#touch();
  }

  /** Writes the counters and the receipts; called before each commit of a turn that touched this session. */
  save(): void {
    if (!this.#isDirty) return;
    this.#isDirty = false;
    if (this.#epoch !== null) this.#store.contacts.saveIn(this.#peer, this.#epoch, this.#n, this.#id, this.#lost);
    for (const { epoch, first, last, reason } of this.#handled.splice(0)) {
      const open = this.#open;
      if (reason === null && open?.reason === null && open.epoch === epoch && open.last === first - 1) {
        this.#store.receipts.extend(this.#peer, open.k, last);
        open.last = last;
      } else {
        const k = this.#store.receipts.add(this.#peer, epoch, first, last, reason);
        this.#open = { k, epoch, first, last, reason };
        this.#keepUnsent(this.#open);
      }
    }
  }

  /**
   * Acknowledges what is on disk now, and then tells of receipts, which speak only of what was acknowledged.
   * Called after a commit, never before, and once both sides are ready.
   */
  acknowledge(): void {
    const connection = this.#connection;
    if (!connection) return;
    if (this.#hasStarted && this.#epoch !== null) {
      const outstanding = this.outstanding;
      const w = this.#listener.window(outstanding);
      const isCreditLow = w > outstanding && outstanding * 2 <= w; // told before it runs out, but not for each message
      if (this.#n > this.#acknowledged || isCreditLow) {
        connection.send({ t: "ack", epoch: this.#epoch, n: this.#n, w });
        this.#acknowledged = this.#n;
        this.#granted = Math.max(this.#granted, this.#n + w);
      }
    }
    this.#sendReceipts();
  }

  #sendReceipts(): void {
    const connection = this.#connection;
    const room = MAX_UNCONFIRMED - this.#unconfirmed.length;
    if (!connection || this.#unsent.length === 0 || room <= 0) return;
    const rows =
      this.#unsent === "on disk"
        ? this.#store.receipts.after(this.#peer, this.#doneSent, room)
        : this.#unsent.splice(0, room);
    if (this.#unsent === "on disk" && rows.length < room) this.#unsent = [];
    for (const row of rows) connection.send(toFrame(row));
    const last = rows.at(-1);
    if (!last) return;
    this.#doneSent = last.k;
    this.#unconfirmed.push(...rows.map(({ k }) => k));
    if (this.#open && this.#open.k <= last.k) this.#open = undefined; // it was written: it cannot grow any more
  }

  /** Few are kept in memory: who does not confirm them has them looked up later. */
  #keepUnsent(receipt: DueRow): void {
    if (this.#unsent === "on disk") return;
    if (this.#unsent.push(receipt) > MAX_UNCONFIRMED) this.#unsent = "on disk";
  }

  #checkNext(n: number, to: number): void {
    if (!this.#hasStarted) throw new WarrenError("PROTOCOL_VIOLATION", "a message came before start");
    if (n !== this.#n + 1 || to < n) {
      throw new WarrenError("PROTOCOL_VIOLATION", `message ${n} came where ${this.#n + 1} was expected`);
    }
    if (to > this.#granted) throw new WarrenError("PROTOCOL_VIOLATION", `message ${to} is beyond the credit`);
  }

  #touch(): void {
    this.#isDirty = true;
    this.#listener.touched();
  }
}

function toFrame({ k, epoch, first, last, reason }: DueRow): Done {
  return reason === null
    ? { t: "done", k, epoch, ok: [[first, last]], failed: [] }
    : { t: "done", k, epoch, ok: [], failed: [[first, reason]] };
}

/** Outgoing: what we said, in numbered epochs, and what became of it. The outbox is the unacknowledged end of it. */
import type { Append, Database, Write } from "./database.ts";

export interface OutgoingRow {
  readonly seq: number;
  readonly id: string;
  readonly place: number;
  readonly at: number;
  readonly born: number;
  readonly hops: number;
  readonly room: string | null;
  readonly re: string | null;
  readonly text: string;
  /** A JSON object; null for nearly all. */
  readonly data: string | null;
}

/** A message that is given its number when it is appended. */
export type NewMessage = Omit<OutgoingRow, "seq"> & { seq: number };

/** Past "delivered", which the session's counter tells. */
export type Outcome = "handled" | "failed" | "expired";

export interface OutcomeRange {
  readonly epoch: number;
  readonly first: number;
  readonly last: number;
  readonly state: Outcome;
  readonly reason: string | null;
}

export interface OutboxSize {
  readonly messages: number;
  readonly characters: number;
  /** By the wall clock, in epoch ms. */
  readonly oldestAt: number | null;
  /** In seconds lived through. */
  readonly oldestBorn: number | null;
}

const COLUMNS = "seq, id, place, at, born, hops, room, re, text, data";

export class Outgoing {
  readonly #db: Database;
  readonly #append: Append;
  readonly #extend: Write;

  constructor(db: Database) {
    this.#db = db;
    this.#append = db.append("outgoing", 12);
    this.#extend = db.write("UPDATE outcome SET last = ? WHERE peer = ? AND epoch = ? AND first = ?");
  }

  openEpoch(name: string): number {
    this.#db.run("INSERT INTO epoch (name) VALUES (?)", name);
    return this.#db.get<{ n: number }>("SELECT n FROM epoch WHERE name = ?", name)?.n ?? 0;
  }

  epochName(n: number): string {
    return this.#db.get<{ name: string }>("SELECT name FROM epoch WHERE n = ?", n)?.name ?? "";
  }

  epochNumber(name: string): number | undefined {
    return this.#db.get<{ n: number }>("SELECT n FROM epoch WHERE name = ?", name)?.n;
  }

  append(peer: number, epoch: number, row: OutgoingRow): void {
    const { seq, id, place, at, born, hops, room, re, text, data } = row;
    this.#append(peer, epoch, seq, id, place, at, born, hops, room, re, text, data);
  }

  /** The number of the last message of an epoch; 0 if it has none. */
  lastSeq(peer: number, epoch: number): number {
    const sql = "SELECT max(seq) AS seq FROM outgoing WHERE peer = ? AND epoch = ?";
    return this.#db.get<{ seq: number | null }>(sql, peer, epoch)?.seq ?? 0;
  }

  idOf(peer: number, epoch: number, seq: number): string | undefined {
    const sql = "SELECT id FROM outgoing WHERE peer = ? AND epoch = ? AND seq = ?";
    return this.#db.get<{ id: string }>(sql, peer, epoch, seq)?.id;
  }

  /** At most `limit` messages above `seq`, in order. */
  after(peer: number, epoch: number, seq: number, limit: number): OutgoingRow[] {
    const sql = `SELECT ${COLUMNS} FROM outgoing WHERE peer = ? AND epoch = ? AND seq > ? ORDER BY seq LIMIT ?`;
    return this.#db.all<OutgoingRow>(sql, peer, epoch, seq, limit);
  }

  /** At most `limit` numbers above `seq`, in order, and when each was written, in seconds lived through. */
  agesAfter(peer: number, epoch: number, seq: number, limit: number): { seq: number; born: number }[] {
    const sql = "SELECT seq, born FROM outgoing WHERE peer = ? AND epoch = ? AND seq > ? ORDER BY seq LIMIT ?";
    return this.#db.all(sql, peer, epoch, seq, limit);
  }

  /** What lies above `seq` and has not expired: so many messages and characters of text and data, and when the oldest was written. */
  sizeAfter(peer: number, epoch: number, seq: number): OutboxSize {
    const sql = `SELECT count(*) AS messages, coalesce(sum(length(text) + ifnull(length(data), 0)), 0) AS characters, min(at) AS oldestAt,
        min(born) AS oldestBorn
      FROM outgoing o WHERE peer = ?1 AND epoch = ?2 AND seq > ?3 AND NOT EXISTS (
        SELECT 1 FROM outcome e WHERE e.peer = ?1 AND e.epoch = ?2 AND e.state = 'expired'
          AND e.first <= o.seq AND e.last >= o.seq)`;
    const none = { messages: 0, characters: 0, oldestAt: null, oldestBorn: null };
    return this.#db.get<OutboxSize>(sql, peer, epoch, seq) ?? none;
  }

  idsBetween(peer: number, epoch: number, first: number, last: number): { seq: number; id: string }[] {
    const sql = "SELECT seq, id FROM outgoing WHERE peer = ? AND epoch = ? AND seq BETWEEN ? AND ?";
    return this.#db.all(sql, peer, epoch, first, last);
  }

  /** Where a message of ours is now, by its id; a scan of what was said to one peer, newest first. */
  find(peer: number, id: string): { epoch: number; seq: number; place: number } | undefined {
    const sql =
      "SELECT epoch, seq, place FROM outgoing WHERE peer = ? AND id = ? ORDER BY epoch DESC, seq DESC LIMIT 1";
    return this.#db.get(sql, peer, id);
  }

  /** Those with this id: one, or one for each who heard it; a scan of all that was ever said. */
  withId(id: string): (OutgoingRow & { peer: number; epoch: number })[] {
    return this.#db.all(`SELECT peer, epoch, ${COLUMNS} FROM outgoing WHERE id = ? ORDER BY place`, id);
  }

  /**
   * Moves what is unacknowledged into a new epoch, numbered from 1 in the same order; what had expired stays behind.
   * Returns how many they are.
   */
  renumber(peer: number, from: number, acked: number, to: number): number {
    const rows = this.after(peer, from, acked, Number.MAX_SAFE_INTEGER).filter(
      ({ seq }) => this.outcomeOf(peer, from, seq)?.state !== "expired",
    );
    rows.forEach((row, index) => {
      this.#db.run("DELETE FROM outgoing WHERE peer = ? AND epoch = ? AND seq = ?", peer, from, row.seq);
      this.append(peer, to, { ...row, seq: index + 1 });
    });
    return rows.length;
  }

  /**
   * Records what became of a range, and returns whether that is news. It may be told more than once, and in any order:
   * the first word about a number stands, but that what had failed was handled after all. Neighbours with the same
   * outcome become one row.
   */
  settle(peer: number, epoch: number, first: number, last: number, state: Outcome, reason: string | null): boolean {
    const known = this.outcomeOf(peer, epoch, first);
    if (known && state !== "handled") return false;
    const mended = state === "handled" && this.#mend(peer, epoch, first, last) > 0;
    const before = known ?? this.outcomeOf(peer, epoch, first - 1);
    if (before && before.state === state && before.reason === reason) {
      if (before.last >= last) return mended;
      return this.#extend(last, peer, epoch, before.first) > 0;
    }
    const sql = "INSERT INTO outcome VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING";
    return this.#db.run(sql, peer, epoch, first, last, state, reason) > 0 || mended;
  }

  /**
   * The same for numbers above all that are settled; `newest` is the range with the highest of those. Returns the range that
   * takes its place.
   */
  settleNext(peer: number, newest: OutcomeRange | undefined, next: OutcomeRange): OutcomeRange {
    const { epoch, first, last, state, reason } = next;
    if (newest && newest.last === first - 1 && newest.state === state && newest.reason === reason) {
      const isKept = this.#extend(last, peer, epoch, newest.first) > 0; // not when all that it spoke of was forgotten
      if (isKept) return { ...newest, last };
    }
    this.#db.run("INSERT INTO outcome VALUES (?, ?, ?, ?, ?, ?)", peer, epoch, first, last, state, reason);
    return next;
  }

  /** The range with the highest number of an epoch that is settled; a scan of its ranges, which may overlap. */
  newestOutcome(peer: number, epoch: number): OutcomeRange | undefined {
    const sql = `SELECT epoch, first, last, state, reason FROM outcome
      WHERE peer = ? AND epoch = ? ORDER BY last DESC LIMIT 1`;
    return this.#db.get<OutcomeRange>(sql, peer, epoch);
  }

  /** Messages that had failed were handled after all: their receiver's user had them tried again. */
  #mend(peer: number, epoch: number, first: number, last: number): number {
    const sql = `UPDATE outcome SET state = 'handled', reason = NULL
      WHERE peer = ? AND epoch = ? AND first BETWEEN ? AND ? AND state = 'failed'`;
    return this.#db.run(sql, peer, epoch, first, last);
  }

  outcomeOf(peer: number, epoch: number, seq: number): OutcomeRange | undefined {
    const sql = `SELECT epoch, first, last, state, reason FROM outcome
      WHERE peer = ? AND epoch = ? AND first <= ? AND last >= ? ORDER BY first DESC LIMIT 1`;
    return this.#db.get<OutcomeRange>(sql, peer, epoch, seq, seq);
  }

  /** The highest number of an epoch that expired; 0 if none did. */
  lastExpired(peer: number, epoch: number): number {
    const sql = "SELECT max(last) AS last FROM outcome WHERE peer = ? AND epoch = ? AND state = 'expired'";
    return this.#db.get<{ last: number | null }>(sql, peer, epoch)?.last ?? 0;
  }

  /** The newest `limit` messages to a peer, newest first. */
  newest(peer: number, limit: number): (OutgoingRow & { epoch: number })[] {
    const sql = `SELECT epoch, ${COLUMNS} FROM outgoing WHERE peer = ? ORDER BY epoch DESC, seq DESC LIMIT ?`;
    return this.#db.all(sql, peer, limit);
  }
}

/** Retention: the oldest of what was said and heard, and how it goes. What delivery still needs is never among it. */
import type { Database } from "./database.ts";

/** At most so many messages wait for their receipts at an honest receiver; see `MAX_INBOX` in src/peer/sessions.ts. */
const MAX_AWAITED = 2_048;

interface Said {
  readonly epoch: number;
  readonly seq: number;
  readonly place: number;
}

/** Waits to be handled, or is to be seen by the user. */
const NEEDED = `EXISTS (SELECT 1 FROM inbox WHERE inbox.place = incoming.place)
  OR EXISTS (SELECT 1 FROM dead WHERE dead.place = incoming.place AND dead.dropped = 0)`;

export class Retention {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  /** At most `limit` peers, by number, above `after`, with whom something was said. */
  conversations(after: number, limit: number): number[] {
    const sql = "SELECT n FROM peer WHERE n > ? AND (known = 1 OR heard = 1) ORDER BY n LIMIT ?";
    return this.#db.all<{ n: number }>(sql, after, limit).map(({ n }) => n);
  }

  /** Where the oldest message of a conversation is that may go; of what was heard only what came behind `after` is looked at. */
  oldest(peer: number, after: number): number | undefined {
    const heard = this.#heard(peer, after, Number.MAX_SAFE_INTEGER, 1)[0];
    const said = this.#said(peer, 1)[0]?.place;
    return heard === undefined || said === undefined ? (heard ?? said) : Math.min(heard, said);
  }

  /** Forgets at most `limit` of a conversation's oldest messages, behind `after` and up to the place `upTo`; returns how many. */
  forget(peer: number, after: number, upTo: number, limit: number): number {
    const heard = this.#heard(peer, after, upTo, limit);
    const young = this.#said(peer, limit - heard.length);
    const end = young.findIndex(({ place }) => place > upTo);
    const said = end === -1 ? young : young.slice(0, end);
    this.#forgetHeard(peer, heard);
    for (const [index, { epoch, seq }] of said.entries()) {
      if (said[index + 1]?.epoch !== epoch) this.#forgetSaid(peer, epoch, seq);
    }
    const count = heard.length + said.length;
    if (count > 0) this.#db.run("UPDATE peer SET forgotten = forgotten + ? WHERE n = ?", count, peer);
    return count;
  }

  /** How many messages of a conversation were forgotten; of all conversations if none is named. */
  forgotten(peer?: number): number {
    const sql = "SELECT coalesce(sum(forgotten), 0) AS count FROM peer WHERE ?1 IS NULL OR n = ?1";
    return this.#db.get<{ count: number }>(sql, peer ?? null)?.count ?? 0;
  }

  #heard(peer: number, after: number, upTo: number, limit: number): number[] {
    const sql = `SELECT place FROM incoming WHERE peer = ? AND place > ? AND place <= ? AND NOT (${NEEDED}) ORDER BY place LIMIT ?`;
    return this.#db.all<{ place: number }>(sql, peer, after, upTo, limit).map(({ place }) => place);
  }

  /**
   * What lies below the newest acknowledged message, which stays: the other side's idea of it is compared with ours at each
   * resume. Older epochs have nothing else. In a newer one than the row names is what was renumbered just now. Nothing goes
   * before its receipt has come, or before as many behind it are acknowledged as a receiver lets wait.
   */
  #said(peer: number, limit: number): Said[] {
    const row = this.#db.get<{ epoch: number; acked: number }>(
      "SELECT out_epoch AS epoch, out_acked AS acked FROM peer WHERE n = ?",
      peer,
    );
    if (!row) return [];
    // Not by a sub-query in the comparison: SQLite would walk through the whole outbox to find that nothing of it may go.
    const sql = `SELECT epoch, seq, place, (SELECT last FROM outcome o WHERE o.peer = m.peer AND o.epoch = m.epoch
        AND first <= seq ORDER BY first DESC LIMIT 1) AS settled
      FROM outgoing m WHERE peer = ? AND (epoch, seq) < (?, ?) ORDER BY epoch, seq LIMIT ?`;
    const all = this.#db.all<Said & { settled: number | null }>(sql, peer, row.epoch, row.acked, limit);
    const isAwaited = ({ epoch, seq, settled }: (typeof all)[number]): boolean =>
      epoch === row.epoch && seq > row.acked - MAX_AWAITED && (settled ?? 0) < seq;
    const end = all.findIndex(isAwaited);
    return end === -1 ? all : all.slice(0, end);
  }

  #forgetHeard(peer: number, places: readonly number[]): void {
    const [first] = places;
    const last = places.at(-1);
    if (first === undefined || last === undefined) return;
    const sql = `DELETE FROM incoming WHERE peer = ? AND place BETWEEN ? AND ? AND NOT (${NEEDED})`;
    this.#db.run(sql, peer, first, last);
    this.#db.run("DELETE FROM dead WHERE peer = ? AND place BETWEEN ? AND ? AND dropped = 1", peer, first, last);
  }

  /** All of an epoch up to a number, with what became of it; and the epoch, if it is over and nothing of it is left. */
  #forgetSaid(peer: number, epoch: number, upTo: number): void {
    this.#db.run("DELETE FROM outgoing WHERE peer = ? AND epoch = ? AND seq <= ?", peer, epoch, upTo);
    const sql = "DELETE FROM outcome WHERE peer = ?1 AND epoch = ?2 AND first <= ?3 AND last <= ?3";
    this.#db.run(sql, peer, epoch, upTo);
    const isNeeded = `EXISTS (SELECT 1 FROM peer WHERE peer.n = ?2 AND out_epoch = ?1)
      OR EXISTS (SELECT 1 FROM outgoing WHERE outgoing.peer = ?2 AND outgoing.epoch = ?1)`;
    this.#db.run(`DELETE FROM epoch WHERE n = ?1 AND NOT (${isNeeded})`, epoch, peer);
  }
}

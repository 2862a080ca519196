/** Incoming: what we heard, the inbox (what of it is not handled yet), the effects of its handlers, the dead letters. */
import type { Append, Database } from "./database.ts";

export interface IncomingRow {
  readonly peer: number;
  readonly place: number;
  readonly id: string;
  readonly at: number;
  readonly hops: number;
  readonly room: string | null;
  readonly re: string | null;
  readonly text: string;
  /** A JSON object; null for nearly all. */
  readonly data: string | null;
}

/** A message of the inbox, without what it says. */
interface Waiting {
  readonly peer: number;
  readonly place: number;
  /** The number by which its sender knows it. */
  readonly epoch: string;
  readonly seq: number;
  readonly attempts: number;
}

export type InboxRow = IncomingRow & Waiting;

/** A message that was set aside. */
export interface DeadRow extends IncomingRow, Waiting {
  readonly reason: string;
  /** When it was, in epoch ms. */
  readonly died: number;
}

/** `begun`: how often the handlers of one that waits were begun; null: it does not wait. `reason`: why it was set aside. */
export type IncomingWithFate = IncomingRow & { readonly begun: number | null; readonly reason: string | null };

const COLUMNS = "peer, place, id, at, hops, room, re, text, data";

const DEAD = `d.peer, d.place, id, m.at, hops, room, re, text, data, epoch, seq, attempts, reason, d.at AS died
  FROM dead d JOIN incoming m ON m.peer = d.peer AND m.place = d.place`;

export class Incoming {
  readonly #db: Database;
  readonly #append: Append;

  constructor(db: Database) {
    this.#db = db;
    this.#append = db.append("incoming", 9);
  }

  add({ peer, place, id, at, hops, room, re, text, data }: IncomingRow): void {
    this.#append(peer, place, id, at, hops, room, re, text, data);
  }

  /** The messages of a peer that are not handled: they wait, or were set aside. */
  unhandled(peer: number): { id: string; place: number }[] {
    const sql = `SELECT id, place FROM incoming WHERE peer = ?1 AND place IN
      (SELECT place FROM inbox WHERE peer = ?1 UNION ALL SELECT place FROM dead WHERE peer = ?1)`;
    return this.#db.all(sql, peer);
  }

  /** Where a message of a peer is; a scan of what came from it, newest first. */
  find(peer: number, id: string): number | undefined {
    const sql = "SELECT place FROM incoming WHERE peer = ? AND id = ? ORDER BY place DESC LIMIT 1";
    return this.#db.get<{ place: number }>(sql, peer, id)?.place;
  }

  /** The data of those that answer message `re` of ours; only what came behind `place`, where that was said, is looked at. */
  answersTo(peer: number, re: string, place: number): string[] {
    const sql = "SELECT data FROM incoming WHERE peer = ? AND place > ? AND re = ? AND data IS NOT NULL ORDER BY place";
    return this.#db.all<{ data: string }>(sql, peer, place, re).map(({ data }) => data);
  }

  /** The newest `limit` messages of a peer, newest first, with what keeps them from being handled. */
  newest(peer: number, limit: number): (IncomingRow & { waiting: 0 | 1; reason: string | null })[] {
    const sql = `SELECT ${COLUMNS},
        EXISTS (SELECT 1 FROM inbox WHERE inbox.place = incoming.place) AS waiting,
        (SELECT reason FROM dead WHERE dead.place = incoming.place) AS reason
      FROM incoming WHERE peer = ? ORDER BY place DESC LIMIT ?`;
    return this.#db.all(sql, peer, limit);
  }

  /** Those with this id: one of each sender at most; a scan of all that ever came. */
  withId(id: string): IncomingWithFate[] {
    const sql = `SELECT ${COLUMNS},
        (SELECT attempts FROM inbox WHERE inbox.place = incoming.place) AS begun,
        (SELECT reason FROM dead WHERE dead.place = incoming.place) AS reason
      FROM incoming WHERE id = ? ORDER BY place`;
    return this.#db.all(sql, id);
  }

  /** Puts a message into the inbox, or updates how often its handlers were begun. */
  wait(place: number, peer: number, epoch: string, seq: number, attempts: number): void {
    const sql = `INSERT INTO inbox VALUES (?, ?, ?, ?, ?)
      ON CONFLICT (place) DO UPDATE SET epoch = excluded.epoch, seq = excluded.seq, attempts = excluded.attempts`;
    this.#db.run(sql, place, peer, epoch, seq, attempts);
  }

  /** Takes a message that is handled, or given up, out of the inbox together with the record of its effects. */
  finish(place: number): void {
    this.#db.run("DELETE FROM inbox WHERE place = ?", place);
    this.#db.run("DELETE FROM effect WHERE place = ?", place);
  }

  /** At most `limit` messages of the inbox behind `place`, in order. */
  waitingAfter(place: number, limit: number): InboxRow[] {
    const sql = `SELECT i.peer, i.place, id, at, hops, room, re, text, data, epoch, seq, attempts
      FROM inbox i JOIN incoming m ON m.peer = i.peer AND m.place = i.place
      WHERE i.place > ? ORDER BY i.place LIMIT ?`;
    return this.#db.all(sql, place, limit);
  }

  waitingCounts(): { peer: number; count: number }[] {
    return this.#db.all("SELECT peer, count(*) AS count FROM inbox GROUP BY peer");
  }

  recordEffect(place: number, name: string, result: string): void {
    this.#db.run("INSERT OR REPLACE INTO effect VALUES (?, ?, ?)", place, name, result);
  }

  effectsOf(place: number): { name: string; result: string }[] {
    return this.#db.all("SELECT name, result FROM effect WHERE place = ?", place);
  }

  /** Sets a message aside. */
  bury({ place, peer, epoch, seq, attempts }: Waiting, reason: string, at: number): void {
    const sql =
      "INSERT OR REPLACE INTO dead (place, peer, reason, at, epoch, seq, attempts) VALUES (?, ?, ?, ?, ?, ?, ?)";
    this.#db.run(sql, place, peer, reason, at, epoch, seq, attempts);
  }

  /** At most `limit` messages that were set aside and not dropped, in order. */
  dead(limit: number): DeadRow[] {
    return this.#db.all<DeadRow>(`SELECT ${DEAD} WHERE dropped = 0 ORDER BY d.place LIMIT ?`, limit);
  }

  deadById(id: string): DeadRow[] {
    return this.#db.all<DeadRow>(`SELECT ${DEAD} WHERE dropped = 0 AND m.id = ?`, id);
  }

  countDead(): number {
    return this.#db.get<{ count: number }>("SELECT count(*) AS count FROM dead WHERE dropped = 0")?.count ?? 0;
  }

  /** It stays as the reason why the message was never handled. */
  dropDead(place: number): void {
    this.#db.run("UPDATE dead SET dropped = 1 WHERE place = ?", place);
  }

  /** It came again under another number. */
  renumberDead(place: number, epoch: string, seq: number): void {
    this.#db.run("UPDATE dead SET epoch = ?, seq = ? WHERE place = ?", epoch, seq, place);
  }

  forgetDeath(place: number): void {
    this.#db.run("DELETE FROM dead WHERE place = ?", place);
  }

  reasonOfDeath(place: number): string | undefined {
    return this.#db.get<{ reason: string }>("SELECT reason FROM dead WHERE place = ?", place)?.reason;
  }
}

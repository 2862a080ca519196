/** Receipts that are due: what our hooks did with a peer's messages, kept until that peer has it on its disk. */
import type { Database, Write } from "./database.ts";

export interface DueRow {
  readonly k: number;
  readonly epoch: string;
  readonly first: number;
  last: number;
  /** Why it failed; null: handled. */
  readonly reason: string | null;
}

export class Receipts {
  readonly #db: Database;
  readonly #insert: Write;
  readonly #delete: Write;
  #last: number | undefined; // the highest number given; looked up when the first one is needed

  constructor(db: Database) {
    this.#db = db;
    this.#insert = db.write("INSERT INTO due VALUES (?, ?, ?, ?, ?, ?)");
    this.#delete = db.write("DELETE FROM due WHERE peer = ? AND k <= ?");
  }

  /** Returns its number, which is above those of all receipts before it. */
  add(peer: number, epoch: string, first: number, last: number, reason: string | null): number {
    this.#last ??= this.#db.get<{ k: number | null }>("SELECT max(k) AS k FROM due")?.k ?? 0;
    this.#insert(peer, ++this.#last, epoch, first, last, reason);
    return this.#last;
  }

  /** Lets a receipt that was not written yet speak for more. */
  extend(peer: number, k: number, last: number): void {
    this.#db.run("UPDATE due SET last = ? WHERE peer = ? AND k = ?", last, peer, k);
  }

  after(peer: number, k: number, limit: number): DueRow[] {
    const sql = "SELECT k, epoch, first, last, reason FROM due WHERE peer = ? AND k > ? ORDER BY k LIMIT ?";
    return this.#db.all<DueRow>(sql, peer, k, limit);
  }

  confirm(peer: number, upTo: number): void {
    this.#delete(peer, upTo);
  }
}

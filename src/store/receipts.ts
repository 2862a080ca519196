/** Receipts that are due: what our hooks did with a peer's messages, kept until that peer has it on its disk. */
import type { Database } from "./database.ts";

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

  constructor(db: Database) {
    this.#db = db;
  }

  add(peer: number, epoch: string, first: number, last: number, reason: string | null): number {
    const sql = "INSERT INTO due (peer, epoch, first, last, reason) VALUES (?, ?, ?, ?, ?)";
    return this.#db.insert(sql, peer, epoch, first, last, reason);
  }

  /** Lets a receipt that was not written yet speak for more. */
  extend(k: number, last: number): void {
    this.#db.run("UPDATE due SET last = ? WHERE k = ?", last, k);
  }

  after(peer: number, k: number, limit: number): DueRow[] {
    const sql = "SELECT k, epoch, first, last, reason FROM due WHERE peer = ? AND k > ? ORDER BY k LIMIT ?";
    return this.#db.all<DueRow>(sql, peer, k, limit);
  }

  confirm(peer: number, upTo: number): void {
    this.#db.run("DELETE FROM due WHERE peer = ? AND k <= ?", peer, upTo);
  }
}

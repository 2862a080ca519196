/** Heard: the newest message of each run of each peer, by which it is known which of them have come before. */
import type { Database } from "./database.ts";

export class HeardRuns {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  /** The highest count of a run that came; undefined if none did. */
  last(peer: number, run: string): string | undefined {
    return this.#db.get<{ count: string }>("SELECT count FROM heard WHERE peer = ? AND run = ?", peer, run)?.count;
  }

  save(peer: number, run: string, count: string): void {
    this.#db.run("INSERT OR REPLACE INTO heard VALUES (?, ?, ?)", peer, run, count);
  }
}

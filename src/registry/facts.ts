/** Facts: numbers that a registry's database has one of each, such as its day, or whether its door is closed. */
import type { Database } from "bun:sqlite";

export class Facts {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  get(key: string): number | undefined {
    return this.#db.query<{ value: number }, [string]>("SELECT value FROM facts WHERE key = ?").get(key)?.value;
  }

  set(key: string, value: number): void {
    this.#db.query("INSERT OR REPLACE INTO facts (key, value) VALUES (?, ?)").run(key, value);
  }
}

/** Settings: single values that outlive the process, and the two counters that are made of them. */
import type { Database } from "./database.ts";

const PLACES_PER_RUN = 1_000_000_000; // 2^53 allows nine million runs of that many messages

export class Settings {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  get(key: string): string | undefined {
    return this.#db.get<{ value: string }>("SELECT value FROM setting WHERE key = ?", key)?.value;
  }

  set(key: string, value: string): void {
    this.#db.run(
      "INSERT INTO setting VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
      key,
      value,
    );
  }

  getNumber(key: string): number {
    return Number(this.get(key) ?? 0);
  }

  /**
   * A counter above every number that an earlier run can have given out. A block of numbers is reserved at once,
   * so that counting costs no write.
   */
  reserveBlock(key: string): () => number {
    let next = this.getNumber(key);
    this.set(key, String(next + PLACES_PER_RUN));
    return () => ++next;
  }
}

/** Entries: the key-value stores of bots, in the peer's own database, so that they share its transactions. */
import type { Database } from "./database.ts";

export class Entries {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  /** The value as JSON. */
  get(store: string, key: string): string | undefined {
    return this.#db.get<{ value: string }>("SELECT value FROM entry WHERE store = ? AND key = ?", store, key)?.value;
  }

  set(store: string, key: string, value: string): void {
    this.#db.run("INSERT OR REPLACE INTO entry VALUES (?, ?, ?)", store, key, value);
  }

  delete(store: string, key: string): void {
    this.#db.run("DELETE FROM entry WHERE store = ? AND key = ?", store, key);
  }

  clear(store: string): void {
    this.#db.run("DELETE FROM entry WHERE store = ?", store);
  }

  /** Those whose key begins with `prefix`, in the order of their keys. */
  list(store: string, prefix: string): { key: string; value: string }[] {
    const sql =
      "SELECT key, value FROM entry WHERE store = ?1 AND key >= ?2 AND substr(key, 1, length(?2)) = ?2 ORDER BY key";
    return this.#db.all(sql, store, prefix);
  }
}

/** File lock: one process at a time. The kernel frees it when its holder dies, however. */
import { Database, SQLiteError } from "bun:sqlite";

/**
 * Takes the lock, or returns undefined where another holder has it. A database in exclusive mode is the one file lock that Bun has
 * everywhere; nothing is ever kept in it. Throws what SQLite throws where the file cannot be made.
 */
export function lockFile(path: string): Disposable | undefined {
  let sqlite: Database | undefined;
  try {
    sqlite = new Database(path, { create: true });
    sqlite.run("PRAGMA locking_mode=EXCLUSIVE");
    sqlite.run("BEGIN EXCLUSIVE"); // and never an end: closing it frees the lock
  } catch (error) {
    sqlite?.close();
    if (error instanceof SQLiteError && error.code?.startsWith("SQLITE_BUSY")) return undefined;
    throw error;
  }
  const held = sqlite;
  return { [Symbol.dispose]: () => held.close() };
}

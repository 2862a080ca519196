/** The lock of a home: who holds it runs what a machine needs once. The kernel frees it when its holder dies, however. */
import { Database, SQLiteError } from "bun:sqlite";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { describeError, WarrenError } from "../base/errors.ts";

/**
 * Takes the lock, or returns undefined where another process holds it. A database in exclusive mode is the one file
 * lock that Bun has everywhere; nothing is ever kept in it.
 *
 * @throws {WarrenError} `HOME_UNWRITABLE`
 */
export function takeRoleLock(home: string): Disposable | undefined {
  let sqlite: Database | undefined;
  try {
    mkdirSync(home, { recursive: true, mode: 0o700 });
    sqlite = new Database(join(home, "role.lock"), { create: true });
    sqlite.run("PRAGMA locking_mode=EXCLUSIVE");
    sqlite.run("BEGIN EXCLUSIVE"); // and never an end: closing it frees the lock
  } catch (error) {
    sqlite?.close();
    if (error instanceof SQLiteError && error.code?.startsWith("SQLITE_BUSY")) return undefined;
    const message = `${home} cannot be written (${describeError(error)}): give another folder with --home`;
    throw new WarrenError("HOME_UNWRITABLE", message, { cause: error });
  }
  const held = sqlite;
  return { [Symbol.dispose]: () => held.close() };
}

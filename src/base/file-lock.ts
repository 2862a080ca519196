/** File lock: one process at a time. The kernel frees it when its holder dies, however. */
import { Database, SQLiteError } from "bun:sqlite";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { describeError, WarrenError } from "./errors.ts";

/**
 * Takes the lock `name` of a folder, which is made, or returns undefined where another holder has it. A database in exclusive mode
 * is the one file lock that Bun has everywhere; nothing is ever kept in it.
 *
 * @throws {WarrenError} `HOME_UNWRITABLE`
 */
export function takeLock(folder: string, name: string): Disposable | undefined {
  let sqlite: Database | undefined;
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    sqlite = new Database(join(folder, name), { create: true });
    sqlite.run("PRAGMA locking_mode=EXCLUSIVE");
    sqlite.run("BEGIN EXCLUSIVE"); // and never an end: closing it frees the lock
  } catch (error) {
    sqlite?.close();
    if (error instanceof SQLiteError && error.code?.startsWith("SQLITE_BUSY")) return undefined;
    const message = `${folder} cannot be written (${describeError(error)}): give another folder with --home`;
    throw new WarrenError("HOME_UNWRITABLE", message, { cause: error });
  }
  const held = sqlite;
  return { [Symbol.dispose]: () => held.close() };
}

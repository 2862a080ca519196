/** A copy of a registry's database, also while a registry writes it; and whether one does. */
import { Database } from "bun:sqlite";
import { closeSync, openSync, rmSync } from "node:fs";
import { describeError, WarrenError } from "../base/errors.ts";

const PATIENCE_MS = 5_000;

/** Copies what is committed, in order, to a new file of mode 600. @throws {WarrenError} `STORE_FAILED` */
export function copyDatabase(from: string, to: string): void {
  const failed = (cause: unknown): WarrenError => {
    return new WarrenError("STORE_FAILED", `${from} cannot be copied to ${to}: ${describeError(cause)}`, { cause });
  };
  try {
    closeSync(openSync(to, "wx", 0o600)); // SQLite takes an empty file as it is, and would make one that others can read
  } catch (error) {
    throw failed(error);
  }
  let db: Database | undefined;
  try {
    db = new Database(from, { readwrite: true, create: false });
    db.run(`PRAGMA busy_timeout = ${PATIENCE_MS}`);
    db.run("VACUUM INTO ?", [to]);
  } catch (error) {
    rmSync(to, { force: true });
    throw failed(error);
  } finally {
    db?.close();
  }
}

/** Whether a process has the database open. What it has written last is then in the file itself, and no log is left beside it. */
export function isInUse(path: string): boolean {
  let db: Database | undefined;
  try {
    db = new Database(path, { readwrite: true, create: false });
    db.run("PRAGMA journal_mode = DELETE"); // SQLite lets nobody leave the mode in which several may use it while others do
    return false;
  } catch (error) {
    return error instanceof Error && "code" in error && String(error.code).startsWith("SQLITE_BUSY");
  } finally {
    db?.close();
  }
}

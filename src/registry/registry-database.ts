/** Registry database: the file of a registry that is one process, made or brought up to date. */
import { Database } from "bun:sqlite";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { describeError, isWarrenError, WarrenError } from "../base/errors.ts";
import { COMMANDS_INDEX, DOOR_TABLES, ONLINE_INDEX, TABLES } from "./tables.ts";

/** Each step brings a database one version further. What has been on a disk is never changed: what is new is a new step. */
const STEPS = [
  `${TABLES} CREATE TABLE facts (key TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT;`,
  ONLINE_INDEX,
  DOOR_TABLES,
  COMMANDS_INDEX,
];
export const STORE_FILE = "registry.sqlite";

/** @throws {WarrenError} `HOME_UNWRITABLE`, `STORE_CORRUPT`, `STORE_NEWER` */
export async function openDatabase(folder: string): Promise<Database> {
  const path = join(folder, STORE_FILE);
  let db: Database | undefined;
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    db = new Database(path, { create: true, strict: true });
    prepare(db, path);
  } catch (error) {
    db?.close();
    throw isWarrenError(error) ? error : unusable(path, error);
  }
  return db;
}

function prepare(db: Database, path: string): void {
  db.run("PRAGMA busy_timeout = 5000");
  db.run("PRAGMA journal_mode = WAL");
  db.run("PRAGMA synchronous = FULL"); // a name that was granted must not be granted again after a power cut
  const version = db.query<{ user_version: number }, []>("PRAGMA user_version").get()?.user_version ?? 0;
  if (version > STEPS.length) {
    throw new WarrenError(
      "STORE_NEWER",
      `${path} was written by a newer Warren: update Warren, or give another --home`,
    );
  }
  if (version === STEPS.length) return;
  const upgrade = db.transaction(() => {
    for (const step of STEPS.slice(version)) db.run(step);
    db.run(`PRAGMA user_version = ${STEPS.length}`);
  });
  upgrade.immediate(); // all steps or none
}

function unusable(path: string, error: unknown): WarrenError {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  const isCorrupt = code.startsWith("SQLITE_CORRUPT") || code.startsWith("SQLITE_NOTADB");
  return isCorrupt
    ? new WarrenError("STORE_CORRUPT", `${path} is damaged: restore it from a backup, or move it away to begin anew`, {
        cause: error,
      })
    : new WarrenError("HOME_UNWRITABLE", `${path} cannot be opened (${describeError(error)}): give another --home`, {
        cause: error,
      });
}

import { Database } from "bun:sqlite";
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "bun:test";
import { copyDatabase, isInUse } from "../../src/registry/store-copy.ts";
import { temporaryFolder } from "./setting.ts";

async function inFolder(run: (folder: string, path: string, db: Database) => Promise<void>): Promise<void> {
  await using folder = await temporaryFolder();
  const path = join(folder.path, "registry.sqlite");
  using db = new Database(path, { create: true });
  db.run("PRAGMA journal_mode = WAL");
  db.run("CREATE TABLE t (n INTEGER)");
  await run(folder.path, path, db);
}

test("what is committed is copied while it is written to, and what is not is not", () =>
  inFolder(async (folder, path, db) => {
    db.run("INSERT INTO t VALUES (1)");
    db.run("BEGIN IMMEDIATE");
    db.run("INSERT INTO t VALUES (2)");
    copyDatabase(path, join(folder, "copy"));
    db.run("COMMIT");
    using copy = new Database(join(folder, "copy"));
    expect(copy.query("SELECT n FROM t").all()).toEqual([{ n: 1 }]);
    expect((await stat(join(folder, "copy"))).mode & 0o777).toBe(0o600);
  }));

test("a copy never takes the place of a file, and one that fails leaves nothing", () =>
  inFolder(async (folder, path) => {
    expect(() => copyDatabase(path, path)).toThrow("cannot be copied");
    expect(() => copyDatabase(join(folder, "nowhere"), join(folder, "copy"))).toThrow("cannot be copied");
    expect(await Bun.file(join(folder, "copy")).exists()).toBe(false);
    expect(await Bun.file(path).exists()).toBe(true);
  }));

test("a database is in use while anybody has it open", () =>
  inFolder(async (_folder, path, db) => {
    expect(isInUse(path)).toBe(true);
    db.close();
    expect(isInUse(path)).toBe(false);
    expect(await Bun.file(`${path}-wal`).exists()).toBe(false);
  }));

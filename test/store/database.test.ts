import { Database as Sqlite } from "bun:sqlite";
import { afterEach, beforeEach, expect, test } from "bun:test";
import { statSync } from "node:fs";
import { mkdtemp, open, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Database } from "../../src/store/database.ts";
import { ManualClock } from "../../src/testing/manual-clock.ts";

let path: string;
beforeEach(async () => {
  path = join(await mkdtemp(join(tmpdir(), "warren-database-")), "peer.db");
});
afterEach(() => rm(join(path, ".."), { recursive: true }));

const clock = new ManualClock();
const count = (db: Database): number | undefined => db.get<{ n: number }>("SELECT count(*) AS n FROM setting")?.n;
const put = (db: Database, key: string): number => db.run("INSERT INTO setting VALUES (?, ?)", key, "x".repeat(500));

test("a database has one owner, and is free again when that one closes", () => {
  const db = new Database(path, clock);
  expect(() => new Database(path, clock)).toThrow(expect.objectContaining({ code: "IDENTITY_IN_USE" }));
  db[Symbol.dispose]();
  new Database(path, clock)[Symbol.dispose]();
});

test("what is written in one turn is committed at its end, together", async () => {
  using db = new Database(path, clock);
  const told: string[] = [];
  put(db, "a");
  db.afterCommit((error) => told.push(error ? "failed" : "committed"));
  put(db, "b");
  expect(told).toEqual([]);
  await clock.settle();
  expect(told).toEqual(["committed"]);
  expect(count(db)).toBe(2);
});

test("a write that fails takes its whole turn with it, and the next turn works", async () => {
  using db = new Database(path, clock);
  put(db, "a");
  await clock.settle();
  put(db, "b");
  expect(() => put(db, "a")).toThrow(expect.objectContaining({ code: "STORE_FAILED" }));
  const failure = await Promise.all([db.committed().catch((error: unknown) => error), clock.settle()]);
  expect(failure[0]).toMatchObject({ code: "STORE_FAILED" });
  expect(count(db)).toBe(1);
  put(db, "c");
  await clock.settle();
  expect(count(db)).toBe(2);
});

test("rows that are appended are there for whoever reads or writes after them, and on disk after the commit", async () => {
  const db = new Database(path, clock);
  const append = db.append("setting", 2);
  append("a", "1");
  expect(count(db)).toBe(1);
  append("b", "1");
  expect(db.run("UPDATE setting SET value = '2'")).toBe(2);
  append("c", "2");
  const raise = db.write("UPDATE setting SET value = ?");
  expect(raise("3")).toBe(3);
  append("d", "3");
  await clock.settle();
  db.giveUp(); // as a crash
  using copy = new Database(db.serialize(), clock);
  const keys = copy.all<{ key: string }>("SELECT key FROM setting WHERE value = '3'").map(({ key }) => key);
  expect(keys).toEqual(["a", "b", "c", "d"]);
});

test("a row that cannot be appended takes its whole turn with it, whenever that is noticed, and no later one", async () => {
  using db = new Database(path, clock);
  const append = db.append("setting", 2);
  const failed = async (turn: () => void): Promise<unknown> => {
    turn();
    const [failure] = await Promise.all([db.committed().catch((error: unknown) => error), clock.settle()]);
    return failure;
  };
  const appendOther = db.append("epoch", 2);
  const twice = (): void => {
    for (const key of ["a", "b", "a"]) append(key, "text");
    appendOther(1, "epoch");
  };
  expect(await failed(twice)).toMatchObject({ code: "STORE_FAILED" });
  const read = (): void => {
    twice();
    expect(count(db)).toBe(2);
    expect(() => put(db, "c")).toThrow(expect.objectContaining({ code: "STORE_FAILED" }));
  };
  expect(await failed(read).catch((error: unknown) => error)).toMatchObject({ code: "STORE_FAILED" });
  append("d", "text");
  await clock.settle();
  expect(db.all<{ key: string }>("SELECT key FROM setting").map(({ key }) => key)).toEqual(["d"]);
  expect(db.all("SELECT * FROM epoch")).toEqual([]);
});

test("a file that is no database, or is damaged inside, is reported as what it is", async () => {
  await writeFile(path, "this is no database, whatever its name says".repeat(100));
  expect(() => new Database(path, clock)).toThrow(expect.objectContaining({ code: "STORE_CORRUPT" }));
  await rm(path);
  const whole = new Database(path, clock);
  for (let i = 0; i < 200; i++) put(whole, `key ${i}`);
  whole[Symbol.dispose]();
  const file = await open(path, "r+");
  await file.write(Buffer.alloc(60_000, 0x5a), 0, 60_000, 4_096);
  await file.close();
  const use = (): unknown => {
    using damaged = new Database(path, clock);
    return damaged.all("SELECT * FROM setting");
  };
  expect(use).toThrow(expect.objectContaining({ code: "STORE_CORRUPT" }));
});

test("a copy is whole, private, and never over another file", () => {
  const target = join(path, "../copy.db");
  using db = new Database(path, clock);
  db.run("INSERT INTO entry VALUES ('s', 'k', 'v')"); // not committed yet
  db.copyTo(target);
  expect(statSync(target).mode & 0o777).toBe(0o600);
  expect(() => db.copyTo(target)).toThrow(`${target} cannot be made`);
  using copy = new Database(target, clock);
  expect(copy.all<{ value: string }>("SELECT value FROM entry")).toEqual([{ value: "v" }]);
});

test("what is written lazily waits for something urgent, or for 50 ms", async () => {
  using db = new Database(path, clock);
  const told: string[] = [];
  const writeLazily = (key: string): void =>
    db.lazily(() => {
      put(db, key);
      db.afterCommit(() => told.push(key));
    });
  writeLazily("a");
  await clock.advance(49);
  expect(told).toEqual([]);
  await clock.advance(1);
  expect(told).toEqual(["a"]);
  writeLazily("b");
  put(db, "c");
  await clock.settle();
  expect(told).toEqual(["a", "b"]);
  writeLazily("d");
  db.hasten();
  await clock.settle();
  expect(told).toEqual(["a", "b", "d"]);
});

test("what is written lazily is committed when the database closes", () => {
  const db = new Database(path, clock);
  db.lazily(() => put(db, "a"));
  db[Symbol.dispose]();
  using again = new Database(path, clock);
  expect(count(again)).toBe(1);
});

test("a file becomes shorter by what it does not use, also one from before that was possible", async () => {
  const before = new Sqlite(path, { create: true });
  before.run("CREATE TABLE old (text TEXT)");
  before.close();
  const db = new Database(path, clock);
  for (let i = 0; i < 400; i++) put(db, `key ${i}`);
  db.commit();
  const { file } = db.bytes;
  expect(db.bytes.used).toBe(file);
  db.run("DELETE FROM setting");
  expect(db.bytes.used).toBeLessThan(file / 2);
  db.giveBack(40_960);
  expect(db.bytes.file).toBe(file - 40_960);
  db.giveBack(file);
  expect(db.bytes.file).toBe(db.bytes.used);
  const { used } = db.bytes;
  db[Symbol.dispose]();
  expect(statSync(path).size).toBe(used);
});

import { Database as Sqlite } from "bun:sqlite";
import { beforeEach, expect, test } from "bun:test";
import { RowBatch } from "../../src/store/row-batch.ts";

let sqlite: Sqlite;
beforeEach(() => {
  sqlite = new Sqlite(":memory:", { strict: true });
  sqlite.run("CREATE TABLE said (n INTEGER PRIMARY KEY, text TEXT NOT NULL, room TEXT)");
});

const newBatch = (): RowBatch => new RowBatch("said", 3, (sql) => sqlite.prepare(sql));
const written = (): number => sqlite.query<{ n: number }, []>("SELECT count(*) AS n FROM said").get()?.n ?? 0;

test("however many rows there are, all of them are written, each as it was given", () => {
  for (const count of [0, 1, 15, 16, 17, 40]) {
    sqlite.run("DELETE FROM said");
    const batch = newBatch();
    for (let n = 0; n < count; n++) batch.add([n, `text ${n}`, n % 2 === 0 ? null : "kitchen"]);
    batch.flush();
    batch.flush();
    const rows = Array.from({ length: count }, (_, n) => [n, `text ${n}`, n % 2 === 0 ? null : "kitchen"]);
    expect(sqlite.query("SELECT * FROM said ORDER BY n").values()).toEqual(rows);
  }
});

test("few rows wait, sixteen do not", () => {
  const batch = newBatch();
  for (let n = 0; n < 15; n++) batch.add([n, "text", null]);
  expect(written()).toBe(0);
  batch.add([15, "text", null]);
  expect(written()).toBe(16);
});

test("a row that cannot be is reported, and is not in the way of those that come later", () => {
  const batch = newBatch();
  batch.add([1, null, null]);
  expect(() => batch.flush()).toThrow("NOT NULL constraint failed: said.text");
  batch.add([2, "text", null]);
  batch.flush();
  expect(written()).toBe(1);
});

test("what is cleared is never written", () => {
  const batch = newBatch();
  batch.add([1, "text", null]);
  batch.clear();
  batch.flush();
  expect(written()).toBe(0);
});

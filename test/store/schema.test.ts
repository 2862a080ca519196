import { Database as Sqlite } from "bun:sqlite";
import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "../../src/base/world.ts";
import { MIGRATIONS } from "../../src/store/schema.ts";
import { openStore } from "../../src/store/store.ts";
import { createBurrow, testId } from "../peer/burrow.ts";

let folder: string;
beforeEach(async () => void (folder = await mkdtemp(join(tmpdir(), "warren-schema-"))));
afterEach(() => rm(folder, { recursive: true }));

/** A database as the first Warren left it: ann has written, and that was set aside; zed has only said hello. */
function makeOldest(path: string): void {
  const sqlite = new Sqlite(path, { create: true });
  sqlite.run(MIGRATIONS[0] ?? "");
  sqlite.run("PRAGMA user_version=1");
  sqlite.run("INSERT INTO epoch VALUES (1, 'e1'), (2, 'e2')");
  for (const [n, name] of [
    [1, "ann"],
    [2, "zed"],
  ] as const) {
    sqlite.run("INSERT INTO peer VALUES (?, ?, ?, 'person', NULL, '[]', 1, 0, ?, 0, 0, NULL, 0, '', 0)", [
      n,
      testId(name),
      name,
      n,
    ]);
  }
  sqlite.run("INSERT INTO incoming VALUES (1, 5, 'a', 1, 0, NULL, NULL, 'old')");
  sqlite.run("INSERT INTO dead VALUES (5, 1, 'no', 1)");
  sqlite.close();
}

test("a database of the first form is brought to the newest, and nothing in it is lost", async () => {
  await using burrow = createBurrow();
  const path = join(folder, "bob.db");
  makeOldest(path);
  const store = openStore(path, burrow.world.clock);
  const heard = store.contacts.all().map(({ name, heard: isHeard, blocked }) => [name, isHeard, blocked]);
  expect(heard).toEqual([
    ["ann", 1, 0],
    ["zed", 0, 0],
  ]);
  expect(store.db.get<{ version: number }>("SELECT user_version AS version FROM pragma_user_version")).toEqual({
    version: MIGRATIONS.length,
  });
  store[Symbol.dispose]();
});

test("what came before the newest of each run was noted is known by it", () => {
  const path = join(folder, "bob.db");
  makeOldest(path);
  const sqlite = new Sqlite(path);
  const ids = ["run.z", "run.10", "run.9", "other.1"]; // in no order, as a disk that went back in time can leave them
  ids.forEach((id, index) =>
    sqlite.run("INSERT INTO incoming VALUES (1, ?, ?, 1, 0, NULL, NULL, 'x')", [index + 6, id]),
  );
  sqlite.close();
  using store = openStore(path, systemClock);
  const known = ["run", "other", "a"].map((run) => store.heard.last(1, run));
  expect(known).toEqual(["10", "1", ""]);
  expect(store.heard.last(2, "run")).toBeUndefined();
});

test("what was set aside by a Warren that did not keep its number can be tried again; no receipt is made up", async () => {
  await using burrow = createBurrow();
  const path = join(folder, "bob.db");
  makeOldest(path);
  const bob = await burrow.open("bob", { path });
  expect(bob.deadLetters.list()).toMatchObject([{ id: "a", from: { name: "ann" }, reason: "no", attempts: 0 }]);
  const texts: string[] = [];
  bob.on("message", ({ text }) => void texts.push(text));
  await Promise.all([bob.deadLetters.retry("a"), burrow.settle()]);
  expect(texts).toEqual(["old"]);
  const closed = bob.close();
  await burrow.settle(100);
  await closed;
  const store = openStore(path, burrow.world.clock);
  expect(store.db.all("SELECT * FROM due")).toEqual([]);
  store[Symbol.dispose]();
});

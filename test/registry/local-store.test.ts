import { expect, test } from "bun:test";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Database } from "bun:sqlite";
import { systemWorld } from "../../src/base/world.ts";
import { createIdentity, type Identity } from "../../src/identity/identity.ts";
import { DAY_MS } from "../../src/registry/grant.ts";
import { DEFAULT_LIMITS } from "../../src/registry/limits.ts";
import { LocalStore } from "../../src/registry/local-store.ts";
import { socketWorld, temporaryFolder } from "./setting.ts";
import { followed, register, storeContract, type Place } from "./store-contract.ts";

async function settle(): Promise<Place & { readonly folder: string }> {
  const folder = await temporaryFolder();
  const world = socketWorld();
  return {
    clock: world.clock,
    folder: folder.path,
    open: (limits) => LocalStore.open(folder.path, world, limits),
    [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
  };
}

await storeContract("on this machine's disk", settle);

test("after more than a blink those who were online are not waited for", async () => {
  await using place = await settle();
  const ann = await createIdentity();
  {
    const { store } = await followed(place);
    await using _ = store;
    await register(store, ann, { name: "ann" });
    await store.tick();
  }
  place.clock.jump(121_000);
  const { store } = await followed(place);
  await using _ = store;
  expect(store.get(ann.id)?.stay).toBe(0);
});

/** Notes how safe each commit is that writes to one of `tables`: 2 waits for the disk, 1 is lost in a power cut. */
function noteSafety(path: string, tables: readonly string[]): void {
  using db = new Database(path);
  db.run("CREATE TABLE noted (what TEXT, safety INTEGER)");
  for (const table of tables) {
    for (const event of ["INSERT", "UPDATE", "DELETE"]) {
      const note = `INSERT INTO noted SELECT '${table}', synchronous FROM pragma_synchronous`;
      db.run(`CREATE TRIGGER ${table}_${event} AFTER ${event} ON ${table} BEGIN ${note}; END`);
    }
  }
}

test("whatever is said of a name waits for the disk; a new record under the same name does not", async () => {
  await using place = await settle();
  const [ann, ben] = [await createIdentity(), await createIdentity()];
  const { store } = await followed(place);
  await using _ = store;
  const path = join(place.folder, "registry.sqlite");
  noteSafety(path, ["names", "records", "members", "facts"]);
  using db = new Database(path);
  const since = place.clock.now();
  const safetyOf = async (write: () => Promise<unknown>): Promise<string[]> => {
    db.run("DELETE FROM noted");
    await write();
    const noted = db.query<{ what: string; safety: number }, []>("SELECT DISTINCT what, safety FROM noted").all();
    return noted.map(({ what, safety }) => `${what} ${safety}`).sort();
  };
  const claim = (who: Identity, name: string, seq: number, grantedSince?: number): Promise<unknown> =>
    register(store, who, { name, seq, ...(grantedSince !== undefined && { since: grantedSince }) });
  expect(await safetyOf(() => claim(ann, "ann", 1))).toEqual(["names 2", "records 2"]);
  expect(await safetyOf(() => claim(ann, "ann", 2))).toEqual(["records 1"]);
  expect(await safetyOf(() => claim(ann, "ann", 3, since))).toEqual(["records 1"]);
  expect(await safetyOf(() => Promise.all([claim(ann, "ann", 4), claim(ben, "ben", 1)]))).toContain("records 2");
  expect(await safetyOf(() => claim(ann, "ann", 5, since - 1))).toEqual(["names 2", "records 2"]);
  expect(await safetyOf(() => claim(ann, "fox", 6))).toEqual(["names 2", "records 2"]);
  const { stay = 0 } = store.get(ben.id) ?? {}; // ann or ben may have come first
  expect(await safetyOf(() => store.leave(ben.id, stay))).toEqual(["records 1"]);
  expect(await safetyOf(() => store.door.allow(ben.id))).toEqual(["facts 2", "members 2"]);
  expect(await safetyOf(() => store.release("fox", ann.id))).toContain("names 2");
  place.clock.jump(DAY_MS);
  expect(await safetyOf(() => store.tick())).not.toContain("facts 1");
  await claim(ann, "ann", 7);
  expect(await safetyOf(() => claim(ben, "ben", 2))).toEqual(["names 2", "records 2"]); // the first time on that day
});

test("a damaged file and one of a newer Warren are said to be so, and left as they are", async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, "registry.sqlite");
  await writeFile(path, "not a database, though long enough to be looked at as one".repeat(40));
  expect(LocalStore.open(folder.path, systemWorld, DEFAULT_LIMITS)).rejects.toMatchObject({
    code: "STORE_CORRUPT",
  });
  await using newer = await temporaryFolder();
  const db = new Database(join(newer.path, "registry.sqlite"), { create: true });
  db.run("PRAGMA user_version = 99");
  db.close();
  expect(LocalStore.open(newer.path, systemWorld, DEFAULT_LIMITS)).rejects.toMatchObject({
    code: "STORE_NEWER",
  });
});

/** As the version before this one made it. */
const VERSION_1 = `
  CREATE TABLE names (name TEXT PRIMARY KEY, id TEXT NOT NULL, since INTEGER NOT NULL, used_day INTEGER NOT NULL) STRICT;
  CREATE INDEX names_by_id ON names (id);
  CREATE TABLE records (id TEXT PRIMARY KEY, name TEXT NOT NULL, kind TEXT NOT NULL, seq INTEGER NOT NULL,
    record TEXT NOT NULL, received_at INTEGER NOT NULL, stay INTEGER NOT NULL) STRICT;
  CREATE INDEX records_by_name ON records (name);
  CREATE TABLE commands (command TEXT NOT NULL, id TEXT NOT NULL, PRIMARY KEY (command, id)) STRICT, WITHOUT ROWID;
  CREATE TABLE facts (key TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT;
  PRAGMA user_version = 1;
  INSERT INTO names VALUES ('ann', 'ann-id', 5, 0), ('ben', 'ben-id', 6, 0);
  INSERT INTO records VALUES ('ann-id', 'ann', 'person', 3, 'ann-record', 7, 2), ('ben-id', 'ben', 'bot', 1, 'r', 8, 0);
`;

/** What a database is made of, whatever way it came to be. */
function schemaOf(path: string): { version: number; parts: string[] } {
  using db = new Database(path);
  const { user_version: version } = db.query<{ user_version: number }, []>("PRAGMA user_version").get() ?? {
    user_version: -1,
  };
  const parts = db
    .query<{ sql: string }, []>("SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY name")
    .all();
  return { version, parts: parts.map(({ sql }) => sql.replace(/\s+/g, " ")) };
}

test("a database of the version before is brought up to this one, with all that is in it", async () => {
  await using old = await temporaryFolder();
  await using fresh = await temporaryFolder();
  const path = join(old.path, "registry.sqlite");
  const db = new Database(path, { create: true });
  db.run(VERSION_1);
  db.close();
  for (let start = 0; start < 2; start++) {
    await using store = await LocalStore.open(old.path, systemWorld, DEFAULT_LIMITS);
    const [ann, ...others] = store.list({ online: true, limit: 9 });
    expect([ann, others]).toMatchObject([{ name: "ann", record: "ann-record", since: 5, stay: 2 }, []]);
    expect(store.list({ online: false, limit: 9 })).toMatchObject([{ name: "ben" }]);
  }
  await (await LocalStore.open(fresh.path, systemWorld, DEFAULT_LIMITS))[Symbol.asyncDispose]();
  expect(schemaOf(path)).toEqual(schemaOf(join(fresh.path, "registry.sqlite")));
});

test("an upgrade that fails leaves the database as it was", async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, "registry.sqlite");
  const db = new Database(path, { create: true });
  db.run(VERSION_1);
  db.run("CREATE INDEX records_online ON records (kind)"); // what the upgrade is about to make
  db.close();
  const before = schemaOf(path);
  const failure = await LocalStore.open(folder.path, systemWorld, DEFAULT_LIMITS).catch((error: unknown) => error);
  expect(failure).toMatchObject({ name: "WarrenError" });
  expect(schemaOf(path)).toEqual(before);
});

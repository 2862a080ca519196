import { expect, test } from "bun:test";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Database } from "bun:sqlite";
import { systemClock } from "../../src/base/world.ts";
import { createIdentity, type Identity } from "../../src/identity/identity.ts";
import { DAY_MS } from "../../src/registry/grant.ts";
import { DEFAULT_LIMITS } from "../../src/registry/limits.ts";
import { LocalStore } from "../../src/registry/local-store.ts";
import type { RecordBody } from "../../src/registry/record.ts";
import type { Registration, RegistryStore } from "../../src/registry/store.ts";
import { describeSelf, SocketClock, temporaryFolder } from "./setting.ts";

const ann = await createIdentity();
const ben = await createIdentity();

/** The store does not look into the signed form: any text stands for it. */
function register(store: RegistryStore, who: Identity, more: Partial<RecordBody> & { name: string; since?: number }) {
  const { since, ...fields } = more;
  const body = { ...describeSelf(who, more.name), seq: 1, ttl: 3_600, ...fields };
  return store.register(body, `${who.id}/${body.name}/${body.seq}`, since);
}

async function opened(run: (store: RegistryStore, clock: SocketClock, folder: string) => Promise<void>) {
  await using folder = await temporaryFolder();
  const clock = new SocketClock();
  await using store = await LocalStore.open(folder.path, clock, DEFAULT_LIMITS);
  await run(store, clock, folder.path);
}

test("a name is the first one's who asks, also within one turn", () =>
  opened(async (store, clock) => {
    const [first, second] = await Promise.all([
      register(store, ann, { name: "fox" }),
      register(store, ben, { name: "fox" }),
    ]);
    expect(first).toMatchObject({ kind: "registered", since: clock.now() });
    expect(second).toEqual({ kind: "taken", holder: { id: ann.id, since: clock.now() } });
    expect(store.get(ben.id)).toBeUndefined();
  }));

test("a name outlives the process", async () => {
  await using folder = await temporaryFolder();
  const clock = new SocketClock();
  {
    await using store = await LocalStore.open(folder.path, clock, DEFAULT_LIMITS);
    await register(store, ann, { name: "fox" });
  }
  await clock.advance(5_000);
  await using store = await LocalStore.open(folder.path, clock, DEFAULT_LIMITS);
  expect(await register(store, ben, { name: "fox" })).toMatchObject({ kind: "taken", holder: { id: ann.id } });
  expect(await register(store, ann, { name: "fox", seq: 2 })).toMatchObject({ since: clock.now() - 5_000 });
});

test("a record with a lower number than the last is stale, and the last one is told; the same one again is fine", () =>
  opened(async (store) => {
    await register(store, ann, { name: "ann", seq: 7 });
    expect(await register(store, ann, { name: "fox", seq: 7 })).toEqual({ kind: "stale", last: `${ann.id}/ann/7` });
    expect(await register(store, ann, { name: "ann", seq: 6 })).toMatchObject({ kind: "stale" });
    expect(await register(store, ann, { name: "ann", seq: 7 })).toMatchObject({ kind: "registered" });
    expect(await register(store, ann, { name: "ann", seq: 8 })).toMatchObject({ kind: "registered" });
  }));

test("a name is kept through 90 counted days of disuse, and free after them", () =>
  opened(async (store, clock) => {
    await store.tick();
    const { stay } = (await register(store, ann, { name: "fox" })) as Extract<Registration, { kind: "registered" }>;
    await store.leave(ann.id, stay);
    for (let day = 0; day < 90; day++) {
      clock.jump(DAY_MS);
      await store.tick();
    }
    expect(await register(store, ben, { name: "fox" })).toMatchObject({ kind: "taken" });
    clock.jump(DAY_MS);
    await store.tick();
    expect(store.get(ann.id)).toBeUndefined();
    expect(await register(store, ben, { name: "fox" })).toMatchObject({ kind: "registered" });
  }));

test("a name in use stays, a jump of the clock counts one day, and going back counts none", () =>
  opened(async (store, clock) => {
    await store.tick();
    await register(store, ann, { name: "fox" });
    const { stay } = (await register(store, ben, { name: "hen" })) as Extract<Registration, { kind: "registered" }>;
    await store.leave(ben.id, stay);
    for (let jump = 0; jump < 45; jump++) {
      clock.jump(400 * DAY_MS);
      await store.tick();
      clock.jump(-400 * DAY_MS);
      await store.tick();
    }
    expect(store.get(ben.id)).toBeDefined();
    for (let day = 0; day < 60; day++) {
      clock.jump(DAY_MS);
      await store.tick();
    }
    expect(store.get(ben.id)).toBeUndefined();
    expect(store.get(ann.id)).toBeDefined();
  }));

test("where a grant shows that somebody had the name before its holder, it is that one's again", () =>
  opened(async (store, clock) => {
    await register(store, ben, { name: "fox" });
    expect(await register(store, ann, { name: "fox", since: clock.now() })).toMatchObject({ kind: "taken" });
    const since = clock.now() - 1;
    expect(await register(store, ann, { name: "fox", since })).toMatchObject({
      kind: "registered",
      since,
      displaced: ben.id,
    });
    expect(store.get(ben.id)).toBeUndefined();
    expect(await register(store, ben, { name: "fox", seq: 2 })).toEqual({
      kind: "taken",
      holder: { id: ann.id, since },
    });
  }));

test("a key may hold a few names, and no more", () =>
  opened(async (store) => {
    for (const [index, name] of ["a", "b", "c", "d"].entries()) {
      expect(await register(store, ann, { name, seq: index + 1 })).toMatchObject({ kind: "registered" });
    }
    expect(await register(store, ann, { name: "e", seq: 5 })).toMatchObject({ kind: "full" });
    expect(await register(store, ann, { name: "a", seq: 6 })).toMatchObject({ kind: "registered" });
  }));

test("a full registry takes no new name and goes on with those that it has", async () => {
  await using folder = await temporaryFolder();
  await using store = await LocalStore.open(folder.path, systemClock, { ...DEFAULT_LIMITS, maxNames: 1 });
  await register(store, ann, { name: "ann" });
  expect(await register(store, ben, { name: "ben" })).toMatchObject({ kind: "full" });
  expect(await register(store, ann, { name: "ann", seq: 2 })).toMatchObject({ kind: "registered" });
});

test("who left through an old stay and registered again is still online", () =>
  opened(async (store) => {
    const { stay } = (await register(store, ann, { name: "ann" })) as Extract<Registration, { kind: "registered" }>;
    await register(store, ann, { name: "ann" });
    await store.leave(ann.id, stay);
    expect(store.list({ online: true, limit: 9 })).toHaveLength(1);
  }));

test("lists are filtered, in the order of ids, and go on after any of them", () =>
  opened(async (store) => {
    const roll = { about: "", commands: [{ name: "roll", about: "", args: {} }] };
    const bots = await Promise.all([createIdentity(), createIdentity(), createIdentity()]);
    await Promise.all(bots.map((bot, n) => register(store, bot, { name: `bot${n}`, kind: "bot", card: roll })));
    await register(store, ann, { name: "ann" });
    const sorted = bots.map(({ id }) => id).sort();
    const ids = (query: Partial<Parameters<RegistryStore["list"]>[0]>) =>
      store.list({ limit: 9, ...query }).map(({ id }) => id);
    expect(ids({ kind: "bot" })).toEqual(sorted);
    expect(ids({ command: "roll" })).toEqual(sorted);
    expect(ids({ command: "sing" })).toEqual([]);
    expect(ids({ name: "ann" })).toEqual([ann.id]);
    expect(ids({ kind: "bot", limit: 2 })).toEqual(sorted.slice(0, 2));
    expect(ids({ kind: "bot", after: sorted[0] })).toEqual(sorted.slice(1));
    expect(ids({ online: false })).toEqual([]);
  }));

test("commands that a bot no longer has are no longer found", () =>
  opened(async (store) => {
    const roll = { about: "", commands: [{ name: "roll", about: "", args: {} }] };
    await register(store, ann, { name: "ann", card: roll });
    await register(store, ann, { name: "ann", seq: 2 });
    expect(store.list({ command: "roll", limit: 9 })).toEqual([]);
  }));

test("a damaged file and one of a newer Warren are said to be so, and left as they are", async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, "registry.sqlite");
  await writeFile(path, "not a database, though long enough to be looked at as one".repeat(40));
  expect(LocalStore.open(folder.path, systemClock, DEFAULT_LIMITS)).rejects.toMatchObject({
    code: "STORE_CORRUPT",
  });
  await using newer = await temporaryFolder();
  const db = new Database(join(newer.path, "registry.sqlite"), { create: true });
  db.run("PRAGMA user_version = 99");
  db.close();
  expect(LocalStore.open(newer.path, systemClock, DEFAULT_LIMITS)).rejects.toMatchObject({
    code: "STORE_NEWER",
  });
});

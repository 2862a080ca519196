/** Two processes of one registry, with their servers and real sessions, on journals in memory. */
import { expect, test } from "bun:test";
import { silentLog } from "../../src/base/log.ts";
import { createIdentity, type Identity } from "../../src/identity/identity.ts";
import { lookUp } from "../../src/registry/lookup.ts";
import type { Registry, RegistryOptions } from "../../src/registry/server.ts";
import { SharedDoor } from "../../src/registry/shared-door.ts";
import { SharedStore } from "../../src/registry/shared-store.ts";
import type { StoreOpener } from "../../src/registry/store.ts";
import { MemoryShare, type MemoryJournal } from "./memory-journal.ts";
import { makeRecord, openRegistry, RawSession, socketWorld, turnUntil } from "./setting.ts";

const identity = await createIdentity();
const ann = await createIdentity();
const ben = await createIdentity();
const annRecord = await makeRecord(ann, { name: "ann" });
const dan = await createIdentity();
const catRecord = await makeRecord(dan, { name: "cat" });
const benRecord = await makeRecord(ben, { name: "ben" });

interface Process extends AsyncDisposable {
  registry: Registry;
  journals: MemoryJournal[];
}

function cluster() {
  const world = socketWorld();
  const [directory, names, doors] = Array.from({ length: 3 }, () => new MemoryShare(world.clock));
  if (!directory || !names || !doors) throw new Error("no journals");
  const start = async (options: Partial<RegistryOptions> = {}): Promise<Process> => {
    const journals = [directory.journal(), names.journal(), doors.journal()] as const;
    const [own, theirs, door] = journals;
    const openStore: StoreOpener = (setting) =>
      SharedStore.open({ ...setting, directory: own, names: theirs, door, registry: identity.id });
    const registry = await openRegistry({ identity, openStore, world, ...options });
    return { registry, journals: [...journals], [Symbol.asyncDispose]: () => registry[Symbol.asyncDispose]() };
  };
  const pass = async (ms: number): Promise<void> => {
    for (let passed = 0; passed < ms; passed += 1_000) await world.clock.advance(1_000);
  };
  /** What its operator has, beside the processes. */
  const openDoor = async (): Promise<SharedDoor> => {
    const journal = doors.journal();
    const door = new SharedDoor({ journal, world, log: silentLog, holders: () => Promise.resolve([]) });
    await door.load();
    return door;
  };
  return { world, start, pass, directory, openDoor };
}

async function logIn({ registry }: Process, who: Identity, record: string, invite?: string) {
  const session = new RawSession(registry.url);
  const answer = await session.logIn(who, { record, invite });
  return { session, code: answer.t === "error" ? answer.code : answer.t };
}

async function watching({ registry }: Process, after?: string) {
  const session = new RawSession(registry.url);
  await session.logIn(ann, { record: annRecord });
  session.send({ t: "subscribe", after });
  const frames = await session.until("synced");
  return { session, kinds: frames.map(({ t }) => t), cursor: cursorIn(frames.at(-1)) };
}

function cursorIn(frame: object | undefined): string | undefined {
  return frame && "cursor" in frame ? String(frame.cursor) : undefined;
}

test("a cursor that one process gave goes on at another, and nothing is missed", async () => {
  const { start } = cluster();
  await using first = await start();
  await using second = await start();
  const { session, cursor } = await watching(first);
  session[Symbol.dispose]();
  using other = new RawSession(first.registry.url);
  await other.logIn(ben, { record: benRecord });
  const { session: again, kinds } = await watching(second, cursor);
  expect(kinds).toEqual(["peer", "synced"]); // ben, and no snapshot
  again[Symbol.dispose]();
});

test("a cursor goes on at a process that was started after it was given", async () => {
  const { start } = cluster();
  await using first = await start();
  using other = new RawSession(first.registry.url);
  await other.logIn(ben, { record: benRecord });
  const { session, cursor } = await watching(first);
  session[Symbol.dispose]();
  await using second = await start();
  const { session: again, kinds } = await watching(second, cursor);
  expect(kinds).toEqual(["synced"]);
  again[Symbol.dispose]();
});

test("of two sessions of one peer at two processes the newer is active, and the older is told why", async () => {
  const { start } = cluster();
  await using first = await start();
  await using second = await start();
  using older = new RawSession(first.registry.url);
  await older.logIn(ben, { record: benRecord });
  using newer = new RawSession(second.registry.url);
  expect(await newer.logIn(ben, { record: benRecord })).toMatchObject({ t: "welcome" });
  expect(await older.next()).toMatchObject({ t: "error", code: "TWO_INSTANCES" });
  using third = new RawSession(first.registry.url);
  expect(await third.logIn(ben, { record: benRecord, ifFree: true })).toMatchObject({ code: "TWO_INSTANCES" });
});

test("who moves from one process to another is never told as gone", async () => {
  const { start, pass } = cluster();
  await using first = await start();
  await using second = await start();
  const { session: watcher } = await watching(first);
  using older = new RawSession(first.registry.url);
  await older.logIn(ben, { record: benRecord });
  expect(await watcher.next()).toMatchObject({ t: "peer", online: true });
  older[Symbol.dispose]();
  using newer = new RawSession(second.registry.url);
  await newer.logIn(ben, { record: benRecord });
  await pass(20_000);
  watcher.send({ t: "ping" });
  expect(await watcher.next()).toEqual({ t: "pong" });
  watcher[Symbol.dispose]();
});

test("cut off from its store, a process says so, lets its peers go in time, and takes them again", async () => {
  const { start, pass } = cluster();
  await using first = await start();
  await using second = await start();
  using peer = new RawSession(first.registry.url);
  await peer.logIn(ben, { record: benRecord });
  for (const journal of first.journals) journal.cut();
  const { url } = first.registry;
  expect((await fetch(`${url}/readyz`)).status).toBe(503);
  expect(await (await fetch(`${url}/v1/registry`)).json()).toMatchObject({ stale: true });
  expect(await (await fetch(`${url}/v1/peers?name=ben`)).json()).toMatchObject({
    stale: true,
    peers: [{ online: true }],
  });
  using late = new RawSession(url);
  expect(await late.logIn(ann, { record: annRecord })).toMatchObject({ code: "REGISTRY_BUSY", after: 2_000 });
  await pass(20_000);
  expect(await peer.next()).toMatchObject({ t: "error", code: "REGISTRY_BUSY" });
  using moved = new RawSession(second.registry.url);
  expect(await moved.logIn(ben, { record: benRecord })).toMatchObject({ t: "welcome" });
  for (const journal of first.journals) journal.heal();
  await pass(3_000);
  expect((await fetch(`${url}/readyz`)).status).toBe(200);
  expect(await (await fetch(`${url}/v1/registry`)).json()).not.toHaveProperty("stale");
  using again = new RawSession(url);
  expect(await again.logIn(ann, { record: annRecord })).toMatchObject({ t: "welcome" });
});

test("who showed the older right to a name has it, and the other is told at whichever process it is", async () => {
  const { start, world } = cluster();
  await using first = await start();
  await using second = await start();
  const fox = await makeRecord(ann, { name: "fox" });
  const lost = cluster();
  await using elsewhere = await lost.start(); // the same registry, before it lost everything
  using before = new RawSession(elsewhere.registry.url);
  const welcome = await before.logIn(ann, { record: fox });
  if (welcome.t !== "welcome") throw new Error(`"${welcome.t}"`);
  world.clock.jump(60_000);
  using newer = new RawSession(first.registry.url);
  await newer.logIn(ben, { record: await makeRecord(ben, { name: "fox" }) });
  using older = new RawSession(second.registry.url);
  expect(await older.logIn(ann, { record: fox, grant: welcome.grant })).toMatchObject({ t: "welcome" });
  expect(await newer.next()).toMatchObject({ t: "error", code: "NAME_TAKEN" });
});

test("when a process dies, who comes back to another one was never gone, and who does not is told as gone", async () => {
  const { start, pass, world } = cluster();
  const first = await start();
  await using second = await start();
  const { session: watcher } = await watching(second);
  using cat = new RawSession(first.registry.url);
  await cat.logIn(dan, { record: catRecord });
  using peer = new RawSession(first.registry.url);
  await peer.logIn(ben, { record: benRecord });
  for (const journal of first.journals) journal.cut(); // nothing of its end comes through
  await turnUntil(world, Promise.resolve(first[Symbol.asyncDispose]()));
  using again = new RawSession(second.registry.url);
  await again.logIn(dan, { record: catRecord });
  const told: unknown[] = [];
  for (let passed = 0; passed < 90_000; passed += 10_000) {
    await pass(10_000);
    for (const session of [again, watcher]) session.send({ t: "ping" });
    for (const frame of await watcher.until("pong"))
      if (frame.t === "peer") told.push([frame.record === benRecord ? "ben" : "cat", frame.online]);
  }
  expect(told).toEqual([
    ["cat", true],
    ["ben", true],
    ["ben", false],
  ]);
  watcher[Symbol.dispose]();
});

test("when the store has lost what it kept of a peer, the peer is asked to log in again", async () => {
  const { start, directory } = cluster();
  await using first = await start();
  using peer = new RawSession(first.registry.url);
  await directory.forgetting(async () => {
    await peer.logIn(ben, { record: benRecord });
  });
  expect(await peer.next()).toMatchObject({ t: "error", code: "REGISTRY_BUSY" });
  using again = new RawSession(first.registry.url);
  expect(await again.logIn(ben, { record: benRecord })).toMatchObject({ t: "welcome" });
});

test("an invite for one key lets in one, though two processes see it in the same moment", async () => {
  const { start, openDoor } = cluster();
  await using first = await start({ isClosed: true });
  await using second = await start();
  await using door = await openDoor();
  expect([first.registry.isClosed, second.registry.isClosed]).toEqual([true, true]);
  expect((await logIn(second, ann, annRecord)).code).toBe("INVITE_NEEDED");
  for (let round = 0; round < 5; round++) {
    const { text } = await door.invite(identity.id, { label: "", uses: 1, validMs: 60_000 });
    const invite = text.split(".")[1];
    const [one, other] = await Promise.all([
      logIn(first, ann, annRecord, invite),
      logIn(second, ben, benRecord, invite),
    ]);
    expect([one.code, other.code].sort()).toEqual(["INVITE_INVALID", "welcome"]);
    const [winner, elsewhere] = one.code === "welcome" ? [ann, second] : [ben, first];
    const record = winner === ann ? annRecord : benRecord;
    expect((await logIn(elsewhere, winner, record)).code).toBe("welcome"); // it is known everywhere now
    await door.disallow(winner.id);
  }
});

test("a blocked key is sent away by whichever process has it, and neither shown nor let in by any", async () => {
  const { start, openDoor, pass } = cluster();
  await using first = await start();
  await using second = await start();
  await using door = await openDoor();
  const { session } = await logIn(second, ben, benRecord);
  const { session: watcher } = await watching(first);
  await door.block(ben.id);
  await pass(1_000);
  expect((await session.until("error")).at(-1)).toMatchObject({ code: "KEY_BLOCKED" });
  expect(await watcher.next()).toMatchObject({ t: "peer", online: false, record: benRecord });
  for (const process of [first, second]) {
    expect((await logIn(process, ben, benRecord)).code).toBe("KEY_BLOCKED");
    expect((await lookUp(process.registry.url)).entries.map(({ name }) => name)).toEqual(["ann"]);
  }
  await door.unblock(ben.id);
  expect((await logIn(first, ben, benRecord)).code).toBe("welcome");
  watcher[Symbol.dispose]();
});

test("a process that has not heard of a block yet has its session to itself, and says why itself", async () => {
  const { start, openDoor, pass } = cluster();
  await using first = await start();
  await using second = await start();
  await using door = await openDoor();
  const { session } = await logIn(second, ben, benRecord);
  second.journals[2]?.deafen();
  await door.block(ben.id);
  await pass(2_000);
  session.send({ t: "ping" });
  expect(await session.next()).toEqual({ t: "pong" });
  expect((await logIn(first, ben, benRecord)).code).toBe("KEY_BLOCKED");
});

test("a key that was blocked while no process ran is not online in the next one", async () => {
  const { start, openDoor, pass, world } = cluster();
  const before = await start();
  await logIn(before, ben, benRecord);
  await turnUntil(world, Promise.resolve(before[Symbol.asyncDispose]()));
  await using door = await openDoor();
  await door.block(ben.id);
  await using after = await start();
  await pass(1_000);
  expect(await (await fetch(`${after.registry.url}/v1/registry`)).json()).toMatchObject({ online: 0 });
});

test("cut off from its store, a closed process asks those with an invite to come again, and loses none", async () => {
  const { start, openDoor } = cluster();
  await using first = await start({ isClosed: true });
  await using door = await openDoor();
  const { text } = await door.invite(identity.id, { label: "", uses: 1, validMs: 60_000 });
  const invite = text.split(".")[1];
  for (const journal of first.journals) journal.cut();
  using session = new RawSession(first.registry.url);
  expect(await session.logIn(ben, { record: benRecord, invite })).toMatchObject({
    code: "REGISTRY_BUSY",
    after: 2_000,
  });
  for (const journal of first.journals) journal.heal();
  expect((await logIn(first, ben, benRecord, invite)).code).toBe("welcome");
});

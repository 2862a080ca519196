import { expect, test } from "bun:test";
import { createIdentity } from "../../src/identity/identity.ts";
import { silentLog } from "../../src/base/log.ts";
import { RegistryCore } from "../../src/registry/core.ts";
import { DEFAULT_LIMITS } from "../../src/registry/limits.ts";
import { LocalDoor } from "../../src/registry/local-door.ts";
import { LocalStore } from "../../src/registry/local-store.ts";
import { keepInvite, keptInvite } from "../../src/registry/memory.ts";
import { lookUp } from "../../src/registry/lookup.ts";
import type { RegistryOptions } from "../../src/registry/server.ts";
import { makeRecord, openRegistry, RawSession, socketWorld, temporaryFolder, watchedClient } from "./setting.ts";

const ann = await createIdentity();
const ben = await createIdentity();
const annRecord = await makeRecord(ann, { name: "ann" });
const benRecord = await makeRecord(ben, { name: "ben" });
const day = { label: "for tests", uses: 1, validMs: 86_400_000 };

/** A registry, and the door that its operator has in another process. */
async function closable(options: Partial<RegistryOptions> = {}) {
  const folder = await temporaryFolder();
  const world = socketWorld();
  const registry = await openRegistry({ folder: folder.path, world, ...options });
  const door = await LocalDoor.open(folder.path, world);
  return {
    registry,
    door,
    world,
    folder: folder.path,
    logIn: async (who: typeof ann, record: string, invite?: string) => {
      const session = new RawSession(registry.url);
      const answer = await session.logIn(who, { record, invite });
      return { session, answer, code: answer.t === "error" ? answer.code : answer.t };
    },
    names: async () => (await lookUp(registry.url)).entries.map(({ name }) => name).sort(),
    async [Symbol.asyncDispose]() {
      await registry[Symbol.asyncDispose]();
      await door[Symbol.asyncDispose]();
      await folder[Symbol.asyncDispose]();
    },
  };
}

const secretOf = (text: string): string => text.split(".")[1] ?? "";

test("a closed registry lets a new key in with an invite, once, and never asks it again", async () => {
  await using place = await closable({ isClosed: true });
  const { door, registry, logIn } = place;
  expect(registry.isClosed).toBe(true);
  expect(await logIn(ann, annRecord)).toMatchObject({ code: "INVITE_NEEDED", answer: { after: 60_000 } });
  const invite = secretOf((await door.invite(registry.id, day)).text);
  expect((await logIn(ann, annRecord, `${invite.slice(1)}x`)).code).toBe("INVITE_INVALID");
  expect((await logIn(ann, annRecord, invite)).code).toBe("welcome");
  expect((await logIn(ann, annRecord)).code).toBe("welcome");
  expect((await logIn(ben, benRecord, invite)).code).toBe("INVITE_INVALID"); // it was for one
  expect(door.members()).toMatchObject([{ id: ann.id, by: "invite for tests" }]);
  expect(door.invites()).toMatchObject([{ used: 1, uses: 1 }]);
});

test("an invite that has expired or was revoked lets nobody in, and who came with it stays", async () => {
  await using place = await closable({ isClosed: true });
  const { door, registry, logIn, world } = place;
  const made = await door.invite(registry.id, { ...day, uses: 2 });
  expect((await logIn(ann, annRecord, secretOf(made.text))).code).toBe("welcome");
  expect([await door.revoke(made.id), await door.revoke(made.id)]).toEqual([true, false]);
  expect((await logIn(ben, benRecord, secretOf(made.text))).code).toBe("INVITE_INVALID");
  expect((await logIn(ann, annRecord)).code).toBe("welcome");
  const late = await door.invite(registry.id, { ...day, validMs: 1_000 });
  await world.clock.advance(1_000);
  expect((await logIn(ben, benRecord, secretOf(late.text))).code).toBe("INVITE_INVALID");
});

test("what is kept of an invite lets nobody in", async () => {
  await using place = await closable({ isClosed: true });
  const { door, registry } = place;
  const secret = secretOf((await door.invite(registry.id, day)).text);
  expect(JSON.stringify(door.invites())).not.toContain(secret);
  await using folder = await temporaryFolder();
  const copy = `${folder.path}/copy.sqlite`;
  const { copyDatabase } = await import("../../src/registry/store-copy.ts");
  copyDatabase(`${place.folder}/registry.sqlite`, copy);
  expect(Buffer.from(await Bun.file(copy).bytes()).includes(secret)).toBe(false);
});

test("when a registry is closed, those who hold names go on as before; opened again, everybody may come", async () => {
  await using place = await closable();
  const { door, registry, logIn } = place;
  expect((await logIn(ann, annRecord)).code).toBe("welcome");
  await door.close();
  expect(registry.isClosed).toBe(true);
  expect((await logIn(ann, annRecord)).code).toBe("welcome");
  expect((await logIn(ben, benRecord)).code).toBe("INVITE_NEEDED");
  await door.open();
  expect((await logIn(ben, benRecord)).code).toBe("welcome");
});

test("a key that is allowed needs no invite; one that is taken off the list is sent away", async () => {
  await using place = await closable({ isClosed: true });
  const { door, logIn, world } = place;
  await door.allow(ann.id);
  const { session, code } = await logIn(ann, annRecord);
  expect(code).toBe("welcome");
  expect(await door.disallow(ann.id)).toBe(true);
  await world.clock.advance(1_000);
  expect((await session.until("error")).at(-1)).toMatchObject({ code: "INVITE_NEEDED" });
});

test("a blocked key is sent away at once, is shown to nobody, and gets nothing by coming back", async () => {
  await using place = await closable();
  const { door, logIn, names, world } = place;
  const { session } = await logIn(ann, annRecord);
  await logIn(ben, benRecord);
  const watcher = new RawSession(place.registry.url);
  await watcher.logIn(ben, { record: benRecord });
  watcher.send({ t: "subscribe" });
  await watcher.until("synced");
  await door.block(ann.id);
  await world.clock.advance(1_000);
  expect((await session.until("error")).at(-1)).toMatchObject({ code: "KEY_BLOCKED" });
  expect(await watcher.next()).toMatchObject({ t: "peer", online: false, record: annRecord });
  expect(await names()).toEqual(["ben"]);
  expect((await logIn(ann, annRecord)).code).toBe("KEY_BLOCKED");
  await door.unblock(ann.id);
  expect((await logIn(ann, annRecord)).code).toBe("welcome");
  expect(await names()).toEqual(["ann", "ben"]);
});

test("a key that was blocked while no registry ran is not online in the next one", async () => {
  await using folder = await temporaryFolder();
  const world = socketWorld();
  const first = await openRegistry({ folder: folder.path, world });
  await new RawSession(first.url).logIn(ann, { record: annRecord });
  await first[Symbol.asyncDispose]();
  await using door = await LocalDoor.open(folder.path, world);
  await door.block(ann.id);
  await using second = await openRegistry({ folder: folder.path, world });
  const about = (await (await fetch(`${second.url}/v1/registry`)).json()) as { online: number };
  expect(about.online).toBe(0);
  await door.unblock(ann.id);
  expect((await lookUp(second.url)).entries).toMatchObject([{ name: "ann", online: false }]);
  expect(await (await fetch(`${second.url}/v1/peers?online=true`)).json()).toMatchObject({ peers: [] });
});

test("a peer remembers an invite until it is in, and shows it to no other registry", async () => {
  await using place = await closable({ isClosed: true });
  await using other = await openRegistry({ isClosed: true });
  const memory = new Map<string, string>();
  keepInvite(memory, (await place.door.invite(place.registry.id, day)).text);
  {
    await using elsewhere = await watchedClient({ url: other.url, name: "ann", identity: ann, memory });
    await elsewhere.until("notice INVITE_NEEDED"); // and not INVITE_INVALID: nothing was shown
    expect(keptInvite(memory, place.registry.id)).toBeString();
  }
  await using client = await watchedClient({ url: place.registry.url, name: "ann", identity: ann, memory });
  await client.until("connected");
  expect(keptInvite(memory, place.registry.id)).toBeUndefined();
});

test("an invite that lets nobody in is forgotten", async () => {
  await using place = await closable({ isClosed: true });
  const memory = new Map<string, string>();
  const made = await place.door.invite(place.registry.id, day);
  keepInvite(memory, made.text);
  await place.door.revoke(made.id);
  await using client = await watchedClient({ url: place.registry.url, name: "ann", identity: ann, memory });
  await client.until("notice INVITE_INVALID");
  expect(keptInvite(memory, place.registry.id)).toBeUndefined();
  expect(() => keepInvite(memory, "half of one")).toThrow(expect.objectContaining({ code: "INVITE_INVALID" }));
});

test("who was blocked while its login was under way is not let in by it", async () => {
  await using folder = await temporaryFolder();
  const world = socketWorld();
  await using store = await LocalStore.open(folder.path, world, DEFAULT_LIMITS);
  const identity = await createIdentity();
  const core = new RegistryCore({ identity, store, world, log: silentLog, limits: DEFAULT_LIMITS });
  await core.resume();
  const admission = core.admit({ id: ann.id, record: annRecord }, { dismiss() {}, renew() {} });
  await store.door.block(ann.id); // the session had asked before
  expect(await admission).toMatchObject({ kind: "refused", error: { code: "KEY_BLOCKED" } });
  expect(core.roster.size).toBe(0);
});

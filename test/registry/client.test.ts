import { expect, test } from "bun:test";
import { createIdentity } from "../../src/identity/identity.ts";
import { createLog } from "../../src/base/log.ts";
import { signChallenge } from "../../src/registry/proof.ts";
import { lastSeq, pinnedKey } from "../../src/registry/memory.ts";
import { openRecord } from "../../src/registry/record.ts";
import { HostileRegistry, tellNobody } from "./hostile-registry.ts";
import {
  describeSelf,
  openRegistry,
  RawSession,
  makeRecord,
  socketWorld,
  temporaryFolder,
  turnUntil,
  watchedClient,
} from "./setting.ts";

test("two clients find each other, and a goodbye is told at once", async () => {
  const world = socketWorld();
  await using registry = await openRegistry({ world });
  await using ann = await watchedClient({ url: registry.url, name: "ann", world });
  {
    await using ben = await watchedClient({ url: registry.url, name: "ben", world });
    await Promise.all([ann.until("online ben"), ben.until("online ann"), ben.until("connected")]);
    expect([...ben.client.entries()]).toMatchObject([{ name: "ann", online: true, id: ann.identity.id }]);
    expect(ben.client.isConnected).toBe(true);
  }
  await ann.until("offline ben");
  expect([...ann.client.entries()]).toMatchObject([{ name: "ben", online: false }]);
  expect(ann.client.refused).toBe(0);
});

test("of two who want one name at once, one has it, and the other is told", async () => {
  const world = socketWorld();
  await using registry = await openRegistry({ world });
  await using first = await watchedClient({ url: registry.url, name: "fox", world });
  await using second = await watchedClient({ url: registry.url, name: "fox", world });
  const [winner, loser] = await Promise.race([
    first.until("notice NAME_TAKEN").then(() => [second, first] as const),
    second.until("notice NAME_TAKEN").then(() => [first, second] as const),
  ]);
  await winner.until("connected");
  expect(loser.told).toEqual(["notice NAME_TAKEN", "disconnected"]);
  loser.client.announce(describeSelf(loser.identity, "hen"));
  await Promise.all([loser.until("connected"), winner.until("online hen")]);
});

test("a changed announcement reaches the others, however often it changes in a moment, as one record", async () => {
  const world = socketWorld();
  await using registry = await openRegistry({ world });
  await using ann = await watchedClient({ url: registry.url, name: "ann", world });
  await using ben = await watchedClient({ url: registry.url, name: "ben", world });
  await Promise.all([ann.until("connected"), ben.until("online ann")]);
  const before = lastSeq(ann.memory, ann.identity.id);
  for (const about of ["one", "two", "three"]) {
    ann.client.announce(describeSelf(ann.identity, "ann", { card: { about, commands: [] } }));
  }
  const changed = new Promise<string>((resolve) => ben.client.on("online", ({ card }) => resolve(card.about)));
  await world.clock.advance(100);
  expect(await changed).toBe("three");
  expect(lastSeq(ann.memory, ann.identity.id)).toBe(before + 1);
});

test("after a restart of the registry everybody is back, and nobody was told that anybody went", async () => {
  await using folder = await temporaryFolder();
  const world = socketWorld();
  const registry = await openRegistry({ folder: folder.path, world });
  await using ann = await watchedClient({ url: registry.url, name: "ann", world });
  await using ben = await watchedClient({ url: registry.url, name: "ben", world });
  await Promise.all([ann.until("online ben"), ben.until("connected"), ann.until("connected")]);
  await registry[Symbol.asyncDispose]();
  await Promise.all([ann.until("disconnected"), ben.until("disconnected")]);
  ann.told.length = ben.told.length = 0;
  await using _ = await openRegistry({ folder: folder.path, world, port: registry.port });
  await turnUntil(world, Promise.all([ann.until("connected"), ben.until("connected")]));
  expect(ann.told).toEqual(["connected"]);
});

test("a client whose memory was lost goes on above its last record", async () => {
  const world = socketWorld();
  await using registry = await openRegistry({ world });
  const identity = await createIdentity();
  {
    using session = new RawSession(registry.url);
    await session.logIn(identity, { record: await makeRecord(identity, { name: "ann", seq: 41 }) });
  }
  await using ann = await watchedClient({ url: registry.url, name: "ann", identity, world });
  await turnUntil(world, ann.until("connected"));
  expect(lastSeq(ann.memory, identity.id)).toBe(42);
  expect(ann.told).not.toContain("notice RECORD_STALE");
});

test("a registry with another key than before is not used, unless that is accepted", async () => {
  const world = socketWorld();
  const registry = await openRegistry({ world });
  const memory = new Map<string, string>();
  const identity = await createIdentity();
  {
    await using ann = await watchedClient({ url: registry.url, name: "ann", identity, memory, world });
    await ann.until("connected");
  }
  await registry[Symbol.asyncDispose]();
  await using other = await openRegistry({ world, port: registry.port });
  {
    await using ann = await watchedClient({ url: registry.url, name: "ann", identity, memory, world });
    await ann.until("notice REGISTRY_CHANGED");
    expect(pinnedKey(memory, registry.url)).toBe(registry.id);
    expect(ann.client.find({})).rejects.toMatchObject({ code: "REGISTRY_CHANGED" });
  }
  await using ann = await watchedClient({
    url: registry.url,
    name: "ann",
    identity,
    memory,
    world,
    acceptNewKey: true,
  });
  await ann.until("connected");
  expect(ann.told).toEqual(["notice REGISTRY_CHANGED", "connected"]);
  expect(pinnedKey(memory, registry.url)).toBe(other.id);
});

test("something that is no registry is said to be so, and nobody at all is waited for", async () => {
  const world = socketWorld();
  await using registry = await openRegistry({ world });
  const server = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: () => new Response("<h1>a printer</h1>") });
  {
    await using ann = await watchedClient({ url: `127.0.0.1:${server.port}`, name: "ann", world });
    await ann.until("notice REGISTRY_UNUSABLE");
  }
  await server.stop(true);
  await using ann = await watchedClient({ url: `127.0.0.1:${server.port}`, name: "ann", world });
  await ann.until("disconnected");
  expect(ann.told).toEqual(["disconnected"]);
  expect(ann.client.find({ name: "ben" })).rejects.toMatchObject({ code: "REGISTRY_UNREACHABLE" });
  expect(registry.port).not.toBe(server.port);
});

test("the older of two processes with one key steps back, and comes in again when the newer one has gone", async () => {
  const world = socketWorld();
  await using registry = await openRegistry({ world });
  const identity = await createIdentity();
  const memory = new Map<string, string>();
  const refused = Promise.withResolvers<void>();
  const log = createLog("older", (_level, _source, text) => text.includes("goes first") && refused.resolve());
  await using older = await watchedClient({ url: registry.url, name: "ann", identity, memory, world, log });
  await older.until("connected");
  {
    await using newer = await watchedClient({ url: registry.url, name: "ann", identity, memory, world });
    await newer.until("connected");
    await older.until("notice TWO_INSTANCES");
    await turnUntil(world, refused.promise);
    expect(newer.client.isConnected).toBe(true);
    expect(newer.told).toEqual(["connected"]);
  }
  older.told.length = 0;
  await turnUntil(world, older.until("connected"));
});

test("a registry that never says a word is given up in time", async () => {
  const world = socketWorld();
  const server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    fetch: (request, self) => (self.upgrade(request) ? undefined : new Response(null, { status: 400 })),
    websocket: { message() {} }, // never even a challenge
  });
  {
    await using ann = await watchedClient({ url: `http://127.0.0.1:${server.port}`, name: "ann", world });
    await world.clock.advance(9_999);
    expect(ann.told).toEqual([]);
    await world.clock.advance(1);
    await ann.until("disconnected");
  }
  await server.stop(true);
});

test("a card that is too large costs its commands, not the registration", async () => {
  const world = socketWorld();
  await using registry = await openRegistry({ world });
  await using ann = await watchedClient({ url: registry.url, name: "ann", world });
  await ann.until("connected");
  const card = { about: "all", commands: [{ name: "x", about: "y".repeat(301), args: {} }] };
  ann.client.announce(describeSelf(ann.identity, "ann", { card }));
  await world.clock.advance(100);
  await ann.until("notice RECORD_INVALID");
  await using ben = await watchedClient({ url: registry.url, name: "ben", world });
  await ben.until("online ann");
  expect([...ben.client.entries()][0]?.card).toEqual({ about: "all", commands: [] });
});

test("nothing is sent before the first announcement, and closing twice is harmless", async () => {
  const world = socketWorld();
  await using registry = await openRegistry({ world });
  await using ann = await watchedClient({ url: registry.url, name: "ann", world });
  await ann.until("connected");
  await ann.client[Symbol.asyncDispose]();
  await ann.client[Symbol.asyncDispose]();
  expect(ann.told).toEqual(["connected"]);
  const { peers } = (await (await fetch(`${registry.url}/v1/peers?online=true`)).json()) as { peers: unknown[] };
  expect(peers).toEqual([]);
});

test("a challenge that was made for another connection is not answered", async () => {
  const world = socketWorld();
  const key = await createIdentity();
  const old = { registry: key.id, nonce: "n".repeat(32), dialled: "o".repeat(32) };
  const challenge = await signChallenge(old, key.privateKey);
  const heard: string[] = [];
  const server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    fetch: (request, self) => (self.upgrade(request) ? undefined : new Response(null, { status: 400 })),
    websocket: {
      open: (socket) => void socket.send(JSON.stringify({ t: "challenge", challenge })),
      message: (_socket, text) => void heard.push(String(text)),
    },
  });
  {
    await using ann = await watchedClient({ url: `http://127.0.0.1:${server.port}`, name: "ann", world });
    await ann.until("notice REGISTRY_UNUSABLE");
  }
  await server.stop(true);
  expect(heard).toEqual([]);
});

test("one that hangs up and is back within the grace period was never seen to go", async () => {
  const world = socketWorld();
  await using registry = await openRegistry({ world });
  await using ann = await watchedClient({ url: registry.url, name: "ann", world });
  const first = await watchedClient({ url: registry.url, name: "ben", world });
  await Promise.all([ann.until("online ben"), first.until("connected")]);
  await first.client.hangUp();
  const { identity, memory } = first;
  await using next = await watchedClient({ url: registry.url, name: "ben", world, identity, memory });
  await next.until("connected");
  for (let second = 0; second < 20; second++) await world.clock.advance(1_000);
  expect(ann.told).not.toContain("offline ben");
  await next.client.hangUp();
  const gone = ann.until("offline ben");
  for (let second = 0; second < 20; second++) await world.clock.advance(1_000);
  await gone;
});

test("where the registry sees the peer answer is published; where it does not, that is told", async () => {
  const world = socketWorld();
  const seen = "198.51.100.7";
  await using registry = await HostileRegistry.open({
    login: (victim, frame) => victim.registry.welcome(victim, frame, { seen }),
    subscribe(victim) {
      victim.say({ t: "reachable", reachable: "yes", port: 9_278 });
      tellNobody(victim);
    },
  });
  await using ann = await watchedClient({ url: registry.url, name: "ann", world });
  await ann.until("connected");
  expect(ann.client.reachable).toBe("yes");
  await world.clock.advance(100);
  await turnUntil(world, registry.until("record"));
  const record = registry.heard.find(({ t }) => t === "record");
  const { addresses } = await openRecord(record?.t === "record" ? record.record : "");
  expect(addresses).toEqual([
    { host: "127.0.0.1", port: 9_278 },
    { host: seen, port: 9_278 },
  ]);
  await using closed = await HostileRegistry.open({
    login: (victim, frame) => victim.registry.welcome(victim, frame, { seen }),
    subscribe: (victim) => victim.say({ t: "reachable", reachable: "no", port: 9_278 }),
  });
  await using ben = await watchedClient({ url: closed.url, name: "ben", world });
  await ben.until("notice NOT_REACHABLE");
  expect(ben.client.reachable).toBe("no");
});

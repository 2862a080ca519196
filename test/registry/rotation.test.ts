import { expect, test } from "bun:test";
import { createIdentity } from "../../src/identity/identity.ts";
import { RegistryClient } from "../../src/registry/client.ts";
import { pinnedKey } from "../../src/registry/memory.ts";
import { Rotation } from "../../src/registry/rotation.ts";
import { HostileRegistry } from "./hostile-registry.ts";
import { openRegistry, socketWorld, turnUntil, type SocketWorld, watchedClient } from "./setting.ts";

const NOWHERE = "http://127.0.0.1:1";

/** So many seconds pass, in each of which the registry has time to answer. */
async function live(world: SocketWorld, url: string, seconds: number): Promise<void> {
  for (let second = 0; second < seconds; second++) {
    await world.clock.advance(1_000);
    await fetch(`${url}/healthz`);
  }
}

test("each has its turn, and the last good one goes first next time", () => {
  const memory = new Map<string, string>();
  const urls = ["http://a", "http://b", "http://c"];
  const first = new Rotation(urls, memory);
  expect(first.current).toBe("http://a");
  expect(first.settle()).toBeUndefined();
  first.turn();
  first.turn();
  expect(first.settle()).toBe("http://a");
  expect(first.settle()).toBeUndefined();
  expect(new Rotation(urls, memory).current).toBe("http://c");
  expect(new Rotation(["http://b", "http://d"], memory).current).toBe("http://b"); // the good one is not wanted any more
  first.turn();
  expect(first.current).toBe("http://a");
});

test("where the first is not there, the next is used and remembered; that is told, and no silence", async () => {
  const world = socketWorld();
  await using registry = await openRegistry({ world });
  const [identity, memory] = [await createIdentity(), new Map<string, string>()];
  const url = `${NOWHERE},${registry.url}`;
  {
    await using ann = await watchedClient({ url, name: "ann", identity, memory, world });
    await turnUntil(world, ann.until("connected"));
    expect(ann.told).toEqual(["notice REGISTRY_MOVED", "connected"]);
    expect(ann.client.url).toBe(registry.url);
  }
  await using again = await watchedClient({ url, name: "ann", identity, memory, world });
  expect(again.client.url).toBe(registry.url);
  await turnUntil(world, again.until("connected"));
  expect(again.told).toEqual(["connected"]);
});

test("a client whose registry dies is at the next one without any wait but the random one, and stays when the first is back", async () => {
  const world = socketWorld(); // the random waits, of 250 ms at most, are of no time here
  const first = await openRegistry({ world });
  await using second = await openRegistry({ world });
  const url = `${first.url},${second.url}`;
  await using ann = await watchedClient({ url, name: "ann", world });
  await ann.until("connected");
  expect(ann.client.url).toBe(first.url);
  await live(world, first.url, 20); // a good session
  await first[Symbol.asyncDispose]();
  await ann.until("disconnected");
  ann.told.length = 0;
  await turnUntil(world, ann.until("connected"));
  await using _ = await openRegistry({ world, port: first.port });
  await live(world, second.url, 60);
  expect(ann.client.url).toBe(second.url);
  expect(ann.told).toEqual(["notice REGISTRY_MOVED", "connected"]);
});

test("who moves to the next registry does not say of the others that they went: they have ten seconds to come, too", async () => {
  const world = socketWorld();
  const first = await openRegistry({ world });
  await using second = await openRegistry({ world });
  await using ann = await watchedClient({ url: `${first.url},${second.url}`, name: "ann", world });
  await using ben = await watchedClient({ url: first.url, name: "ben", world }); // has no other
  await Promise.all([ann.until("online ben"), ann.until("connected"), ben.until("connected")]);
  await first[Symbol.asyncDispose]();
  await ann.until("disconnected");
  ann.told.length = 0;
  await turnUntil(world, ann.until("connected"));
  await live(world, second.url, 9);
  expect(ann.told).not.toContain("offline ben");
  await live(world, second.url, 1);
  expect(ann.told).toContain("offline ben");
});

test("one of several that takes the call and says nothing is given up within six seconds", async () => {
  const world = { ...socketWorld(), random: () => 0 };
  const mute = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: () => new Promise<Response>(() => {}) });
  await using registry = await openRegistry({ world });
  await using ann = await watchedClient({ url: `127.0.0.1:${mute.port},${registry.url}`, name: "ann", world });
  const connected = ann.until("connected");
  for (let ms = 0; ms < 6_000; ms += 100) await world.clock.advance(100);
  await turnUntil(world, connected);
  await mute.stop(true);
});

test("one of several that vanishes without a word is missed after 12 seconds, not after its lease", async () => {
  const world = socketWorld();
  await using silent = await HostileRegistry.open({ ping() {} });
  await using other = await openRegistry({ world });
  await using ann = await watchedClient({ url: `${silent.url},${other.url}`, name: "ann", world });
  await ann.until("connected");
  for (let seconds = 0; seconds < 11; seconds++) await world.clock.advance(1_000);
  expect(ann.told).toEqual(["connected"]);
  for (let seconds = 0; seconds < 5; seconds++) await world.clock.advance(1_000);
  await ann.until("disconnected");
});

test("a look-up waits two seconds at most for one of several that does not answer", async () => {
  const world = socketWorld();
  await using registry = await openRegistry({ world });
  const asked = Promise.withResolvers<void>();
  await using mute = await HostileRegistry.open({
    asked() {
      asked.resolve();
      return new Promise<Response>(() => {});
    },
  });
  await using ben = await watchedClient({ url: registry.url, name: "ben", world });
  await ben.until("connected");
  const identity = await createIdentity();
  const ann = new RegistryClient({ url: `${mute.url},${registry.url}`, identity, memory: new Map(), world });
  const found = ann.find({ name: "ben" });
  await asked.promise;
  for (let n = 0; n < 5; n++) await fetch(`${registry.url}/v1/peers?name=ben`); // by now the one that answers has
  await world.clock.advance(2_000);
  expect(await found).toMatchObject([{ id: ben.identity.id }]);
});

test("a name that is taken is told, and not asked for elsewhere", async () => {
  const world = socketWorld();
  await using first = await openRegistry({ world });
  await using second = await HostileRegistry.open();
  await using ann = await watchedClient({ url: first.url, name: "ann", world });
  await ann.until("connected");
  await using other = await watchedClient({ url: `${first.url},${second.url}`, name: "ann", world });
  await other.until("disconnected");
  for (let n = 0; n < 20; n++) await world.clock.advance(10);
  expect(other.told).toEqual(["notice NAME_TAKEN", "disconnected"]);
  expect(second.dials).toBe(0);
});

test("each registry's key is known apart; one with another key than before is left for the next", async () => {
  const world = socketWorld();
  const first = await openRegistry({ world });
  await using second = await openRegistry({ world });
  const [identity, memory] = [await createIdentity(), new Map<string, string>()];
  const about = { url: `${first.url},${second.url}`, name: "ann", identity, memory, world };
  {
    await using ann = await watchedClient(about);
    await ann.until("connected");
  }
  await first[Symbol.asyncDispose]();
  await using _ = await openRegistry({ world, port: first.port });
  await using ann = await watchedClient(about);
  await turnUntil(world, ann.until("connected"));
  expect(ann.told).toEqual(["notice REGISTRY_CHANGED", "notice REGISTRY_MOVED", "connected"]);
  expect([pinnedKey(memory, first.url), pinnedKey(memory, second.url)]).toEqual([first.id, second.id]);
});

test("who is at another of the registries is found: where online, else by whom is listed first", async () => {
  const world = socketWorld();
  await using first = await openRegistry({ world });
  await using second = await openRegistry({ world });
  const [ben, fox, other] = [await createIdentity(), await createIdentity(), await createIdentity()];
  {
    await using hare = await watchedClient({ url: first.url, name: "ben", identity: ben, world });
    await using hen = await watchedClient({ url: first.url, name: "fox", identity: fox, world });
    await Promise.all([hare.until("connected"), hen.until("connected")]);
  }
  await using moved = await watchedClient({ url: second.url, name: "ben", identity: ben, world });
  await using foreign = await watchedClient({ url: second.url, name: "fox", identity: other, world });
  await using ann = await watchedClient({ url: `${first.url},${second.url}`, name: "ann", world });
  await Promise.all([moved, foreign, ann].map((one) => one.until("connected")));
  expect(await ann.client.find({ name: "ben" })).toMatchObject([{ id: ben.id, online: true }]);
  expect(await ann.client.find({ name: "fox" })).toMatchObject([{ id: fox.id, online: false }]);
  expect((await ann.client.find({})).map(({ name }) => name).sort()).toEqual(["ann", "ben", "fox"]);
  await using alone = await watchedClient({ url: `${NOWHERE},http://127.0.0.1:2`, name: "alone", world });
  expect(await alone.client.find({}).catch((error: unknown) => error)).toMatchObject({ code: "REGISTRY_UNREACHABLE" });
  expect(alone.client.isOneOfSeveral).toBe(true);
});

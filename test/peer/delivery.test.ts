import { afterEach, beforeEach, expect, test } from "bun:test";
import { cp, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { WarrenError } from "../../src/base/errors.ts";
import type { Peer } from "../../src/peer/peer.ts";
import { createBurrow, hear, lines, type Burrow } from "./burrow.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "warren-delivery-"));
});
afterEach(() => rm(folder, { recursive: true }));

const path = (name: string): string => join(folder, `${name}.db`);

async function close(burrow: Burrow, peer: Peer): Promise<void> {
  const closed = peer.close();
  await burrow.settle(100);
  await burrow.world.clock.advance(10);
  await closed;
}

async function sendAll(burrow: Burrow, peer: Peer, to: string, texts: string[]): Promise<void> {
  const sending = Promise.all(texts.map((text) => peer.send(to, text)));
  await burrow.settle();
  await sending;
}

const numbered = (from: number, to: number): string[] =>
  Array.from({ length: to - from + 1 }, (_, i) => `m${from + i}`);

test("what is sent to a peer that is off arrives when it comes back, once, in order", async () => {
  await using burrow = createBurrow();
  const ann = await burrow.open("ann");
  let bob = await burrow.open("bob", { path: path("bob"), port: 7 });
  await burrow.introduce(ann, bob);
  await close(burrow, bob);
  await sendAll(burrow, ann, "bob", numbered(1, 50));
  expect((await ann.history("bob")).every(({ state }) => state === "queued")).toBe(true);
  bob = await burrow.open("bob", { path: path("bob"), port: 7 });
  const heard = hear(bob);
  await burrow.world.clock.advance(31_000); // the longest pause between two attempts
  expect(heard).toEqual(numbered(1, 50));
  expect((await ann.history("bob")).every(({ state }) => state === "handled")).toBe(true);
});

test("a sender that restarts goes on with what it had promised", async () => {
  await using burrow = createBurrow();
  let ann = await burrow.open("ann", { path: path("ann") });
  const bob = await burrow.open("bob", { port: 7 });
  await burrow.introduce(ann, bob);
  const heard = hear(bob);
  await sendAll(burrow, ann, "bob", ["first"]);
  burrow.network.cut();
  const sent = await Promise.all([ann.send("bob", "kept"), burrow.world.clock.settle()]).then(([one]) => one);
  await close(burrow, ann);
  ann = await burrow.open("ann", { path: path("ann") });
  await burrow.world.clock.advance(1_000);
  expect(heard).toEqual(["first", "kept"]);
  expect((await ann.history("bob")).find(({ id }) => id === sent.id)?.state).toBe("handled");
});

test("connections that break again and again lose nothing, double nothing, and keep the order", async () => {
  await using burrow = createBurrow(3);
  const ann = await burrow.open("ann");
  const bob = await burrow.open("bob");
  await burrow.introduce(ann, bob);
  const [annHeard, bobHeard] = [hear(ann), hear(bob)];
  for (let round = 0; round < 60; round++) {
    const texts = numbered(round * 20 + 1, round * 20 + 20);
    const sending = Promise.all(texts.flatMap((text) => [ann.send("bob", text), bob.send("ann", text)]));
    await burrow.world.clock.advance(Math.floor(burrow.world.random() * 6));
    burrow.network.cut();
    await burrow.world.clock.advance(Math.floor(burrow.world.random() * 400));
    await sending;
  }
  await burrow.world.clock.advance(60_000);
  expect(bobHeard).toEqual(numbered(1, 1_200));
  expect(annHeard).toEqual(numbered(1, 1_200));
  const states = (await ann.history("bob", { limit: 3_000 })).map(
    ({ state, text, from }) => `${from.name} ${text} ${state}`,
  );
  expect(states.filter((line) => !line.endsWith("handled"))).toEqual([]);
});

test("a sender whose disk went back in time opens a new epoch, and nothing is doubled or lost", async () => {
  await using burrow = createBurrow();
  let ann = await burrow.open("ann", { path: path("ann") });
  const bob = await burrow.open("bob", { port: 7 });
  await burrow.introduce(ann, bob);
  const heard = hear(bob);
  await sendAll(burrow, ann, "bob", ["one", "two"]);
  await close(burrow, ann);
  await cp(path("ann"), path("backup"));
  ann = await burrow.open("ann", { path: path("ann") });
  await sendAll(burrow, ann, "bob", ["three", "four"]);
  await close(burrow, ann);
  await rm(`${path("ann")}-wal`, { force: true });
  await cp(path("backup"), path("ann"));
  ann = await burrow.open("ann", { path: path("ann") });
  await sendAll(burrow, ann, "bob", ["five", "six", "seven"]);
  await burrow.world.clock.advance(1_000);
  expect(heard).toEqual(["one", "two", "three", "four", "five", "six", "seven"]);
  expect(lines(await ann.history("bob")).slice(-3)).toEqual(
    ["five", "six", "seven"].map((text) => `ann: ${text} (handled)`),
  );
});

test("a sender restored while its messages were under way sends them again under new numbers, once for the reader", async () => {
  await using burrow = createBurrow();
  let ann = await burrow.open("ann", { path: path("ann") });
  const bob = await burrow.open("bob", { path: path("bob"), port: 7 });
  await burrow.introduce(ann, bob);
  const heard = hear(bob);
  await sendAll(burrow, ann, "bob", ["one"]);
  burrow.network.cut();
  await Promise.all([ann.send("bob", "two"), burrow.world.clock.settle()]);
  await close(burrow, ann);
  await cp(path("ann"), path("backup")); // "two" is in its outbox
  ann = await burrow.open("ann", { path: path("ann") });
  await burrow.world.clock.advance(1_000);
  await sendAll(burrow, ann, "bob", ["three"]);
  await close(burrow, ann);
  await rm(`${path("ann")}-wal`, { force: true });
  await cp(path("backup"), path("ann"));
  ann = await burrow.open("ann", { path: path("ann") });
  await burrow.world.clock.advance(1_000);
  await sendAll(burrow, ann, "bob", ["four"]);
  await burrow.world.clock.advance(1_000);
  expect(heard).toEqual(["one", "two", "three", "four"]);
  expect(lines(await ann.history("bob"))).toEqual(["one", "two", "four"].map((text) => `ann: ${text} (handled)`));
});

test("a receiver whose disk went back in time says how many messages are lost, and goes on", async () => {
  await using burrow = createBurrow();
  const ann = await burrow.open("ann");
  let bob = await burrow.open("bob", { path: path("bob"), port: 7 });
  await burrow.introduce(ann, bob);
  hear(bob);
  await sendAll(burrow, ann, "bob", ["one"]);
  await close(burrow, bob);
  await cp(path("bob"), path("backup"));
  bob = await burrow.open("bob", { path: path("bob"), port: 7 });
  hear(bob);
  await burrow.world.clock.advance(31_000);
  await sendAll(burrow, ann, "bob", ["two", "three"]);
  await close(burrow, bob);
  await rm(`${path("bob")}-wal`, { force: true });
  await cp(path("backup"), path("bob"));
  bob = await burrow.open("bob", { path: path("bob"), port: 7 });
  const heard = hear(bob);
  const notices: WarrenError[] = [];
  bob.on("notice", (notice) => void notices.push(notice));
  await sendAll(burrow, ann, "bob", ["four"]);
  await burrow.world.clock.advance(31_000);
  expect(heard).toEqual(["four"]);
  expect(notices.map(({ message }) => message)).toEqual([
    "2 messages of ann are lost: they were here once, and ann no longer holds them",
  ]);
});

test("a receiver that lost its disk altogether takes what comes next", async () => {
  await using burrow = createBurrow();
  const ann = await burrow.open("ann");
  let bob = await burrow.open("bob", { port: 7 });
  await burrow.introduce(ann, bob);
  hear(bob);
  await sendAll(burrow, ann, "bob", ["one", "two"]);
  await close(burrow, bob);
  bob = await burrow.open("bob", { port: 7 });
  const heard = hear(bob);
  await sendAll(burrow, ann, "bob", ["three"]);
  await burrow.world.clock.advance(31_000);
  expect(heard).toEqual(["three"]);
});

test("messages wait in the inbox until somebody takes them, over a restart too", async () => {
  await using burrow = createBurrow();
  const ann = await burrow.open("ann");
  let bob = await burrow.open("bob", { path: path("bob"), port: 7 });
  await burrow.introduce(ann, bob);
  await sendAll(burrow, ann, "bob", ["one", "two"]);
  expect((await ann.history("bob")).map(({ state }) => state)).toEqual(["delivered", "delivered"]);
  await close(burrow, bob);
  bob = await burrow.open("bob", { path: path("bob"), port: 7 });
  const heard = hear(bob);
  await burrow.world.clock.advance(31_000);
  expect(heard).toEqual(["one", "two"]);
  expect((await ann.history("bob")).map(({ state }) => state)).toEqual(["handled", "handled"]);
});

test("more than a window of messages reaches a slow reader, in order", async () => {
  await using burrow = createBurrow();
  const ann = await burrow.open("ann");
  const bob = await burrow.open("bob");
  await burrow.introduce(ann, bob);
  await sendAll(burrow, bob, "ann", ["we know each other"]);
  const texts = numbered(1, 6_000);
  await sendAll(burrow, ann, "bob", texts);
  const waiting = (await bob.history("ann", { limit: 10_000 })).filter(({ from }) => from.name === "ann");
  expect(waiting).toHaveLength(2_048); // MAX_INBOX: the rest waits at its sender
  const heard = hear(bob);
  await burrow.world.clock.advance(2_000);
  expect(heard).toEqual(texts);
});

test("strangers share a small budget, and none of them can use it up for the others", async () => {
  await using burrow = createBurrow();
  const bob = await burrow.open("bob");
  const strangers = await Promise.all(Array.from({ length: 10 }, (_, i) => burrow.open(`s${i}`)));
  for (const stranger of strangers) {
    await burrow.introduce(stranger, bob);
    await sendAll(burrow, stranger, "bob", numbered(1, 100));
  }
  const counts = await Promise.all(strangers.map(async ({ name }) => (await bob.history(name, { limit: 200 })).length));
  expect(Math.max(...counts)).toBe(64);
  expect(counts.reduce((sum, count) => sum + count)).toBe(512);
  const heard = hear(bob);
  await burrow.world.clock.advance(5_000);
  expect(heard).toHaveLength(1_000);
});

test("what was never sent for 30 days lived through expires, visibly, and what follows still arrives", async () => {
  await using burrow = createBurrow();
  const ann = await burrow.open("ann");
  let bob = await burrow.open("bob", { path: path("bob"), port: 7 });
  await burrow.introduce(ann, bob);
  await close(burrow, bob);
  await sendAll(burrow, ann, "bob", ["old 1", "old 2"]);
  burrow.world.clock.jump(365 * 86_400_000); // a wrong wall clock makes nothing old
  await burrow.world.clock.advance(61_000);
  expect((await ann.history("bob")).map(({ state }) => state)).toEqual(["queued", "queued"]);
  burrow.world.clock.skip(31 * 86_400_000);
  await burrow.world.clock.advance(61_000);
  expect((await ann.history("bob")).map(({ state }) => state)).toEqual(["expired", "expired"]);
  await sendAll(burrow, ann, "bob", ["new"]);
  bob = await burrow.open("bob", { path: path("bob"), port: 7 });
  const heard = hear(bob);
  await burrow.world.clock.advance(31_000);
  expect(heard).toEqual(["new"]);
  expect(lines(await ann.history("bob")).at(-1)).toBe("ann: new (handled)");
});

test("a commit that fails rejects the send, and what was promised before still arrives", async () => {
  await using burrow = createBurrow();
  const ann = await burrow.open("ann");
  const bob = await burrow.open("bob");
  await burrow.introduce(ann, bob);
  const heard = hear(bob);
  await sendAll(burrow, ann, "bob", ["before"]);
  burrow.failNextCommit(ann);
  const failing = ann.send("bob", "never said").then(
    () => "sent",
    (error: WarrenError) => error.code,
  );
  await burrow.settle();
  expect(await failing).toBe("STORE_FAILED");
  await sendAll(burrow, ann, "bob", ["after"]);
  await burrow.world.clock.advance(31_000);
  expect(heard).toEqual(["before", "after"]);
  expect((await ann.history("bob")).map(({ text }) => text)).toEqual(["before", "after"]);
});

test("a receiver whose commit fails acknowledges nothing of it, and takes it again", async () => {
  await using burrow = createBurrow();
  const ann = await burrow.open("ann");
  const bob = await burrow.open("bob");
  await burrow.introduce(ann, bob);
  await sendAll(burrow, ann, "bob", ["one"]);
  burrow.failNextCommit(bob);
  await sendAll(burrow, ann, "bob", ["two", "three"]);
  const heard = hear(bob);
  await burrow.world.clock.advance(31_000);
  expect(heard).toEqual(["one", "two", "three"]);
  expect((await ann.history("bob")).every(({ state }) => state === "handled")).toBe(true);
});

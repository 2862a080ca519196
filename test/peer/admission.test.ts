import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isWarrenError, type WarrenError } from "../../src/base/errors.ts";
import { MAX_STRANGERS_DIALLED } from "../../src/peer/demand.ts";
import type { Peer } from "../../src/peer/peer.ts";
import { MAX_PASSING } from "../../src/peer/sessions.ts";
import { openStore } from "../../src/store/store.ts";
import { createBurrow, hear, lines, testId, type Burrow } from "./burrow.ts";
import { RawPeer } from "./raw-peer.ts";

let folder: string;
beforeEach(async () => void (folder = await mkdtemp(join(tmpdir(), "warren-admission-"))));
afterEach(() => rm(folder, { recursive: true }));

const DIAL_AGAIN_MS = 91_000; // a pause that was asked for, and the longest that follows

/** Two peers that have written to each other. */
async function acquainted(burrow: Burrow, path = ":memory:"): Promise<[ann: Peer, bob: Peer]> {
  const [ann, bob] = [await burrow.open("ann"), await burrow.open("bob", { path, port: 7 })];
  await burrow.introduce(ann, bob);
  await send(burrow, ann, "bob", "hello");
  await send(burrow, bob, "ann", "hello");
  return [ann, bob];
}

async function send(burrow: Burrow, from: Peer, to: string, ...texts: string[]): Promise<void> {
  const sending = Promise.all(texts.map((text) => from.send(to, text)));
  await burrow.settle();
  await sending;
}

/** Lets happen what a promise waits for. */
async function settled<Result>(burrow: Burrow, promise: Promise<Result>): Promise<Result> {
  await burrow.settle();
  return await promise;
}

async function close(burrow: Burrow, peer: Peer): Promise<void> {
  const closed = peer.close();
  await burrow.settle(100);
  await closed;
}

const codeOf = (error: unknown): string => (isWarrenError(error) ? error.code : String(error));

test("nothing of a blocked peer reaches a handler, over a restart too, and after the unblocking all of it comes", async () => {
  await using burrow = createBurrow();
  const path = join(folder, "bob.db");
  let [ann, bob] = await acquainted(burrow, path);
  let heard = hear(bob);
  await burrow.settle();
  await settled(burrow, bob.block("ann"));
  await send(burrow, ann, "bob", "one", "two");
  await burrow.settle(DIAL_AGAIN_MS);
  expect(heard).toEqual(["hello"]);
  expect(lines(await ann.history("bob")).slice(-2)).toEqual(["ann: one (queued)", "ann: two (queued)"]);
  await close(burrow, bob);
  bob = await burrow.open("bob", { path, port: 7 });
  heard = hear(bob);
  await burrow.settle(DIAL_AGAIN_MS);
  expect(heard).toEqual([]);
  expect(bob.admission.blocked.map(({ name }) => name)).toEqual(["ann"]);
  await settled(burrow, bob.unblock("ann"));
  await burrow.settle(DIAL_AGAIN_MS);
  expect(heard).toEqual(["one", "two"]);
  expect((await ann.history("bob")).at(-1)?.state).toBe("handled");
});

test("a blocked peer that connects is told so after its hello, and learns nothing else", async () => {
  await using burrow = createBurrow();
  const bob = await burrow.open("bob");
  const heard = hear(bob);
  const abe = await new RawPeer(burrow, "abe").join(bob); // who has the lower id: its ready is a choice
  await settled(burrow, bob.block(abe.id));
  expect([abe.isClosed, abe.farewell]).toEqual([true, "BLOCKED"]);
  abe.heard.length = 0;
  await abe.dial(bob);
  const ready = { t: "ready", have: null, w: 9 };
  const start = { t: "start", epoch: "e1", low: 1 };
  abe.say(abe.hello(), ready, start, { t: "msg", n: 1, id: "a", at: 1, text: "let me in" });
  await burrow.settle();
  expect(abe.heard).toEqual([{ t: "bye", code: "BLOCKED", message: expect.any(String), after: 60_000 }]);
  expect(abe.isClosed).toBe(true);
  expect([heard, await bob.history(abe.id)]).toEqual([[], []]);
});

test("what had come before the blocking and was not handled waits until the unblocking", async () => {
  await using burrow = createBurrow();
  const [ann, bob] = await acquainted(burrow);
  await send(burrow, ann, "bob", "before");
  await settled(burrow, bob.block("ann"));
  const heard = hear(bob);
  await burrow.settle();
  expect(heard).toEqual([]);
  await settled(burrow, bob.unblock("ann"));
  expect(heard).toEqual(["hello", "before"]);
});

test("messages in the middle of a queue are not handed out once their sender is blocked", async () => {
  await using burrow = createBurrow();
  const [ann, bob] = await acquainted(burrow);
  const heard: string[] = [];
  const gate = Promise.withResolvers<void>();
  bob.on("message", async ({ text }) => {
    heard.push(text);
    await gate.promise;
  });
  await send(burrow, ann, "bob", "later", "much later");
  await settled(burrow, bob.block("ann"));
  gate.resolve();
  await burrow.settle();
  expect(heard).toEqual(["hello"]);
});

test("writing to a blocked peer is an error that says how to unblock it", async () => {
  await using burrow = createBurrow();
  const [, bob] = await acquainted(burrow);
  await settled(burrow, bob.block("ann"));
  const failure = await bob.send("ann", "hello?").catch((error: unknown) => error);
  expect(failure).toMatchObject({ code: "PEER_BLOCKED", message: expect.stringContaining('"unblock ann"') });
  await settled(burrow, bob.unblock("ann"));
  expect((await settled(burrow, bob.send("ann", "hello!"))).to.name).toBe("ann");
});

test("who is not let in is told once, however often it is tried", async () => {
  await using burrow = createBurrow();
  const [ann, bob] = await acquainted(burrow);
  const notices: WarrenError[] = [];
  ann.on("notice", (notice) => void notices.push(notice));
  await settled(burrow, bob.block("ann"));
  await send(burrow, ann, "bob", "anybody there?");
  await burrow.settle(600_000);
  expect(notices.map(({ code }) => code)).toEqual(["PEER_REFUSED"]);
  expect(notices[0]?.message).toContain("bob does not let you in (BLOCKED)");
});

test("a blocking whose commit fails is none", async () => {
  await using burrow = createBurrow();
  const [ann, bob] = await acquainted(burrow);
  burrow.failNextCommit(bob);
  expect(await settled(burrow, bob.block("ann").catch(codeOf))).toBe("STORE_FAILED");
  expect(bob.admission.blocked).toEqual([]);
  const heard = hear(bob);
  await send(burrow, ann, "bob", "still friends");
  await burrow.settle(DIAL_AGAIN_MS);
  expect(heard).toEqual(["hello", "still friends"]);
});

test("with known peers only, strangers are refused, and contacts, pinned names and those whom we dial get through", async () => {
  await using burrow = createBurrow();
  const path = join(folder, "bob.db");
  let [ann, bob] = await acquainted(burrow, path);
  const [cat, dan] = [await burrow.open("cat"), await burrow.open("dan")];
  await settled(burrow, cat.resolve(`bob:${bob.port}`));
  await settled(burrow, bob.admission.accept("known"));
  await close(burrow, bob);
  bob = await burrow.open("bob", { path, port: 7 });
  const heard = hear(bob);
  expect(bob.admission.accepting).toBe("known");
  await send(burrow, cat, bob.id, "from a stranger");
  await send(burrow, ann, "bob", "from a contact");
  await burrow.settle(DIAL_AGAIN_MS);
  expect(heard).toEqual(["hello", "from a contact"]);
  const zed = new RawPeer(burrow, "zed");
  await zed.meet(bob);
  expect(zed.heard).toEqual([{ t: "bye", code: "STRANGER", message: expect.any(String), after: 60_000 }]);

  await settled(burrow, bob.pin("cat", cat.id));
  await burrow.settle(DIAL_AGAIN_MS);
  expect(heard.at(-1)).toBe("from a stranger");
  await settled(burrow, bob.send(`dan:${dan.port}`, "whom we dial is none"));
  expect((await bob.history(dan.id)).map(({ state }) => state)).toEqual(["delivered"]);
  await settled(burrow, bob.admission.accept("everyone"));
  zed.heard.length = 0;
  await zed.meet(bob);
  expect(zed.all("hello")).toHaveLength(1);
});

test("to accept known peers only sends away the strangers who are there", async () => {
  await using burrow = createBurrow();
  const [ann, bob] = await acquainted(burrow);
  const zed = await new RawPeer(burrow, "zed").join(bob);
  await settled(burrow, bob.admission.accept("known"));
  expect([zed.isClosed, zed.farewell]).toEqual([true, "STRANGER"]);
  const heard = hear(bob);
  await send(burrow, ann, "bob", "over the connection that there was");
  expect(heard).toContain("over the connection that there was");
  expect(await bob.admission.accept("nobody").catch(codeOf)).toBe("USAGE");
});

test("a peer may connect 30 times at once and five times a second, and is told when to come again", async () => {
  await using burrow = createBurrow();
  const bob = await burrow.open("bob");
  const zeds = Array.from({ length: 40 }, () => new RawPeer(burrow, "zed"));
  for (const [i, zed] of zeds.entries()) await zed.meet(bob, { conn: `c${i}` });
  const refused = zeds.filter(({ farewell }) => farewell === "RATE_LIMITED");
  expect(refused.length).toBeGreaterThan(5);
  expect(refused.length).toBeLessThanOrEqual(10);
  const after = Number(refused.at(-1)?.all("bye")[0]?.["after"]);
  expect(after).toBeLessThanOrEqual(200);
  await burrow.settle(after);
  expect((await new RawPeer(burrow, "zed").meet(bob)).all("hello")).toHaveLength(1);
  expect((await new RawPeer(burrow, "yan").meet(bob)).all("hello")).toHaveLength(1); // others are not concerned
});

test("who did too much on a connection stays out for as long as it was told", async () => {
  await using burrow = createBurrow();
  const bob = await burrow.open("bob");
  const zed = await new RawPeer(burrow, "zed").join(bob);
  zed.say('{"t":"pong"}\n'.repeat(5_001));
  await burrow.settle();
  expect(zed.all("bye")).toEqual([{ t: "bye", code: "RATE_LIMITED", message: "too many frames: pong", after: 10_000 }]);
  zed.heard.length = 0;
  await zed.meet(bob);
  expect(zed.farewell).toBe("RATE_LIMITED");
  await burrow.settle(10_000);
  zed.heard.length = 0;
  await zed.meet(bob);
  expect(zed.all("hello")).toHaveLength(1);
});

test("a Warren that is sent away comes again when it may, and nothing that it has is lost", async () => {
  await using burrow = createBurrow();
  const ann = await burrow.open("ann", { port: 7 });
  const zed = new RawPeer(burrow, "zed");
  const address = await zed.listen();
  const meeting = ann.send(address, "hello");
  await burrow.settle(5);
  zed.say(zed.hello({ conn: zed.all("hello")[0]?.["conn"] }));
  await settled(burrow, meeting);
  zed.heard.length = 0;
  zed.say({ t: "bye", code: "RATE_LIMITED", message: "later", after: 20_000 });
  await burrow.settle(19_000);
  expect(zed.heard.filter(({ t }) => t === "hello")).toEqual([]);
  await burrow.settle(31_000);
  expect(zed.all("hello").length).toBeGreaterThan(0);
  zed.say({ t: "bye", code: "BLOCKED", message: "no", after: 60_000 }); // in place of a hello
  await burrow.settle();
  zed.heard.length = 0;
  await burrow.settle(59_000);
  expect(zed.heard).toEqual([]);
  await burrow.settle(31_000);
  expect(zed.all("hello").length).toBeGreaterThan(0);
  expect((await ann.history(zed.id)).map(({ state }) => state)).toEqual(["queued"]);
});

test("strangers who say hello and nothing else are forgotten when they become too many, the oldest first", async () => {
  await using burrow = createBurrow();
  const path = join(folder, "bob.db");
  const store = openStore(path, burrow.world.clock);
  const passing = Array.from({ length: MAX_PASSING }, (_, i) => testId(i === 4 ? "cat" : `p${i}`));
  for (const [i, id] of passing.entries()) {
    const { n } = store.contacts.add(id, "zoe", "person", store.outgoing.openEpoch(`e${i}`));
    store.contacts.saveSeen(n, "zoe", "person", "[]", burrow.world.clock.now() + 1_000_000 + i);
    if (i === 0) store.contacts.markKnown(n);
    if (i === 1) store.contacts.markHeard(n);
    if (i === 2) store.contacts.saveBlocked(n, true);
    if (i === 3) store.contacts.pin(n, "zoe");
  }
  store[Symbol.dispose]();
  const bob = await burrow.open("bob", { path });
  const [zed, yan] = [new RawPeer(burrow, "zed"), new RawPeer(burrow, "yan")];
  await zed.join(bob);
  zed.say({ t: "msg", n: 1, id: "a", at: 1, text: "I have said something" });
  await burrow.settle();
  zed.hangUp();
  await burrow.settle();
  for (let i = 0; i < 5; i++) await new RawPeer(burrow, `x${i}`).meet(bob);
  const known = async (): Promise<Set<string>> => new Set((await bob.users()).map(({ id }) => id));
  await yan.meet(bob);
  const left = await known();
  expect(left.size).toBeLessThanOrEqual(MAX_PASSING - MAX_PASSING / 10 + 10);
  expect(passing.slice(0, 4).filter((id) => left.has(id))).toHaveLength(4); // written to, heard, blocked, pinned
  expect([left.has(passing[4] ?? ""), left.has(passing.at(-1) ?? ""), left.has(zed.id)]).toEqual([false, true, true]);
  expect((await bob.history(zed.id)).map(({ text }) => text)).toEqual(["I have said something"]);
  const heard = hear(bob);
  const cat = await new RawPeer(burrow, "cat").join(bob); // who was forgotten, begins anew
  cat.say({ t: "msg", n: 1, id: "a", at: 1, text: "here I am again" });
  await burrow.settle();
  expect(heard).toEqual(["I have said something", "here I am again"]);
});

test("strangers who leave a message and vanish are not all looked for; who comes again gets its receipt", async () => {
  await using burrow = createBurrow();
  const bob = await burrow.open("bob");
  const gate = Promise.withResolvers<void>();
  bob.on("message", () => gate.promise);
  const crowd = Array.from({ length: 130 }, (_, i) => new RawPeer(burrow, `x${i}`));
  for (const raw of crowd) {
    const port = Number((await raw.listen()).split(":")[1]);
    await raw.join(bob, { port });
    raw.say({ t: "msg", n: 1, id: "a", at: 1, text: "and gone" });
    await burrow.settle(2);
    raw.hangUp();
    raw.heard.length = 0;
  }
  gate.resolve();
  await burrow.settle(15_000);
  expect(crowd.filter((raw) => raw.all("hello").length > 0)).toHaveLength(MAX_STRANGERS_DIALLED);
  const last = crowd.at(-1);
  if (last) await last.join(bob, { conn: "c2" });
  expect(last?.all("done")).toMatchObject([{ ok: [[1, 1]] }]);
});

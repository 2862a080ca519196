import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isWarrenError } from "../../src/base/errors.ts";
import { createLog } from "../../src/base/log.ts";
import type { Receipt, Sent } from "../../src/peer/message.ts";
import type { Peer } from "../../src/peer/peer.ts";
import { createBurrow, lines, type Burrow } from "./burrow.ts";
import { RawPeer } from "./raw-peer.ts";

let folder: string;
beforeEach(async () => void (folder = await mkdtemp(join(tmpdir(), "warren-dead-"))));
afterEach(() => rm(folder, { recursive: true }));

async function pair(burrow: Burrow): Promise<[ann: Peer, bob: Peer]> {
  const [ann, bob] = [await burrow.open("ann"), await burrow.open("bob", { path: join(folder, "bob.db"), port: 7 })];
  await burrow.introduce(ann, bob);
  return [ann, bob];
}

/** Says something that bob's handlers refuse for good. */
async function tell(burrow: Burrow, peer: Peer, ...texts: string[]): Promise<Sent[]> {
  const sending = Promise.all(texts.map((text) => peer.send("bob", text)));
  await burrow.settle(20_000);
  return await sending;
}

async function settled<Result>(burrow: Burrow, promise: Promise<Result>): Promise<Result> {
  await burrow.settle();
  return await promise;
}

/** A handler that fails until it is mended. */
function handle(peer: Peer): { heard: [text: string, attempt: number][]; mend(): void } {
  const heard: [text: string, attempt: number][] = [];
  let isBroken = true;
  peer.on("message", ({ text, attempt }) => {
    heard.push([text, attempt]);
    if (isBroken) throw new Error("no such ticket");
  });
  return { heard, mend: () => void (isBroken = false) };
}

test("that a message was set aside is told once, and where it is seen", async () => {
  await using burrow = createBurrow();
  const told: string[] = [];
  const log = createLog("bob", (level, _, text) => void (level === "debug" || told.push(`${level} ${text}`)));
  const [ann, bob] = [await burrow.open("ann"), await burrow.open("bob", { log })];
  await burrow.introduce(ann, bob);
  handle(bob);
  const [sent] = await tell(burrow, ann, "help");
  expect(told).toEqual([`warn ${sent?.id} is set aside ("dead" lists it): its handler failed 3 times: no such ticket`]);
});

const codeOf = (error: unknown): string => (isWarrenError(error) ? error.code : String(error));

test("what was set aside is listed with its reason and how often it was tried, over a restart too", async () => {
  await using burrow = createBurrow();
  let [ann, bob] = await pair(burrow);
  handle(bob);
  const at = burrow.world.clock.now();
  const [one] = await tell(burrow, ann, "one", "two");
  const closed = bob.close();
  await burrow.settle(100);
  await closed;
  bob = await burrow.open("bob", { path: join(folder, "bob.db"), port: 7 });
  expect(bob.deadLetters.count).toBe(2);
  const [first, second] = bob.deadLetters.list();
  expect(first).toMatchObject({ id: one?.id, from: { name: "ann" }, text: "one", at, attempts: 3 });
  expect(first?.reason).toBe("its handler failed: no such ticket");
  expect(first?.setAsideAt).toBeGreaterThan(at);
  expect([second?.text, bob.deadLetters.list({ limit: 1 }).length]).toEqual(["two", 1]);
});

test("what is tried again is handled as if it had just come, and its sender, who was told that it failed, is told so", async () => {
  await using burrow = createBurrow();
  const [ann, bob] = await pair(burrow);
  const handler = handle(bob);
  const receipts: Receipt[] = [];
  ann.on("receipt", (receipt) => void receipts.push(receipt));
  const [sent] = await tell(burrow, ann, "one");
  expect((await sent?.handled)?.state).toBe("failed");
  handler.mend();
  expect(await settled(burrow, bob.deadLetters.retry(sent?.id ?? ""))).toBe(1);
  expect(handler.heard.at(-1)).toEqual(["one", 1]);
  expect(receipts.map(({ state }) => state)).toEqual(["queued", "sent", "delivered", "failed", "handled"]);
  expect(lines(await ann.history("bob"))).toEqual(["ann: one (handled)"]);
  expect(lines(await bob.history("ann"))).toEqual(["ann: one (handled)"]);
  expect(bob.deadLetters.list()).toEqual([]);
  expect(await bob.deadLetters.retry(sent?.id ?? "").catch(codeOf)).toBe("MESSAGE_UNKNOWN");
});

test("all can be tried again, in their order, and what fails again is set aside again", async () => {
  await using burrow = createBurrow();
  const [ann, bob] = await pair(burrow);
  const { heard } = handle(bob);
  const receipts: Receipt[] = [];
  await tell(burrow, ann, "one", "two", "three");
  ann.on("receipt", (receipt) => void receipts.push(receipt));
  heard.length = 0;
  expect(await settled(burrow, bob.deadLetters.retry("all"))).toBe(3);
  await burrow.settle(20_000);
  expect(heard.map(([text, attempt]) => `${text} ${attempt}`)).toEqual(
    ["one", "two", "three"].flatMap((text) => [1, 2, 3].map((attempt) => `${text} ${attempt}`)),
  );
  expect(bob.deadLetters.list().map(({ text, attempts }) => [text, attempts])).toEqual([
    ["one", 3],
    ["two", 3],
    ["three", 3],
  ]);
  expect(receipts).toEqual([]); // nothing new: they had failed
  expect(await settled(burrow, bob.deadLetters.retry("all"))).toBe(3);
});

test("a retry waits for whoever takes messages, and outlives a restart", async () => {
  await using burrow = createBurrow();
  let [ann, bob] = await pair(burrow);
  handle(bob);
  const [sent] = await tell(burrow, ann, "one");
  let closed = bob.close();
  await burrow.settle(100);
  await closed;
  bob = await burrow.open("bob", { path: join(folder, "bob.db"), port: 7 });
  await settled(burrow, bob.deadLetters.retry("all"));
  closed = bob.close();
  await burrow.settle(100);
  await closed;
  bob = await burrow.open("bob", { path: join(folder, "bob.db"), port: 7 });
  const handler = handle(bob);
  handler.mend();
  await burrow.settle(31_000);
  expect(handler.heard).toEqual([["one", 1]]);
  expect((await ann.history("bob")).find(({ id }) => id === sent?.id)?.state).toBe("handled");
});

test("what is dropped is listed no more, and stays in the history as failed", async () => {
  await using burrow = createBurrow();
  const [ann, bob] = await pair(burrow);
  handle(bob);
  const [one] = await tell(burrow, ann, "one", "two", "three");
  expect(await settled(burrow, bob.deadLetters.drop(one?.id ?? ""))).toBe(1);
  expect(bob.deadLetters.list().map(({ text }) => text)).toEqual(["two", "three"]);
  expect(await settled(burrow, bob.deadLetters.drop("all"))).toBe(2);
  expect([bob.deadLetters.count, await settled(burrow, bob.deadLetters.drop("all"))]).toEqual([0, 0]);
  expect((await bob.history("ann")).map(({ state }) => state)).toEqual(["failed", "failed", "failed"]);
  expect(await bob.deadLetters.retry(one?.id ?? "").catch(codeOf)).toBe("MESSAGE_UNKNOWN");
});

test("receipts that come again, in whatever order, end with handled and are told once", async () => {
  await using burrow = createBurrow();
  const ann = await burrow.open("ann");
  const zed = await new RawPeer(burrow, "zed").join(ann);
  const receipts: Receipt[] = [];
  ann.on("receipt", (receipt) => void receipts.push(receipt));
  await Promise.all([...["1", "2", "3", "4"].map((text) => ann.send(zed.id, text)), burrow.settle()]);
  const epoch = zed.all("start")[0]?.["epoch"];
  const failed = { t: "done", epoch, ok: [], failed: [[2, "no"]] };
  const late = { t: "done", epoch, ok: [], failed: [[4, "no"]] };
  const handled = { t: "done", epoch, ok: [[1, 4]], failed: [] };
  zed.say({ t: "ack", epoch, n: 4, w: 9 });
  zed.say(
    { ...failed, k: 1 },
    { ...handled, k: 2 },
    { ...failed, k: 3 },
    { ...handled, k: 4 },
    { ...failed, k: 5 },
    { ...late, k: 6 },
  );
  await burrow.settle();
  const fates = (await ann.history(zed.id)).map(({ state, reason }) => [state, reason]);
  expect(fates).toEqual(Array.from({ length: 4 }, () => ["handled", undefined]));
  const told = receipts.filter(({ state }) => state === "failed" || state === "handled").map(({ state }) => state);
  expect(told).toEqual(["failed", "handled", "handled", "handled", "handled"]);
});

test("a retry of a message whose sender numbers anew is told under the new number", async () => {
  await using burrow = createBurrow();
  const bob = await burrow.open("bob");
  const handler = handle(bob);
  const zed = await new RawPeer(burrow, "zed").join(bob);
  zed.say({ t: "msg", n: 1, id: "a", at: 1, text: "one" });
  await burrow.settle(20_000);
  zed.hangUp();
  zed.heard.length = 0;
  await zed.join(bob, { conn: "c2", epoch: "e2" });
  zed.say({ t: "msg", n: 1, id: "a", at: 1, text: "one" });
  await burrow.settle();
  expect(zed.all("done").at(-1)).toMatchObject({ epoch: "e2", failed: [[1, "its handler failed: no such ticket"]] });
  handler.mend();
  await settled(burrow, bob.deadLetters.retry("a"));
  expect(zed.all("done").at(-1)).toMatchObject({ epoch: "e2", ok: [[1, 1]] });
});

test("what is put back takes its sender's room again", async () => {
  await using burrow = createBurrow();
  const bob = await burrow.open("bob");
  const end = bob.on("message", () => {
    throw new Error("no such ticket");
  });
  const zed = await new RawPeer(burrow, "zed").join(bob);
  for (let n = 1; n <= 64; n++) {
    zed.say({ t: "msg", n, id: `id${n}`, at: 1, text: "no" });
    if (n % 16 === 0) await burrow.settle(100_000).then(() => zed.join(bob, { conn: `c${n}` }));
  }
  expect([bob.deadLetters.count, zed.all("ready").at(-1)?.["w"]]).toEqual([64, 16]);
  end();
  await settled(burrow, bob.deadLetters.retry("all"));
  await zed.join(bob, { conn: "c" });
  expect(zed.all("ready").at(-1)?.["w"]).toBe(0);
});

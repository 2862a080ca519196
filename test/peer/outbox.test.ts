import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isWarrenError } from "../../src/base/errors.ts";
import type { Receipt, Sent } from "../../src/peer/message.ts";
import { MAX_AGE_S, Outflow } from "../../src/peer/outflow.ts";
import type { Peer } from "../../src/peer/peer.ts";
import { openStore } from "../../src/store/store.ts";
import { createSimulatedWorld } from "../../src/testing/world.ts";
import { createBurrow, hear, testId, type Burrow } from "./burrow.ts";
import { RawPeer } from "./raw-peer.ts";

let folder: string;
beforeEach(async () => void (folder = await mkdtemp(join(tmpdir(), "warren-outbox-"))));
afterEach(() => rm(folder, { recursive: true }));

/** Ann, and bob, who is known to her and off. */
async function annAlone(burrow: Burrow, path = ":memory:"): Promise<Peer> {
  const [ann, bob] = [await burrow.open("ann", { path }), await burrow.open("bob", { port: 7 })];
  await burrow.introduce(ann, bob);
  const closed = bob.close();
  await burrow.settle(100);
  await closed;
  return ann;
}

async function send(burrow: Burrow, peer: Peer, to: string, ...texts: string[]): Promise<Sent[]> {
  const sending = Promise.all(texts.map((text) => peer.send(to, text)));
  await burrow.settle();
  return await sending;
}

async function settled<Result>(burrow: Burrow, promise: Promise<Result>): Promise<Result> {
  await burrow.settle();
  return await promise;
}

const codeOf = (error: unknown): string => (isWarrenError(error) ? error.code : String(error));

test("the outbox says what waits for whom, since when, and when it expires", async () => {
  await using burrow = createBurrow();
  const ann = await annAlone(burrow);
  expect(ann.outbox.list()).toEqual([]);
  const at = burrow.world.clock.now();
  await send(burrow, ann, "bob", "one", "three");
  await burrow.settle(3_600_000);
  const [entry, ...others] = ann.outbox.list();
  expect(others).toEqual([]);
  expect(entry).toMatchObject({ to: { name: "bob" }, state: "waiting", messages: 2, characters: 8, unwritten: 2 });
  expect(entry?.oldestAt).toBe(at);
  expect(entry?.expiresInS).toBeLessThanOrEqual(MAX_AGE_S - 3_590);
  expect(entry?.expiresInS).toBeGreaterThan(MAX_AGE_S - 3_610);
  expect((await ann.outbox.messages("bob")).map(({ text }) => text)).toEqual(["one", "three"]);
  await settled(burrow, ann.block("bob"));
  expect(ann.outbox.list()[0]?.state).toBe("blocked");
  expect(await settled(burrow, ann.flush(60_000))).toBe(true); // that cannot be waited for
});

test("whoever waits for the outbox when the peer closes is told what is left, and nothing looks at it later", async () => {
  await using burrow = createBurrow();
  const ann = await annAlone(burrow);
  await send(burrow, ann, "bob", "one");
  const flushed = ann.flush(60_000);
  const closed = ann.close();
  await burrow.settle(10_000);
  await closed;
  expect(await flushed).toBe(false);
  await burrow.settle(60_000);
});

test("what was never written can be dropped, one by one: it expires, and what follows arrives", async () => {
  await using burrow = createBurrow();
  const ann = await annAlone(burrow);
  const receipts: Receipt[] = [];
  ann.on("receipt", (receipt) => void receipts.push(receipt));
  const [, second] = await send(burrow, ann, "bob", "one", "two", "three");
  const id = second?.id ?? "";
  expect(await settled(burrow, ann.outbox.drop(id))).toEqual({ dropped: 1, kept: 0 });
  expect(await second?.handled).toMatchObject({ id, state: "expired", reason: "dropped" });
  expect(receipts.filter(({ state }) => state === "expired").map((receipt) => receipt.id)).toEqual([id]);
  expect(ann.outbox.list()).toMatchObject([{ messages: 2, characters: 8, unwritten: 2 }]);
  expect(await ann.outbox.drop(id).catch(codeOf)).toBe("MESSAGE_UNKNOWN");
  expect((await ann.history("bob")).map(({ state }) => state)).toEqual(["queued", "expired", "queued"]);
  const bob = await burrow.open("bob", { port: 7 });
  const heard = hear(bob);
  await burrow.settle(31_000);
  expect(heard).toEqual(["one", "three"]);
  expect(ann.outbox.list()).toEqual([]);
});

test("all that waits for a peer can be dropped, also over many pages and a restart; the numbers are told by a skip", async () => {
  await using burrow = createBurrow();
  const path = join(folder, "ann.db");
  let ann = await annAlone(burrow, path);
  const sent = await send(burrow, ann, "bob", ...Array.from({ length: 700 }, (_, i) => `m${i}`));
  await settled(burrow, ann.outbox.drop(sent[300]?.id ?? ""));
  expect(await settled(burrow, ann.outbox.drop("bob"))).toEqual({ dropped: 699, kept: 0 });
  expect(await settled(burrow, ann.outbox.drop("bob"))).toEqual({ dropped: 0, kept: 0 });
  const closed = ann.close();
  await burrow.settle(100);
  await closed;
  ann = await burrow.open("ann", { path });
  expect(ann.outbox.list()).toEqual([]);
  await send(burrow, ann, "bob", "the next");
  const bob = await burrow.open("bob", { port: 7 });
  const heard = hear(bob);
  await burrow.settle(120_000);
  expect(heard).toEqual(["the next"]);
});

test("what may be over there already cannot be dropped", async () => {
  await using burrow = createBurrow();
  const ann = await burrow.open("ann");
  const zed = new RawPeer(burrow, "zed");
  await zed.join(ann, { w: 2 });
  const sent = await send(burrow, ann, zed.id, "one", "two", "three");
  expect(zed.all("msg")).toHaveLength(2); // and no acknowledgement
  zed.hangUp();
  await burrow.settle();
  expect(ann.outbox.list()).toMatchObject([{ messages: 3, unwritten: 1 }]);
  expect(await ann.outbox.drop(sent[0]?.id ?? "").catch(codeOf)).toBe("MESSAGE_SENT");
  expect(await settled(burrow, ann.outbox.drop(zed.id))).toEqual({ dropped: 1, kept: 2 });
  zed.heard.length = 0;
  await zed.join(ann, { conn: "c2" });
  await burrow.settle();
  expect(zed.heard.flatMap(({ t, n }) => (t === "msg" || t === "skip" ? [[t, n]] : []))).toEqual([
    ["msg", 1],
    ["msg", 2],
    ["skip", 3],
  ]);
});

test("a drop whose commit fails is none", async () => {
  await using burrow = createBurrow();
  const ann = await annAlone(burrow);
  const [one] = await send(burrow, ann, "bob", "one");
  burrow.failNextCommit(ann);
  expect(await settled(burrow, ann.outbox.drop("bob").catch(codeOf))).toBe("STORE_FAILED");
  expect(ann.outbox.list()).toMatchObject([{ messages: 1, unwritten: 1 }]);
  const bob = await burrow.open("bob", { port: 7 });
  const heard = hear(bob);
  await burrow.settle(31_000);
  expect(heard).toEqual(["one"]);
  expect((await one?.handled)?.state).toBe("handled");
});

const ignored = (): void => {};

/** An outflow of its own, with room for so much. */
function createOutflow(quota: { messages: number; characters: number }) {
  const world = createSimulatedWorld(1);
  const store = openStore(":memory:", world.clock);
  const contact = store.contacts.add(testId("bob"), "bob", "person", store.outgoing.openEpoch("e1"));
  const listener = { touched: ignored, sent: ignored, delivered: ignored, settled: ignored, renumbered: ignored };
  const outflow = new Outflow(contact, store, world, listener, quota);
  let place = 0;
  const append = (text: string): string => {
    place++;
    try {
      outflow.append({
        seq: 0,
        id: `m.${place}`,
        place,
        at: 1,
        born: 0,
        hops: 0,
        room: null,
        re: null,
        text,
        data: null,
      });
      return "taken";
    } catch (error) {
      return codeOf(error);
    }
  };
  return { outflow, append, [Symbol.dispose]: () => store[Symbol.dispose]() };
}

test("an outbox with its full number of messages takes no more, until one of them is dropped", () => {
  using box = createOutflow({ messages: 3, characters: 1_000 });
  expect(["a", "b", "c", "d"].map(box.append)).toEqual(["taken", "taken", "taken", "OUTBOX_FULL"]);
  expect(box.outflow.drop(2)).toBe(1);
  expect(["e", "f"].map(box.append)).toEqual(["taken", "OUTBOX_FULL"]);
  expect(box.outflow.waiting(10).map(({ text }) => text)).toEqual(["a", "c", "e"]);
});

test("an outbox with its full length of text takes no more, until some of it has expired", () => {
  using box = createOutflow({ messages: 1_000, characters: 10 });
  expect(["12345", "1234", "12", "1", "1"].map(box.append)).toEqual([
    "taken",
    "taken",
    "OUTBOX_FULL",
    "taken",
    "OUTBOX_FULL",
  ]);
  box.outflow.expire(MAX_AGE_S);
  expect(box.append("1")).toBe("OUTBOX_FULL"); // not a second too early
  box.outflow.expire(MAX_AGE_S + 1);
  expect(box.append("0123456789")).toBe("taken");
  expect(box.outflow.size().all).toMatchObject({ messages: 1, characters: 10 });
});

test("everything that is too old expires, however much it is and whatever was dropped before", () => {
  using box = createOutflow({ messages: 1_000, characters: 10_000 });
  for (let i = 0; i < 700; i++) box.append("old");
  for (let seq = 1; seq <= 300; seq++) box.outflow.drop(seq);
  box.outflow.expire(MAX_AGE_S + 1);
  expect(box.outflow.size().all.messages).toBe(0);
});

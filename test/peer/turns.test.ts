import { expect, test } from "bun:test";
import { sliceOf, TURN_BYTES, TURN_FRAMES, Turns, type Talker } from "../../src/peer/turns.ts";
import { Database } from "../../src/store/database.ts";
import { ManualClock } from "../../src/testing/manual-clock.ts";
import { createBurrow } from "./burrow.ts";
import { RawPeer } from "./raw-peer.ts";

function setUp() {
  const clock = new ManualClock();
  const db = new Database(":memory:", clock);
  const events: string[] = [];
  db.beforeCommit(() => void events.push("commit"));
  const turns = new Turns(clock, db);
  /** Writes in each of its turns. */
  const talker = (name: string, slices: number, during = (): void => {}): Talker => ({
    takeTurn() {
      events.push(name);
      db.touch();
      during();
      return --slices > 0;
    },
  });
  return { clock, db, events, turns, talker };
}

const lines = (count: number, length: number): Uint8Array => Buffer.from(`${"x".repeat(length - 1)}\n`.repeat(count));

test("a slice is a hundred frames, or 128 KiB where these are longer", () => {
  expect(sliceOf(lines(TURN_FRAMES + 1, 10))).toBe(10 * TURN_FRAMES);
  expect(sliceOf(lines(TURN_FRAMES, 10))).toBe(10 * TURN_FRAMES);
  expect(sliceOf(lines(3, 10).subarray(0, 25))).toBe(25); // the end of the last one has not come
  expect(sliceOf(lines(3, 100_000))).toBe(TURN_BYTES);
  expect(sliceOf(lines(1, 262_144))).toBe(TURN_BYTES);
  expect(sliceOf(new Uint8Array(1_000_000))).toBe(TURN_BYTES);
});

test("those who flood take turns, and what they write is one commit", async () => {
  const { clock, events, turns, talker } = setUp();
  turns.add(talker("ann", 4));
  turns.add(talker("bob", 2));
  turns.add(talker("cid", 1));
  await clock.settle();
  expect(events).toEqual(["ann", "bob", "cid", "ann", "bob", "ann", "ann", "commit"]);
});

test("what arrives between two slices is looked at, committed and answered before the next one", async () => {
  const { clock, db, events, turns, talker } = setUp();
  let slice = 0;
  const arrival = (): void => {
    events.push("arrival");
    db.afterCommit(() => queueMicrotask(() => void events.push("answer")));
  };
  turns.add(talker("flood", 4, () => ++slice === 2 && setImmediate(arrival)));
  await clock.settle();
  expect(events).toEqual(["flood", "flood", "arrival", "commit", "answer", "flood", "flood", "commit"]);
});

test("a flood without an end is committed, and so acknowledged, after 16 slices", async () => {
  const { clock, events, turns, talker } = setUp();
  turns.add(talker("a", 40));
  await clock.settle();
  expect(events.join("")).toBe(`${"a".repeat(16)}commit${"a".repeat(16)}commit${"a".repeat(8)}commit`);
});

test("one who fails in its turn does not take the turns of the others", async () => {
  const { clock, events, turns, talker } = setUp();
  const failing = talker("bad", 2, () => {
    throw new Error("a fault");
  });
  turns.add(failing);
  turns.add(talker("good", 2));
  const failure = await clock.settle().catch((error: Error) => error.message);
  expect(failure).toBe("a fault");
  await clock.settle();
  expect(events.filter((event) => event === "good")).toHaveLength(2);
});

test("a message beside a flood is handled after a hundred of it at most, and the flood whole and in order", async () => {
  await using burrow = createBurrow();
  const bob = await burrow.open("bob");
  const [zed, ann] = [await new RawPeer(burrow, "zed").join(bob), await new RawPeer(burrow, "ann").join(bob)];
  const welcome = Promise.all([bob.send(zed.id, "welcome"), bob.send(ann.id, "welcome")]);
  await burrow.settle();
  await welcome;
  const heard: string[] = [];
  bob.on("message", ({ text }) => void heard.push(text));
  const flood = Array.from({ length: 600 }, (_, i) => ({ t: "msg", n: i + 1, id: `flood${i}`, at: 1, text: `${i}` }));
  zed.say(...flood);
  ann.say({ t: "msg", n: 1, id: "question", at: 1, text: "question" }); // arrives in the same turn, behind all of them
  await burrow.settle();
  expect(heard.filter((text) => text !== "question")).toEqual(flood.map(({ text }) => text));
  expect(heard.indexOf("question")).toBeLessThanOrEqual(TURN_FRAMES);
});

test("whoever keeps its handlers busy with as much as it may send does not keep others waiting, and all of it is handled", async () => {
  await using burrow = createBurrow();
  const [bob, zed, ann] = [await burrow.open("bob"), await burrow.open("zed"), await burrow.open("ann")];
  for (const one of [zed, ann]) await burrow.introduce(one, bob);
  await Promise.all([bob.send("zed", "welcome"), bob.send("ann", "welcome"), burrow.settle()]);
  const heard: string[] = [];
  const gate = Promise.withResolvers<void>();
  bob.on("message", async ({ text }) => {
    if (text === "0") await gate.promise;
    heard.push(text);
  });
  const flood = Array.from({ length: 3_000 }, (_, n) => String(n));
  const sent = Promise.all(flood.map((text) => zed.send("bob", text)));
  await burrow.settle(200);
  await sent;
  const asked = ann.send("bob", "question");
  await burrow.settle();
  await asked;
  expect(heard).toEqual(["question"]);
  gate.resolve();
  await burrow.settle(500);
  expect(heard.slice(1)).toEqual(flood);
});

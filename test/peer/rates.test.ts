import { expect, test } from "bun:test";
import { ControlBudget, MAX_ANSWERS, MAX_CONTROL_BURST, MAX_CONTROL_PER_S } from "../../src/peer/control-budget.ts";
import type { Peer } from "../../src/peer/peer.ts";
import { ManualClock } from "../../src/testing/manual-clock.ts";
import type { Frame } from "../../src/wire/frames.ts";
import { createBurrow, hear, type Burrow } from "./burrow.ts";
import { RawPeer } from "./raw-peer.ts";

const numbered = (from: number, to: number): string[] =>
  Array.from({ length: to - from + 1 }, (_, i) => `m${from + i}`);

async function sendAll(burrow: Burrow, peer: Peer, to: string, texts: string[]): Promise<void> {
  const sending = Promise.all(texts.map((text) => peer.send(to, text)));
  await burrow.settle();
  await sending;
}

test("a stranger may send 100 messages at once and 10 a second; the others wait at their sender, and all of them arrive", async () => {
  await using burrow = createBurrow();
  const [ann, bob] = [await burrow.open("ann"), await burrow.open("bob")];
  await burrow.introduce(ann, bob);
  const heard = hear(bob);
  await sendAll(burrow, ann, "bob", numbered(1, 200));
  await burrow.settle(400);
  expect(heard.length).toBeGreaterThanOrEqual(100);
  expect(heard.length).toBeLessThanOrEqual(105);
  await burrow.settle(5_000);
  expect(heard.length).toBeGreaterThanOrEqual(145);
  expect(heard.length).toBeLessThanOrEqual(156);
  expect((await ann.history("bob", { limit: 1 })).map(({ state }) => state)).toEqual(["queued"]);
  await burrow.settle(5_000);
  expect(heard).toEqual(numbered(1, 200));
});

test("to come again under the same key gives a stranger no more", async () => {
  await using burrow = createBurrow();
  const bob = await burrow.open("bob");
  const heard = hear(bob);
  const zed = new RawPeer(burrow, "zed");
  let n = 0;
  for (let round = 0; round < 20; round++) {
    zed.heard.length = 0;
    await zed.join(bob, { conn: `c${round}` });
    const granted = Number(zed.all("ready")[0]?.["w"]);
    for (let i = 0; i < granted; i++) {
      n++;
      zed.say({ t: "msg", n, id: `id${n}`, at: 1, text: `m${n}` });
    }
    await burrow.settle(5);
    zed.hangUp();
    await burrow.settle(5);
  }
  expect(zed.isClosed).toBe(false); // it was never sent away, only given less and less
  expect(heard.length).toBeLessThanOrEqual(100 + 10);
  expect(heard).toEqual(numbered(1, heard.length));
});

test("numbers that hold nothing new cost a stranger as much as messages", async () => {
  await using burrow = createBurrow();
  const bob = await burrow.open("bob");
  const zed = await new RawPeer(burrow, "zed").join(bob);
  let n = 0;
  for (let granted = 16; granted > 0 && n < 1_000;) {
    zed.heard.length = 0;
    zed.say({ t: "skip", n: n + 1, to: n + granted, id: "a" });
    n += granted;
    await burrow.settle(5);
    granted = Number(zed.all("ack").at(-1)?.["w"] ?? 0);
  }
  expect(n).toBeGreaterThanOrEqual(100);
  expect(n).toBeLessThanOrEqual(110);
});

test("whom we have written to is bounded by credit alone", async () => {
  await using burrow = createBurrow();
  const [ann, bob] = [await burrow.open("ann"), await burrow.open("bob")];
  await burrow.introduce(ann, bob);
  await sendAll(burrow, bob, "ann", ["hello"]);
  const heard = hear(bob);
  await sendAll(burrow, ann, "bob", numbered(1, 5_000));
  expect(heard).toHaveLength(5_000);
});

/** How long, in simulated ms, 200 messages of ann to bob take, one after another, while `disturb` goes on. */
async function timeOfTalk(disturb: (burrow: Burrow, bob: Peer) => Promise<() => void>): Promise<number> {
  await using burrow = createBurrow();
  const [ann, bob] = [await burrow.open("ann"), await burrow.open("bob")];
  await burrow.introduce(ann, bob);
  await sendAll(burrow, bob, "ann", ["hello"]);
  bob.on("message", () => {});
  const again = await disturb(burrow, bob);
  const startedAt = burrow.world.clock.steady();
  for (let i = 0; i < 200; i++) {
    again();
    const sent = await Promise.all([ann.send("bob", `m${i}`), burrow.world.clock.settle()]);
    const wait = { isOver: false };
    void sent[0].handled.then(() => (wait.isOver = true));
    while (!wait.isOver) await burrow.world.clock.advance(1);
  }
  return burrow.world.clock.steady() - startedAt;
}

test("a peer that floods takes no time from one that does not", async () => {
  const alone = await timeOfTalk(async () => () => {});
  const besideMessages = await timeOfTalk(async (burrow, bob) => {
    const zeds = await Promise.all(["zed", "yan", "xia"].map((name) => burrow.open(name)));
    for (const zed of zeds) await burrow.introduce(zed, bob);
    return () => {
      for (const zed of zeds) for (let i = 0; i < 10; i++) void zed.send("bob", "flood");
    };
  });
  const besidePings = await timeOfTalk(async (burrow, bob) => {
    const zed = new RawPeer(burrow, "zed");
    await zed.join(bob);
    return () => zed.say('{"t":"ping"}\n'.repeat(1_000));
  });
  const besideConnects = await timeOfTalk(async (burrow, bob) => {
    let count = 0;
    return () => void new RawPeer(burrow, "zed").meet(bob, { conn: `c${count++}` });
  });
  expect(Math.max(besideMessages, besidePings, besideConnects)).toBeLessThanOrEqual(alone);
});

const ack: Frame = { t: "ack", epoch: "e", n: 1, w: 1 };
const ping: Frame = { t: "ping" };
const msg: Frame = { t: "msg", n: 1, id: "a", at: 1, text: "x" };

/** How many of a kind of frame are allowed in a row. */
function countAllowed(budget: ControlBudget, frame: Frame): number {
  let count = 0;
  while (count < 1_000_000 && budget.allows(frame)) count++;
  return count;
}

test("control frames are bounded at once and by the second, messages are not their matter", async () => {
  const clock = new ManualClock();
  const budget = new ControlBudget(clock);
  expect(countAllowed(budget, ping)).toBe(MAX_CONTROL_BURST);
  await clock.advance(1_000);
  expect(countAllowed(budget, ack)).toBe(MAX_CONTROL_PER_S);
  expect(countAllowed(budget, msg)).toBe(1_000_000);
});

test("what answers a message of ours comes on top, but cannot be saved up without end or spent on anything else", () => {
  const budget = new ControlBudget(new ManualClock());
  for (let i = 0; i < 1_000; i++) budget.sent(msg);
  expect(countAllowed(budget, ack)).toBe(4_000 + MAX_CONTROL_BURST);
  for (let i = 0; i < 1_000_000; i++) budget.sent(msg);
  expect(budget.allows(ping)).toBe(false);
  for (const frame of [{ t: "pong" }, { t: "got", k: 1 }, ack] as const) budget.sent(frame); // answers earn no answers
  expect(countAllowed(budget, ack)).toBe(MAX_ANSWERS);
});

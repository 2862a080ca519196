import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { IncomingMessage, Sent } from "../../src/peer/message.ts";
import type { Peer } from "../../src/peer/peer.ts";
import { createBurrow, hear, type Burrow } from "./burrow.ts";

let folder: string;
let bobsPath: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "warren-handling-"));
  bobsPath = join(folder, "bob.db");
});
afterEach(() => rm(folder, { recursive: true }));

async function pair(burrow: Burrow): Promise<[ann: Peer, bob: Peer]> {
  const ann = await burrow.open("ann");
  const bob = await burrow.open("bob", { path: bobsPath, port: 7 });
  await burrow.introduce(ann, bob);
  return [ann, bob];
}

async function tell(burrow: Burrow, peer: Peer, ...texts: string[]): Promise<Sent[]> {
  const sending = Promise.all(texts.map((text) => peer.send("bob", text)));
  await burrow.settle();
  return await sending;
}

test("a handler that throws is tried three times, and then the message is set aside and its sender told why", async () => {
  await using burrow = createBurrow();
  const [ann, bob] = await pair(burrow);
  const attempts: number[] = [];
  bob.on("message", ({ attempt, text }) => {
    if (text !== "bad") return;
    attempts.push(attempt);
    throw new Error("cannot read this");
  });
  const [bad, good] = await tell(burrow, ann, "bad", "good");
  await burrow.settle(10_000);
  expect(attempts).toEqual([1, 2, 3]);
  expect(await bad?.handled).toMatchObject({ state: "failed", reason: "its handler failed: cannot read this" });
  expect((await good?.handled)?.state).toBe("handled");
  expect((await bob.history("ann")).map(({ state, reason }) => [state, reason])).toEqual([
    ["failed", "its handler failed: cannot read this"],
    ["handled", undefined],
  ]);
});

test("what follows a failing message in the same conversation waits for its last attempt, other people do not", async () => {
  await using burrow = createBurrow();
  const [ann, bob] = await pair(burrow);
  const eve = await burrow.open("eve");
  await burrow.introduce(eve, bob);
  const order: string[] = [];
  bob.on("message", ({ text }) => {
    order.push(text);
    if (text === "bad") throw new Error("no");
  });
  await tell(burrow, ann, "bad", "after");
  await tell(burrow, eve, "eve");
  await burrow.settle(10_000);
  expect(order).toEqual(["bad", "eve", "bad", "bad", "after"]);
});

test("messages of one sender are handled in order while another's slow handler runs", async () => {
  await using burrow = createBurrow();
  const [ann, bob] = await pair(burrow);
  const eve = await burrow.open("eve");
  await burrow.introduce(eve, bob);
  const order: string[] = [];
  const gate = Promise.withResolvers<void>();
  bob.on("message", async ({ from, text }) => {
    if (from.name === "eve") await gate.promise;
    else await Promise.resolve();
    order.push(text);
  });
  await tell(burrow, eve, "slow");
  await tell(burrow, ann, ...Array.from({ length: 100 }, (_, i) => `${i}`));
  expect(order).toEqual(Array.from({ length: 100 }, (_, i) => `${i}`));
  gate.resolve();
  await burrow.settle();
  expect(order.at(-1)).toBe("slow");
});

test("a handler that a crash interrupts runs again, and what it had done is not done twice", async () => {
  await using burrow = createBurrow();
  let [ann, bob] = await pair(burrow);
  const heard = hear(ann);
  let deeds = 0;
  const handler =
    (peer: Peer, gate: Promise<void>) =>
    async (message: IncomingMessage): Promise<void> => {
      const count = await peer.table<number>("counts").update("ann", (n = 0) => n + 1);
      await message.reply(`working, ${count}`);
      const deed = await peer.effect("deed", () => ++deeds);
      await gate;
      await message.reply(`done, ${deed}, attempt ${message.attempt}`);
    };
  bob.on("message", handler(bob, new Promise(() => {})));
  const [handled] = await tell(burrow, ann, "do it");
  expect(heard).toEqual(["working, 1"]);
  bob = await burrow.crash("bob");
  bob.on("message", handler(bob, Promise.resolve()));
  await burrow.settle(31_000);
  expect(heard).toEqual(["working, 1", "done, 1, attempt 2"]);
  expect(deeds).toBe(1);
  expect(bob.table<number>("counts").get("ann")).toBe(1);
  expect((await handled?.handled)?.state).toBe("handled");
});

test("a handler that ends within the turn is committed together with what it did", async () => {
  await using burrow = createBurrow();
  const [ann, bob] = await pair(burrow);
  const heard = hear(ann);
  bob.on("message", async (message) => {
    const count = await bob.table<number>("counts").update("all", (n = 0) => n + 1);
    await message.reply(`${count}`);
  });
  const before = burrow.commitsOf(bob);
  await tell(burrow, ann, ...Array.from({ length: 50 }, (_, i) => `m${i}`));
  expect(heard).toEqual(Array.from({ length: 50 }, (_, i) => `${i + 1}`));
  expect(burrow.commitsOf(bob) - before).toBeLessThan(8); // hello, messages with replies, acknowledgements: not one each
});

test("a message that ends the process each time is set aside, and the others are handled", async () => {
  await using burrow = createBurrow();
  let [ann, bob] = await pair(burrow);
  const seen: string[] = [];
  const deadly = ({ text }: IncomingMessage): unknown => {
    seen.push(text);
    return text === "deadly" ? new Promise(() => {}) : undefined; // the crash comes while it runs
  };
  bob.on("message", deadly);
  const [first, second] = await tell(burrow, ann, "deadly", "harmless");
  for (let round = 0; round < 3; round++) {
    bob = await burrow.crash("bob");
    bob.on("message", deadly);
    await burrow.settle(31_000);
  }
  expect(seen).toEqual(["deadly", "deadly", "deadly", "harmless"]);
  expect(await first?.handled).toMatchObject({ state: "failed", reason: "its handlers ended the process 3 times" });
  expect((await second?.handled)?.state).toBe("handled");
});

test("a message that was interrupted has a turn of its own: what never ran before begins after it", async () => {
  await using burrow = createBurrow();
  let [ann, bob] = await pair(burrow);
  bob.on("message", () => new Promise(() => {}));
  await tell(burrow, ann, "interrupted");
  bob = await burrow.crash("bob");
  const zed = await burrow.open("zed");
  await burrow.introduce(zed, bob);
  await tell(burrow, zed, "fresh");
  const began: { text: string; commits: number }[] = [];
  bob.on("message", ({ text }) => void began.push({ text, commits: burrow.commitsOf(bob) }));
  await burrow.settle();
  expect(began.map(({ text }) => text)).toEqual(["interrupted", "fresh"]);
  expect(began[1]?.commits).toBeGreaterThan(began[0]?.commits ?? Infinity);
});

test("closing waits for the handlers that run, and counts none of them as failed", async () => {
  await using burrow = createBurrow();
  let [ann, bob] = await pair(burrow);
  const gate = Promise.withResolvers<void>();
  const signals: AbortSignal[] = [];
  bob.on("message", async ({ text, signal }) => {
    signals.push(signal);
    await (text === "quick" ? gate.promise : new Promise(() => {}));
  });
  const [quick] = await tell(burrow, ann, "quick");
  const closing = bob.close();
  gate.resolve();
  await burrow.settle(6_000);
  await closing;
  bob = await burrow.open("bob", { path: bobsPath, port: 7 });
  const attempts: number[] = [];
  bob.on("message", async ({ attempt, signal }) => {
    attempts.push(attempt);
    signals.push(signal);
    await new Promise(() => {});
  });
  await tell(burrow, ann, "endless");
  await burrow.settle(31_000);
  expect((await quick?.handled)?.state).toBe("handled");
  const closingAgain = bob.close();
  await burrow.settle(6_000);
  await closingAgain;
  expect(signals.at(-1)?.aborted).toBe(true);
  bob = await burrow.open("bob", { path: bobsPath, port: 7 });
  bob.on("message", ({ attempt }) => void attempts.push(attempt));
  await burrow.settle(31_000);
  expect(attempts).toEqual([1, 1]);
});

test("two handlers both see a message, and it is handled when the last one is done", async () => {
  await using burrow = createBurrow();
  const [ann, bob] = await pair(burrow);
  const seen: string[] = [];
  const gate = Promise.withResolvers<void>();
  bob.on("message", async () => {
    await gate.promise;
    seen.push("first");
  });
  const end = bob.on("message", () => void seen.push("second"));
  const [handled] = await tell(burrow, ann, "hello");
  expect(seen).toEqual([]);
  gate.resolve();
  expect((await Promise.all([handled?.handled, burrow.settle()]))[0]?.state).toBe("handled");
  expect(seen).toEqual(["first", "second"]);
  end();
  await tell(burrow, ann, "again");
  expect(seen).toEqual(["first", "second", "first"]);
});

test("a reply carries what it answers, and how many messages of bots have led to it", async () => {
  await using burrow = createBurrow();
  const [ann, bob] = await pair(burrow);
  const heard: IncomingMessage[] = [];
  ann.on("message", (message) => void heard.push(message));
  bob.on("message", async (message) => {
    await message.reply("at once");
    burrow.world.clock.after(1_000, () => void message.reply("later"));
  });
  const sending = ann.send("bob", "hello");
  await burrow.settle(2_000);
  const { id } = await sending;
  expect(heard.map(({ text, re, hops }) => [text, re, hops])).toEqual([
    ["at once", id, 1],
    ["later", id, 1],
  ]);
});

test("what a handler began and did not await does not bring its message back when it ends later", async () => {
  await using burrow = createBurrow();
  let [ann, bob] = await pair(burrow);
  const gate = Promise.withResolvers<void>();
  let seen = 0;
  let late: Promise<unknown> | undefined;
  bob.on("message", () => {
    seen++;
    late = bob.effect("late", () => gate.promise);
  });
  await tell(burrow, ann, "hello");
  gate.resolve();
  await burrow.settle();
  await late;
  expect((await bob.history("ann")).map(({ state }) => state)).toEqual(["handled"]);
  bob = await burrow.crash("bob");
  bob.on("message", () => seen++);
  await burrow.settle(31_000);
  expect(seen).toBe(1);
});

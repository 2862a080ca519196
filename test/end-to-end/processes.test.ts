import { afterEach, beforeEach, expect, test } from "bun:test";
import { cp, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { streamUnderKills } from "./killing.ts";
import { Talker, type Line } from "./talker.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "warren-processes-"));
});
afterEach(() => rm(folder, { recursive: true }));

async function startPair(): Promise<{ ann: Talker; bob: Talker } & AsyncDisposable> {
  const [ann, bob] = await Promise.all([
    Talker.start("ann", join(folder, "ann")),
    Talker.start("bob", join(folder, "bob")),
  ]);
  const met = await ann.ask({ do: "meet", address: bob.address }, "met");
  expect(met.id).toBe(bob.id);
  return {
    ann,
    bob,
    async [Symbol.asyncDispose]() {
      await Promise.all([ann.kill(), bob.kill()]);
    },
  };
}

const numbers = (from: number, to: number, prefix = ""): string[] =>
  Array.from({ length: to - from + 1 }, (_, i) => `${prefix}${from + i}`);

async function historyOf(talker: Talker, other: Talker): Promise<Line[]> {
  return (await talker.ask({ do: "history", with: other.id }, "history")).lines;
}

const own = (lines: Line[]): string[] => lines.filter((line) => line.own).map(({ text }) => text);
const others = (lines: Line[]): string[] => lines.filter((line) => !line.own).map(({ text }) => text);

test("nothing is lost, doubled or out of order when either side is killed again and again", async () => {
  const { differences } = await streamUnderKills({ folder, messages: 1_000, kills: 5 });
  expect(differences).toEqual([]);
}, 60_000);

test("a sender restored from an older copy doubles nothing, and what it says afterwards arrives", async () => {
  await using pair = await startPair();
  const { ann, bob } = pair;
  const copy = join(folder, "copy");
  await say(ann, bob, "first", 20);
  await ann.stop();
  await cp(ann.home, copy, { recursive: true });
  await ann.start();
  await say(ann, bob, "forgotten", 10);
  await ann.stop();
  await restore(copy, ann.home);
  await ann.start();
  await say(ann, bob, "after", 15);
  const all = [...numbers(1, 20, "first "), ...numbers(1, 10, "forgotten "), ...numbers(1, 15, "after ")];
  expect(others(await historyOf(bob, ann))).toEqual(all);
  expect(bob.heard).toEqual(all); // after the answer, which came behind all that it heard
  const atAnn = await historyOf(ann, bob);
  expect(own(atAnn)).toEqual([...numbers(1, 20, "first "), ...numbers(1, 15, "after ")]);
  expect(atAnn.every(({ state }) => state === "handled")).toBe(true);
});

test("a receiver restored from an older copy says what is lost, and takes what comes next", async () => {
  await using pair = await startPair();
  const { ann, bob } = pair;
  const copy = join(folder, "copy");
  await say(ann, bob, "first", 20);
  await bob.stop();
  await cp(bob.home, copy, { recursive: true });
  await bob.start();
  await say(ann, bob, "forgotten", 10);
  await bob.stop();
  await restore(copy, bob.home);
  await bob.start();
  await say(ann, bob, "after", 15);
  expect(others(await historyOf(bob, ann))).toEqual([...numbers(1, 20, "first "), ...numbers(1, 15, "after ")]);
  expect(bob.notices).toEqual([
    "MESSAGES_LOST: 10 messages of ann are lost: they were here once, and ann no longer holds them",
  ]);
});

/** Says `word 1` to `word count`; resolves when all of it is handled. */
async function say(from: Talker, to: Talker, word: string, count: number): Promise<void> {
  let handled = 0;
  const all = from.next("receipt", ({ state }) => state === "handled" && ++handled === count);
  for (const text of numbers(1, count, `${word} `)) from.say({ do: "send", to: to.id, text });
  await all;
}

/** As a backup is restored: nothing of what was there is left. */
async function restore(copy: string, home: string): Promise<void> {
  await rm(home, { recursive: true });
  await cp(copy, home, { recursive: true });
}

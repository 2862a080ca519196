import { expect, test } from "bun:test";
import { MAX_TRACES, type Trace, Traces } from "../../src/peer/traces.ts";
import { attachPlugin } from "../../src/bot/host.ts";
import { definePlugin } from "../../src/bot/plugin.ts";
import type { Peer } from "../../src/peer/peer.ts";
import { openStore } from "../../src/store/store.ts";
import { ManualClock } from "../../src/testing/manual-clock.ts";
import { type Burrow, createBurrow } from "./burrow.ts";

const trace = (id: string, from: string, attempt = 1): Trace => ({
  bot: "dice",
  id,
  from,
  attempt,
  at: 0,
  ms: 0,
  steps: [],
  answers: [],
});

const nobody = (): never => {
  throw new Error("no message is here");
};

async function pair(burrow: Burrow): Promise<[ann: Peer, dice: Peer]> {
  const [ann, dice] = [await burrow.open("ann"), await burrow.open("dice", { kind: "bot" })];
  await burrow.introduce(ann, dice);
  return [ann, dice];
}

/** Long enough, by default, for every attempt of handlers that fail. */
async function say(burrow: Burrow, from: Peer, text: string, ms = 20_000): Promise<string> {
  const sending = from.send("dice", text);
  await burrow.settle(ms);
  return (await sending).id;
}

test("what is known of a message without a trace: it waits, was handled, was set aside, or was ours", async () => {
  await using burrow = createBurrow();
  const [ann, dice] = await pair(burrow);
  const first = await say(burrow, ann, "hi");
  expect(dice.traces.explain(first)).toMatchObject({
    heard: [{ from: { name: "ann" }, text: "hi", state: "delivered", attempts: 0, isBlocked: false, runs: [] }],
    said: [],
  });
  const blocking = dice.block("ann");
  await burrow.settle();
  await blocking;
  expect(dice.traces.explain(first).heard).toMatchObject([{ isBlocked: true }]);
  const unblocking = dice.unblock("ann");
  dice.on("message", ({ text }) => {
    if (text === "bad") throw new Error("no such die");
  });
  await burrow.settle(20_000);
  await unblocking;
  expect(dice.traces.explain(first).heard).toMatchObject([{ state: "handled" }]);
  const second = await say(burrow, ann, "bad");
  expect(dice.traces.explain(second).heard).toMatchObject([
    { state: "failed", reason: expect.stringContaining("die") },
  ]);
  expect(ann.traces.explain(second)).toMatchObject({
    heard: [],
    said: [{ to: { name: "dice" }, text: "bad", state: "failed", reason: expect.stringContaining("die") }],
  });
  expect(() => dice.traces.explain("a.b")).toThrow("no message a.b came here or was sent from here");
});

test("each run of a bot's hooks is kept, those that failed too, and costs no commit of its own", async () => {
  await using burrow = createBurrow();
  const [ann, dice] = await pair(burrow);
  const plugin = definePlugin({
    name: "dice",
    about: "rolls",
    setup: (bot) =>
      bot.on("message", ({ text, attempt }) => {
        if (text === "twice" && attempt === 1) throw new Error("not yet");
      }),
  });
  await using _ = await attachPlugin(plugin, dice);
  await say(burrow, ann, "hi");
  const commits = async (): Promise<number> => {
    const before = burrow.commitsOf(dice);
    await say(burrow, ann, "hi", 1_000);
    return burrow.commitsOf(dice) - before;
  };
  const traced = await commits();
  dice.traces.keep = () => {};
  expect(traced).toBe(await commits());
  Reflect.deleteProperty(dice.traces, "keep");

  const id = await say(burrow, ann, "twice");
  const runs = dice.traces.explain(id).heard[0]?.runs ?? [];
  expect(runs.map(({ attempt, error }) => [attempt, error])).toEqual([
    [1, "not yet"],
    [2, undefined],
  ]);
});

test("the newest runs are kept and no more; the runs of another sender's message of that id are not shown", async () => {
  await using burrow = createBurrow();
  const [ann, dice] = await pair(burrow);
  const id = await say(burrow, ann, "hi");
  dice.traces.keep(trace(id, "somebody else"));
  dice.traces.keep(trace(id, ann.id));
  const attempts = (): number[] | undefined => dice.traces.explain(id).heard[0]?.runs.map(({ attempt }) => attempt);
  for (let n = 2; n < MAX_TRACES; n++) dice.traces.keep(trace("another", ann.id));
  expect(attempts()).toEqual([1]);
  dice.traces.keep(trace(id, ann.id, 2));
  expect(attempts()).toEqual([1, 2]);
  dice.traces.keep(trace("another", ann.id));
  expect(attempts()).toEqual([2]);
});

test("who is busy writes its runs once a second, those before one that failed with it, and what is left at the end", async () => {
  const clock = new ManualClock();
  const store = openStore(":memory:", clock);
  const traces = new Traces(store, clock, { of: nobody, ofMessage: nobody });
  const written = (): number => store.entries.list("warren:trace", "").length;
  const keep = (count: number, more: Partial<Trace> = {}): number => {
    for (let n = 0; n < count; n++) traces.keep({ ...trace("m.1", "ann"), ...more });
    return written();
  };
  expect([keep(1), keep(10), keep(1, { error: "no such die" }), keep(10)]).toEqual([1, 1, 12, 12]);
  await clock.advance(1_000);
  expect([written(), keep(2)]).toEqual([22, 23]);
  await clock.advance(1_000);
  expect([written(), keep(1), keep(1)]).toEqual([24, 25, 25]);
  traces[Symbol.dispose]();
  expect(written()).toBe(26);
});

test("after a restart the next run takes the place of the oldest one", async () => {
  const file = `${(await import("node:os")).tmpdir()}/warren-traces-${process.pid}.db`;
  try {
    await using burrow = createBurrow();
    const ann = await burrow.open("ann");
    let dice = await burrow.open("dice", { kind: "bot", path: file, port: 7 });
    await burrow.introduce(ann, dice);
    const id = await say(burrow, ann, "hi");
    for (let n = 0; n < MAX_TRACES + 2; n++) dice.traces.keep(trace(n < 4 ? "old" : id, ann.id, n));
    const closing = dice.close();
    await burrow.settle(10_000);
    await closing;
    dice = await burrow.open("dice", { kind: "bot", path: file, port: 7 });
    dice.traces.keep(trace(id, ann.id, -1));
    const attempts = dice.traces.explain(id).heard[0]?.runs.map(({ attempt }) => attempt) ?? [];
    expect([attempts[0], attempts.at(-2), attempts.at(-1)]).toEqual([4, MAX_TRACES + 1, -1]);
    expect(attempts).toHaveLength(MAX_TRACES - 1);
  } finally {
    for (const end of ["", "-wal", "-shm"])
      await Bun.file(file + end)
        .delete()
        .catch(() => {});
  }
});

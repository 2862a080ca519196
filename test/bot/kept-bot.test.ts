import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createLog } from "../../src/base/log.ts";
import { TRY_WITHIN_MS } from "../../src/bot/attempt.ts";
import { KeptBot, MAX_CRASHES, STOP_WITHIN_MS } from "../../src/bot/kept-bot.ts";
import { PING_EVERY_MS, SILENT_FOR_MS } from "../../src/bot/life.ts";
import { readSources } from "../../src/bot/sources.ts";
import type { FromWorker, ToWorker, WorkerHandler } from "../../src/bot/worker-link.ts";
import { ManualClock } from "../../src/testing/manual-clock.ts";

const folder = mkdtempSync(join(tmpdir(), "warren-kept-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** A worker that is played by the test. */
class PlayedWorker {
  readonly heard: string[] = [];
  readonly handler: WorkerHandler;
  isTerminated = false;

  constructor(handler: WorkerHandler) {
    this.handler = handler;
  }

  says(...messages: FromWorker[]): void {
    for (const message of messages) this.handler.message(message);
  }
}

const READY: FromWorker[] = [
  { t: "loaded", name: "dice" },
  { t: "ready", id: "id", name: "dice", port: 9_279 },
];

function keep(home = mkdtempSync(join(folder, "home-")), all = (): Iterable<KeptBot> => []) {
  const file = join(home, "dice.ts");
  const clock = new ManualClock();
  const workers: PlayedWorker[] = [];
  const lines: string[] = [];
  const bot = new KeptBot(
    { file, home, registry: "none" },
    {
      spawn: (handler) => {
        const worker = new PlayedWorker(handler);
        workers.push(worker);
        return {
          post: (message) => void worker.heard.push(wordOf(message)),
          terminate: () => void (worker.isTerminated = true),
        };
      },
      world: { clock, random: () => 0.999, token: () => "token" },
      log: createLog("bots", (level, source, text) => void lines.push(`${level} ${source}: ${text}`)),
      all,
    },
  );
  const worker = (): PlayedWorker => {
    const last = workers.at(-1);
    if (!last) throw new Error("no worker was started");
    return last;
  };
  const edit = (code: string): void => {
    writeFileSync(file, code);
    bot.changed(readSources(file));
  };
  return { bot, home, clock, workers, worker, lines, edit };
}

function wordOf(message: ToWorker): string {
  if (message.t === "open") return `open ${message.port}`;
  return message.t === "stop" && message.isComingBack ? "stop for a moment" : message.t;
}

test("a bot comes online, and what it logs is passed on", () => {
  const { bot, worker, lines } = keep();
  expect(worker().heard).toEqual(["load"]);
  worker().says(...READY, { t: "log", level: "debug", source: "dice", text: "hello" });
  expect(bot.state).toBe("online");
  expect(lines).toEqual(["info bots: dice is online on port 9279", "debug dice: hello"]);
});

test("a bot that crashes is started again after a growing pause, and its cause is named", async () => {
  const { bot, clock, workers, worker, lines } = keep();
  worker().says(...READY, { t: "crashed", message: "no dice" });
  worker().handler.closed("it left with exit code 1");
  expect(lines.at(-1)).toBe("warn bots: dice crashed and is started again: no dice");
  expect(bot.state).toBe("waiting");
  await clock.advance(250);
  expect(workers).toHaveLength(2);
  worker().handler.closed("it left with exit code 7");
  await clock.advance(250);
  expect(workers).toHaveLength(2);
  await clock.advance(250);
  expect(workers).toHaveLength(3);
  expect(lines.at(-1)).toBe("warn bots: dice crashed and is started again: it left with exit code 7");
});

test("after five crashes within a minute it stays off", async () => {
  const { bot, home, clock, workers, worker, lines } = keep();
  for (let crash = 0; crash < MAX_CRASHES; crash++) {
    worker().handler.closed("it left with exit code 1");
    await clock.advance(5_000);
  }
  expect(bot.state).toBe("ended");
  expect(workers).toHaveLength(MAX_CRASHES);
  expect(lines.at(-1)).toBe(
    "error bots: dice.ts stays off: it crashed 5 times within a minute, the last time because it left with exit code 1. " +
      `It runs again when dice.ts changes, or at the next start without ${home}/bots/dice/quarantine.json`,
  );
  await bot.ended;

  const next = keep(home); // another process, later
  expect([next.bot.state, next.workers.length]).toEqual(["ended", 0]);
  expect(next.lines).toEqual([
    "warn bots: dice.ts stays off since 2026-01-01 00:00 UTC: it crashed 5 times within a minute, the last time because " +
      `it left with exit code 1. It runs again when dice.ts changes, or at the next start without ${home}/bots/dice/quarantine.json`,
  ]);
  next.edit("mended");
  next.worker().says(...READY);
  expect(next.bot.state).toBe("online");
  expect(keep(home).workers).toHaveLength(1); // it is forgotten
});

test("crashes that are far apart are forgiven", async () => {
  const { bot, clock, worker } = keep();
  for (let crash = 0; crash < 2 * MAX_CRASHES; crash++) {
    worker().says(...READY);
    worker().handler.closed("it left with exit code 1");
    for (let second = 0; second < 20; second++) {
      await clock.advance(1_000);
      worker().says({ t: "pong", heapBytes: 0 });
    }
  }
  expect(bot.state).not.toBe("ended");
});

test("a bot that stops answering is ended and started again", async () => {
  const { clock, workers, worker, lines } = keep();
  const first = worker();
  first.says(...READY);
  await clock.advance(PING_EVERY_MS);
  expect(first.heard).toEqual(["load", "open 0", "ping"]);
  first.says({ t: "pong", heapBytes: 0 });
  await clock.advance(SILENT_FOR_MS - PING_EVERY_MS);
  expect(first.isTerminated).toBe(false);
  await clock.advance(PING_EVERY_MS);
  expect(first.isTerminated).toBe(true);
  expect(lines.at(-1)).toBe("warn bots: dice crashed and is started again: it did not answer for 10 s");
  await clock.advance(250);
  expect(workers).toHaveLength(2);
  first.handler.closed("it left with exit code 0"); // a late word of the one that was ended
  first.says({ t: "failed", code: "CLOSED", message: "late" });
  expect(lines).toHaveLength(2);
});

test("time in which the supervisor itself stood still is not held against a bot", async () => {
  const { clock, worker } = keep();
  worker().says(...READY);
  const stall = clock.steady.bind(clock);
  clock.steady = () => stall() + 60_000; // the laptop slept
  await clock.advance(PING_EVERY_MS);
  expect(worker().isTerminated).toBe(false);
  worker().says({ t: "pong", heapBytes: 0 });
});

test("a bot that cannot be online is not tried again; one line says why", async () => {
  const { bot, clock, workers, worker, lines } = keep();
  worker().says(
    { t: "loaded", name: "dice" },
    { t: "failed", code: "NAME_TAKEN", message: "dice is at 10.0.0.2:9279" },
  );
  expect(worker().isTerminated).toBe(true);
  await clock.advance(600_000);
  expect([bot.state, workers.length]).toEqual(["ended", 1]);
  expect(lines).toEqual(["warn bots: dice is not started: dice is at 10.0.0.2:9279"]);
});

test("an identity that another process still holds is waited for, but not for ever", async () => {
  const { bot, clock, workers, worker, lines } = keep();
  const refuse = (): void => worker().says({ t: "failed", code: "IDENTITY_IN_USE", message: "dice runs already" });
  refuse();
  await clock.advance(500);
  expect(workers).toHaveLength(2);
  for (let tries = 0; tries < 19; tries++) {
    refuse();
    await clock.advance(500);
  }
  expect([bot.state, lines]).toEqual(["starting", []]);
  refuse();
  expect([bot.state, lines]).toEqual(["ended", ["warn bots: dice.ts is not started: dice runs already"]]);
});

test("two files of one name are told at once, but a file that was renamed waits for the end of what it was", async () => {
  const old = keep();
  const { bot, clock, worker, lines } = keep(undefined, () => [old.bot]);
  old.worker().says({ t: "loaded", name: "dice" });
  const refuse = (): void =>
    worker().says(
      { t: "loaded", name: "dice" },
      { t: "failed", code: "IDENTITY_IN_USE", message: "dice runs already" },
    );
  refuse();
  expect([bot.state, lines]).toEqual(["waiting", []]); // the file of the other is not there
  writeFileSync(old.bot.file, "");
  await clock.advance(500);
  refuse();
  const words = "dice is not started: dice.ts and dice.ts have one name: give one of them another";
  expect([bot.state, lines]).toEqual(["ended", [`warn bots: ${words}`]]);
});

test("a bot is asked to stop, and ended when it does not", async () => {
  const { bot, clock, worker, lines } = keep();
  worker().says(...READY);
  const stopped = bot.stop();
  expect(worker().heard).toEqual(["load", "open 0", "stop"]);
  await clock.advance(STOP_WITHIN_MS);
  await stopped;
  expect(worker().isTerminated).toBe(true);
  expect(lines.at(-1)).toBe("warn bots: dice did not stop within 5 s and was ended");
});

test("a bot that stops in order is not a crash", async () => {
  const { bot, worker, lines } = keep();
  worker().says(...READY);
  const stopped = bot.stop();
  worker().says({ t: "stopped" });
  await stopped;
  await bot.stop(); // once more is harmless
  expect([bot.state, lines.length]).toEqual(["ended", 1]);
});

test("a bot that waits for its next start is stopped at once", async () => {
  const { bot, clock, workers, worker } = keep();
  worker().handler.closed("it left with exit code 1");
  await bot.stop();
  await clock.advance(60_000);
  expect(workers).toHaveLength(1);
});

test("a bot that nobody has configured is off, which is news and no warning", async () => {
  const { bot, lines, worker } = keep();
  worker().says(
    { t: "loaded", name: "dice" },
    { t: "failed", code: "CONFIG_MISSING", message: "off until configured" },
  );
  await bot.ended;
  expect(lines).toEqual(["info bots: dice is off until configured"]);
});

test("a bot that lacks something to be set is started when that may have been set, and one that is broken is not", () => {
  for (const [code, starts] of [
    ["CONFIG_MISSING", 2],
    ["CONFIG_INVALID", 2],
    ["PLUGIN_INVALID", 1],
  ] as const) {
    const { bot, workers, worker } = keep();
    worker().says({ t: "loaded", name: "dice" }, { t: "failed", code, message: "set token" });
    bot.configured();
    expect([code, workers.length]).toEqual([code, starts]);
    worker().says(...READY);
    bot.configured(); // it runs: what it was started with counts
    expect(workers).toHaveLength(starts);
  }
});

test("new code is tried beside the old, and then takes its place on the same port", async () => {
  const { bot, clock, workers, lines, edit } = keep();
  workers[0]?.says(...READY);
  edit("better");
  const [old, trial] = workers;
  expect(trial?.heard).toEqual(["load"]);
  trial?.says({ t: "loaded", name: "dice" });
  expect(trial?.heard).toEqual(["load", "declare"]);
  trial?.says({ t: "declared" });
  expect(trial?.isTerminated).toBe(true); // with all that setup has begun
  const next = workers[2];
  expect(old?.heard).toEqual(["load", "open 0"]);
  next?.says({ t: "loaded", name: "dice" });
  expect([old?.heard.at(-1), next?.heard]).toEqual(["stop for a moment", ["load"]]);
  old?.says({ t: "stopped" });
  await clock.advance(0);
  expect([old?.isTerminated, next?.heard]).toEqual([true, ["load"]]); // until its ports are free
  old?.handler.closed("it left with exit code 0");
  await clock.advance(0);
  expect(next?.heard).toEqual(["load", "open 9279"]);
  next?.says({ t: "ready", id: "id", name: "dice", port: 9_279 });
  expect([bot.state, workers.length]).toEqual(["online", 3]);
  expect(lines.at(-1)).toBe("info bots: dice is reloaded on port 9279");
  edit("better"); // touched, no more
  expect(workers).toHaveLength(3);
});

test("code that fails, crashes or takes too long leaves the old bot running; one line says why", async () => {
  const { bot, clock, workers, worker, lines, edit } = keep();
  workers[0]?.says(...READY);
  edit("a");
  worker().says({ t: "failed", code: "PLUGIN_LOAD_FAILED", message: "dice.ts:3:7: Unexpected }" });
  expect(lines.at(-1)).toBe("warn bots: dice is not reloaded and goes on as it was: dice.ts:3:7: Unexpected }");
  edit("b");
  worker().says({ t: "loaded", name: "dice" });
  worker().handler.closed("it left with exit code 7");
  expect(lines.at(-1)).toBe("warn bots: dice is not reloaded and goes on as it was: it left with exit code 7");
  edit("c");
  for (let second = 0; second < TRY_WITHIN_MS / 1_000; second++) {
    workers[0]?.says({ t: "pong", heapBytes: 0 });
    await clock.advance(1_000);
  }
  expect(lines.at(-1)).toBe("warn bots: dice is not reloaded and goes on as it was: it had not loaded after 10 s");
  expect(workers.map(({ isTerminated }) => isTerminated)).toEqual([false, true, true, true]);
  expect([bot.state, workers[0]?.heard.includes("stop")]).toEqual(["online", false]);
});

test("whoever was warned that a bot is not reloaded is told as loudly that it is, or that the edit was undone", async () => {
  const { clock, workers, worker, lines, edit } = keep();
  worker().says(...READY);
  const fail = (): void => worker().says({ t: "failed", code: "PLUGIN_LOAD_FAILED", message: "what?" });
  edit("bad");
  fail();
  edit("good");
  worker().says({ t: "loaded", name: "dice" }, { t: "declared" });
  worker().says({ t: "loaded", name: "dice" });
  workers[0]?.says({ t: "stopped" });
  await clock.advance(0);
  workers[0]?.handler.closed("it left with exit code 0");
  await clock.advance(0);
  worker().says({ t: "ready", id: "id", name: "dice", port: 9_279 });
  expect(lines.at(-1)).toBe("warn bots: dice is reloaded on port 9279");
  edit("bad again");
  fail();
  edit("good");
  expect(lines.at(-1)).toBe("warn bots: dice is what is in its file again");
});

test("of two edits in a row only the newer one is tried to its end", async () => {
  const { workers, edit } = keep();
  workers[0]?.says(...READY);
  edit("a");
  edit("b");
  expect(workers.map(({ isTerminated }) => isTerminated)).toEqual([false, true, false]);
});

test("an edit during the change of guard is tried when the guard has changed", async () => {
  const { clock, workers, edit } = keep();
  workers[0]?.says(...READY);
  edit("a");
  workers[1]?.says({ t: "loaded", name: "dice" }, { t: "declared" });
  workers[2]?.says({ t: "loaded", name: "dice" });
  edit("b");
  expect(workers).toHaveLength(3);
  workers[0]?.says({ t: "stopped" });
  workers[0]?.handler.closed("");
  await clock.advance(0);
  expect([workers[2]?.heard, workers[3]?.heard]).toEqual([["load", "open 9279"], ["load"]]);
});

test("a bot with a new name says goodbye under the old one", async () => {
  const { clock, workers, edit } = keep();
  workers[0]?.says(...READY);
  edit("a");
  workers[1]?.says({ t: "loaded", name: "coin" }, { t: "declared" });
  workers[2]?.says({ t: "loaded", name: "coin" });
  expect(workers[0]?.heard.at(-1)).toBe("stop");
  workers[0]?.says({ t: "stopped" });
  workers[0]?.handler.closed("");
  await clock.advance(0);
  expect(workers[2]?.heard).toEqual(["load", "open 0"]);
});

test("an old bot that does not stop in time is ended, and the new one comes", async () => {
  const { clock, workers, lines, edit } = keep();
  workers[0]?.says(...READY);
  edit("a");
  workers[1]?.says({ t: "loaded", name: "dice" }, { t: "declared" });
  workers[2]?.says({ t: "loaded", name: "dice" });
  await clock.advance(STOP_WITHIN_MS);
  expect(lines.at(-1)).toBe("warn bots: dice did not stop within 5 s and was ended");
  await clock.advance(1_000); // its thread is not waited for for ever
  expect([workers[0]?.isTerminated, workers[2]?.heard.includes("open 9279")]).toEqual([true, true]);
});

test("a bot that could not be loaded is started by the next edit", () => {
  const { bot, workers, edit } = keep();
  workers[0]?.says({ t: "failed", code: "PLUGIN_LOAD_FAILED", message: "there is no file" });
  edit("a");
  workers[1]?.says({ t: "failed", code: "PLUGIN_LOAD_FAILED", message: "dice.ts:1:1: what?" });
  edit("a"); // touched, no more
  expect(workers).toHaveLength(2);
  edit("b");
  workers[2]?.says(...READY);
  expect(bot.state).toBe("online");
});

test("a bot that takes too much memory has crashed, and so has new code that does so while it is tried", () => {
  const { bot, workers, lines, edit } = keep();
  workers[0]?.says(...READY, { t: "pong", heapBytes: 7 });
  edit("a");
  const [running, tried] = bot.memoryUsers;
  tried?.ask();
  expect([running?.heapBytes, running?.isSilent, tried?.isSilent]).toEqual([7, false, true]);
  tried?.fell("too much");
  expect([lines.at(-1), workers[1]?.isTerminated]).toEqual([
    "warn bots: dice is not reloaded and goes on as it was: too much",
    true,
  ]);
  running?.fell("too much");
  expect([lines.at(-1), workers[0]?.isTerminated, bot.state]).toEqual([
    "warn bots: dice crashed and is started again: too much",
    true,
    "waiting",
  ]);
});

test("an old bot that crashes while it is to stop makes room; new code that dies while it waits is begun anew", async () => {
  const { clock, workers, edit, bot } = keep();
  workers[0]?.says(...READY);
  edit("a");
  workers[1]?.says({ t: "loaded", name: "dice" }, { t: "declared" });
  workers[2]?.says({ t: "loaded", name: "dice" });
  workers[2]?.handler.closed("it left with exit code 1");
  workers[0]?.handler.closed("it left with exit code 1");
  await clock.advance(0);
  expect([workers.length, workers[3]?.heard]).toEqual([4, ["load"]]);
  workers[3]?.says(...READY);
  edit("b");
  workers[4]?.says({ t: "loaded", name: "dice" }, { t: "declared" });
  workers[5]?.says({ t: "loaded", name: "dice" });
  workers[3]?.handler.closed("it left with exit code 1");
  await clock.advance(0);
  expect([bot.state, workers[5]?.heard]).toEqual(["starting", ["load", "open 9279"]]);
});

import { expect, test } from "bun:test";
import { createLog } from "../../src/base/log.ts";
import { KeptBot, MAX_CRASHES, PING_EVERY_MS, SILENT_FOR_MS, STOP_WITHIN_MS } from "../../src/bot/kept-bot.ts";
import type { FromWorker, ToWorker, WorkerHandler } from "../../src/bot/worker-link.ts";
import { ManualClock } from "../../src/testing/manual-clock.ts";

/** A worker that is played by the test. */
class PlayedWorker {
  readonly heard: ToWorker["t"][] = [];
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

function keep() {
  const clock = new ManualClock();
  const workers: PlayedWorker[] = [];
  const lines: string[] = [];
  const bot = new KeptBot(
    { file: "/bots/dice.ts", home: "/home", registry: "none" },
    {
      spawn: (handler) => {
        const worker = new PlayedWorker(handler);
        workers.push(worker);
        return {
          post: (message) => void worker.heard.push(message.t),
          terminate: () => void (worker.isTerminated = true),
        };
      },
      world: { clock, random: () => 0.999, token: () => "token" },
      log: createLog("bots", (level, source, text) => void lines.push(`${level} ${source}: ${text}`)),
    },
  );
  const worker = (): PlayedWorker => {
    const last = workers.at(-1);
    if (!last) throw new Error("no worker was started");
    return last;
  };
  return { bot, clock, workers, worker, lines };
}

test("a bot comes online, and what it logs is passed on", () => {
  const { bot, worker, lines } = keep();
  expect(worker().heard).toEqual(["start"]);
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
  const { bot, clock, workers, worker, lines } = keep();
  for (let crash = 0; crash < MAX_CRASHES; crash++) {
    worker().handler.closed("it left with exit code 1");
    await clock.advance(5_000);
  }
  expect(bot.state).toBe("ended");
  expect(workers).toHaveLength(MAX_CRASHES);
  expect(lines.at(-1)).toBe(
    "error bots: dice.ts crashed 5 times within a minute and stays off: it left with exit code 1",
  );
  await bot.ended;
});

test("crashes that are far apart are forgiven", async () => {
  const { bot, clock, worker } = keep();
  for (let crash = 0; crash < 2 * MAX_CRASHES; crash++) {
    worker().says(...READY);
    worker().handler.closed("it left with exit code 1");
    for (let second = 0; second < 20; second++) {
      await clock.advance(1_000);
      worker().says({ t: "pong" });
    }
  }
  expect(bot.state).not.toBe("ended");
});

test("a bot that stops answering is ended and started again", async () => {
  const { clock, workers, worker, lines } = keep();
  const first = worker();
  first.says(...READY);
  await clock.advance(PING_EVERY_MS);
  expect(first.heard).toEqual(["start", "ping"]);
  first.says({ t: "pong" });
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
  worker().says({ t: "pong" });
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

test("a bot is asked to stop, and ended when it does not", async () => {
  const { bot, clock, worker, lines } = keep();
  worker().says(...READY);
  const stopped = bot.stop();
  expect(worker().heard).toEqual(["start", "stop"]);
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

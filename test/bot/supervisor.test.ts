import { expect, test } from "bun:test";
import { createLog } from "../../src/base/log.ts";
import { systemWorld } from "../../src/base/world.ts";
import { Supervisor } from "../../src/bot/supervisor.ts";
import { workersOf, type WorkerHandler } from "../../src/bot/worker-link.ts";
import { ManualClock } from "../../src/testing/manual-clock.ts";

/** Real workers; `until` resolves as soon as a line holds the text. */
function supervise(files: string[], clock?: ManualClock) {
  const lines: string[] = [];
  const waiting = new Set<() => void>();
  const log = createLog("bots", (_, __, text) => {
    lines.push(text);
    for (const look of waiting) look();
  });
  const until = (text: string): Promise<void> =>
    new Promise((resolve) => {
      const look = (): void => void (lines.some((line) => line.includes(text)) && resolve());
      waiting.add(look);
      look();
    });
  const spawn = workersOf(new URL("scripted-worker.ts", import.meta.url));
  const world = clock ? { ...systemWorld, clock } : systemWorld;
  const supervisor = new Supervisor(
    { home: "/nowhere", registry: "none" },
    { files: () => files, isWatching: false, memoryBytes: Infinity, spawn, world, log },
  );
  return { supervisor, lines, until };
}

test("a bot that throws, rejects or exits ends alone, is named, and the others stay", async () => {
  const { supervisor, lines, until } = supervise(["good", "throws", "rejects", "exits"]);
  await Promise.all([
    until("good is online"),
    until("throws crashed"),
    until("rejects crashed"),
    until("exits crashed and is started again: it left with exit code 7"),
  ]);
  await supervisor[Symbol.asyncDispose]();
  await supervisor.allEnded();
  expect(lines.filter((line) => line.startsWith("good"))).toEqual(["good is online on port 1"]);
  expect(lines.find((line) => line.startsWith("throws crashed"))).toContain("thrown");
  expect(lines.find((line) => line.startsWith("rejects crashed"))).toContain("rejected");
});

test("a bot that loops for ever is ended after its time", async () => {
  const clock = new ManualClock();
  const { supervisor, until } = supervise(["loops"], clock);
  await until("loops is online");
  for (let second = 0; second < 10; second++) await clock.advance(1_000);
  await until("loops crashed and is started again: it did not answer for 10 s");
  const stopped = supervisor[Symbol.asyncDispose]();
  await clock.advance(5_000);
  await stopped;
});

test("a file that is not there is no file that is gone, however long its start takes", async () => {
  const clock = new ManualClock();
  const lines: string[] = [];
  const workers: WorkerHandler[] = [];
  await using _ = new Supervisor(
    { home: "/nowhere", registry: "none" },
    {
      files: () => ["/nowhere/missing.ts"],
      isWatching: true,
      memoryBytes: Infinity,
      spawn: (handler) => {
        workers.push(handler);
        return { post() {}, terminate() {} };
      },
      world: { ...systemWorld, clock },
      log: createLog("bots", (_level, _source, text) => void lines.push(text)),
    },
  );
  await clock.advance(3_000); // in which it is looked at again and again
  workers[0]?.message({ t: "failed", code: "PLUGIN_LOAD_FAILED", message: "there is no file" });
  expect(lines).toEqual(["missing.ts is not started: there is no file"]);
});

import { expect, test } from "bun:test";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createLog, silentLog } from "../../src/base/log.ts";
import { systemClock } from "../../src/base/world.ts";
import { FolderWatch } from "../../src/bot/watch.ts";
import { ManualClock } from "../../src/testing/manual-clock.ts";

test("a change in a watched folder is told, also after the folder was replaced by another", async () => {
  const folder = mkdtempSync(join(tmpdir(), "warren-watch-"));
  const project = join(folder, "bots");
  let told = Promise.withResolvers<void>();
  using watch = new FolderWatch(systemClock, silentLog, () => told.resolve());
  const change = async (act: () => void): Promise<void> => {
    told = Promise.withResolvers();
    act();
    await told.promise;
    watch.set(new Set([project, join(folder, "nowhere")]));
  };
  mkdirSync(project);
  watch.set(new Set([project]));
  await change(() => writeFileSync(join(project, "a.ts"), "1"));
  await change(() => {
    rmSync(project, { recursive: true });
    mkdirSync(project);
  });
  await change(() => writeFileSync(join(project, "a.ts"), "2"));
  rmSync(folder, { recursive: true });
});

test("a burst is told once, when it is over, and nothing after the end", async () => {
  const clock = new ManualClock();
  let count = 0;
  const watch = new FolderWatch(clock, silentLog, () => count++);
  watch.soon();
  await clock.advance(99);
  watch.soon();
  await clock.advance(99);
  expect(count).toBe(0);
  await clock.advance(1);
  expect(count).toBe(1);
  watch.soon();
  watch[Symbol.dispose]();
  await clock.advance(1_000);
  expect(count).toBe(1);
});

// For root there is nothing that it may not watch.
test.skipIf(process.getuid?.() === 0)(
  "what the system does not let us watch is said once, and the rest is watched",
  () => {
    const file = join(mkdtempSync(join(tmpdir(), "warren-watch-")), "none");
    mkdirSync(file, { mode: 0 });
    const lines: string[] = [];
    const log = createLog("bots", (_, __, text) => void lines.push(text));
    using watch = new FolderWatch(new ManualClock(), log, () => {});
    for (let look = 0; look < 2; look++) watch.set(new Set([file]));
    if (process.getuid?.() !== 0)
      expect(lines).toEqual([expect.stringContaining(`changes in ${file} will not be noticed`)]);
    chmodSync(file, 0o700);
    rmSync(join(file, ".."), { recursive: true });
  },
);

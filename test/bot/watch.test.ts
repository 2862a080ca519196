import { expect, test } from "bun:test";
import { type FSWatcher, mkdirSync, mkdtempSync, rmSync, watch as systemWatch, writeFileSync } from "node:fs";
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

test("what the system does not let us watch is said once, and the rest is watched", () => {
  const folders = new Set(["closed", "open"].map((name) => mkdtempSync(join(tmpdir(), `warren-${name}-`))));
  const lines: string[] = [];
  const watched: string[] = [];
  const log = createLog("bots", (_, __, text) => void lines.push(text));
  const watchFolder = (folder: string, changed: () => void): FSWatcher => {
    if (folder.includes("closed")) throw new Error("permission denied");
    watched.push(folder);
    return systemWatch(folder, changed);
  };
  {
    using folderWatch = new FolderWatch(new ManualClock(), log, () => {}, watchFolder);
    for (let look = 0; look < 2; look++) folderWatch.set(folders);
  }
  const [closed, open] = folders;
  expect(lines).toEqual([`changes in ${closed} will not be noticed (permission denied): restart to take them up`]);
  expect(watched).toEqual([String(open)]);
  for (const folder of folders) rmSync(folder, { recursive: true });
});

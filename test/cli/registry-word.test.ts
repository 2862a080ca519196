import { expect, test } from "bun:test";
import { Emitter } from "../../src/base/hooks.ts";
import { registryWord } from "../../src/cli/registry-word.ts";
import type { Directory, DirectoryEvents } from "../../src/peer/directory.ts";
import { ManualClock } from "../../src/testing/manual-clock.ts";

/** Whether the word has come after what `happen` does to a directory, and after a while without anything more. */
async function comes(happen: (events: Emitter<DirectoryEvents>) => void, waitMs: number): Promise<boolean> {
  const clock = new ManualClock();
  const events = new Emitter<DirectoryEvents>(() => {});
  const directory = { isConnected: false, on: events.on.bind(events) } as unknown as Directory;
  const word = registryWord(directory, clock, 1_000);
  happen(events);
  await clock.advance(waitMs);
  return Bun.peek.status(word) === "fulfilled";
}

test("it comes when the registry takes the peer, when it does not answer, and at the latest when the time is over", async () => {
  expect(await comes((events) => events.emit("connected"), 0)).toBe(true);
  expect(await comes((events) => events.emit("disconnected", "nobody there"), 0)).toBe(true);
  expect(await comes(() => {}, 999)).toBe(false);
  expect(await comes(() => {}, 1_000)).toBe(true);
});

test("without a registry nothing is waited for", async () => {
  await registryWord(undefined, new ManualClock());
});

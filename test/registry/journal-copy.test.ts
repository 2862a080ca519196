import { expect, test } from "bun:test";
import { silentLog } from "../../src/base/log.ts";
import { JournalCopy } from "../../src/registry/journal-copy.ts";
import { MemoryShare } from "./memory-journal.ts";
import { socketWorld } from "./setting.ts";

/** Copies of one journal, with what each has told. */
function library() {
  const { clock } = socketWorld();
  const share = new MemoryShare(clock);
  const open = async () => {
    const [journal, told] = [share.journal(), [] as string[]];
    const onValue = (key: string, value: string): void => void told.push(`${key}=${value}`);
    const copy = new JournalCopy({ journal, clock, log: silentLog, onValue });
    await copy.load();
    return { copy, journal, told };
  };
  return { clock, share, open };
}

test("what is written at one copy is known there when that resolves, and told at the others", async () => {
  const { clock, open } = library();
  const [one, other] = [await open(), await open()];
  expect(await one.copy.put("fox", "1")).toBe(true);
  expect(one.told).toEqual(["fox=1"]);
  await clock.settle();
  expect(other.told).toEqual(["fox=1"]);
  expect(await other.copy.put("fox", "2")).toBe(true);
  expect((await open()).told).toEqual(["fox=2"]);
});

test("a write over what is not so any more fails, and what is so is known then", async () => {
  const { open } = library();
  const [one, other] = [await open(), await open()];
  other.journal.deafen();
  await one.copy.put("fox", "1");
  expect(await other.copy.put("fox", "2")).toBe(false);
  expect(other.told).toEqual(["fox=1"]);
  expect(other.copy.revisionOf("fox")).toBe(one.copy.revisionOf("fox"));
});

test("what a journal has lost is told as gone, and no more than that", async () => {
  const { clock, share, open } = library();
  const { copy, told } = await open();
  await copy.put("hen", "1");
  await share.forgetting(async () => void (await copy.put("fox", "1")));
  await clock.settle();
  expect(told.slice(2)).toEqual(["hen=1", "fox="]);
  expect(await copy.put("fox", "2")).toBe(true);
});

test("what is written and never told is not taken for written", async () => {
  const { clock, open } = library();
  const { copy, journal } = await open();
  journal.deafen();
  const put = copy.put("fox", "1").catch((error: unknown) => error);
  await clock.advance(5_000);
  expect(await put).toMatchObject({ code: "STORE_UNREACHABLE" });
});

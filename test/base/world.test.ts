import { expect, test } from "bun:test";
import { backoffMs, sleep, systemWorld } from "../../src/base/world.ts";
import { ManualClock } from "../../src/testing/manual-clock.ts";

test("a sleep ends at its time", async () => {
  const clock = new ManualClock();
  let isOver = false;
  const sleeping = sleep(clock, 1_000).then(() => (isOver = true));
  await clock.advance(999);
  expect(isOver).toBe(false);
  await clock.advance(1);
  expect(isOver).toBe(true);
  await sleeping;
});

test("a sleep that is aborted rejects at once with the reason, and leaves no timer", async () => {
  const clock = new ManualClock();
  const abort = new AbortController();
  const sleeping = sleep(clock, 1_000, abort.signal);
  abort.abort(new Error("woken"));
  expect(await sleeping.catch(String)).toBe("Error: woken");
  expect(clock.untilNext).toBeUndefined();
  expect(await sleep(clock, 1_000, abort.signal).catch(String)).toBe("Error: woken");
  expect(clock.untilNext).toBeUndefined();
});

test("pauses double up to their ceiling, and anything below it may come", () => {
  const highest = Array.from({ length: 9 }, (_, n) => backoffMs(n, () => 1));
  expect(highest).toEqual([250, 500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]);
  expect(backoffMs(1_000_000, () => 0.5)).toBe(15_000);
  expect(backoffMs(5, () => 0)).toBe(0);
  expect(backoffMs(1, () => 1, { baseMs: 10, maxMs: 15 })).toBe(15);
});

test("the real clock runs what is due, in order, and not what was taken back", async () => {
  const { clock } = systemWorld;
  const ran: string[] = [];
  await new Promise<void>((resolve) => {
    clock.after(0, () => ran.push("never"))[Symbol.dispose]();
    clock.soon(() => ran.push("soon"));
    clock.after(2, resolve);
  });
  expect(ran).toEqual(["soon"]);
  expect(Math.abs(clock.now() - Date.now())).toBeLessThan(1_000);
  expect(clock.steady()).toBeLessThanOrEqual(clock.steady());
});

test("tokens are of the wanted length, harmless in any text, and never the same", () => {
  const tokens = Array.from({ length: 1_000 }, () => systemWorld.token());
  expect(new Set(tokens).size).toBe(1_000);
  for (const token of tokens) expect(token).toMatch(/^[A-Za-z0-9]{16}$/);
  expect(systemWorld.token(5)).toHaveLength(5);
  expect(systemWorld.random()).toBeWithin(0, 1);
});

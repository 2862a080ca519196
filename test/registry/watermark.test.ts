import { expect, test } from "bun:test";
import { Watermark } from "../../src/registry/watermark.ts";
import { ManualClock } from "../../src/testing/manual-clock.ts";

test("who waits for a place is told when it is reached or passed, whoever asked first", async () => {
  const clock = new ManualClock();
  const mark = new Watermark(clock);
  const told: number[] = [];
  for (const revision of [7, 3, 5, 3]) void mark.wait(revision).then((isReached) => isReached && told.push(revision));
  mark.reach(2);
  await clock.settle();
  expect(told).toEqual([]);
  mark.reach(4); // 3 was replaced before it could be told
  await clock.settle();
  expect(told).toEqual([3, 3]);
  mark.reach(7);
  await clock.settle();
  expect(told).toEqual([3, 3, 5, 7]);
  expect(await mark.wait(6)).toBe(true);
});

test("a place that is not reached in time is given up, and the others are still waited for", async () => {
  const clock = new ManualClock();
  const mark = new Watermark(clock);
  const early = mark.wait(5);
  await clock.advance(1_000);
  const late = mark.wait(5);
  await clock.advance(2_000);
  expect(await early).toBe(false);
  mark.reach(5);
  expect(await late).toBe(true);
});

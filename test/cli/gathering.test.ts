import { expect, test } from "bun:test";
import { Gathering } from "../../src/cli/gathering.ts";
import { ManualClock } from "../../src/testing/manual-clock.ts";

test("what comes in a bunch is told at once, what comes later by itself", async () => {
  const clock = new ManualClock();
  const told: number[][] = [];
  using gathering = new Gathering<number>(clock, 300, (items) => told.push(items));
  gathering.add(1);
  await clock.advance(200);
  gathering.add(2);
  expect(told).toEqual([]);
  await clock.advance(100);
  gathering.add(3);
  await clock.advance(300);
  expect(told).toEqual([[1, 2], [3]]);
});

test("its end tells nothing more", async () => {
  const clock = new ManualClock();
  const told: number[][] = [];
  const gathering = new Gathering<number>(clock, 300, (items) => told.push(items));
  gathering.add(1);
  gathering[Symbol.dispose]();
  await clock.advance(300);
  expect(told).toEqual([]);
});

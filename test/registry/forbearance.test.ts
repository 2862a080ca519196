import { expect, test } from "bun:test";
import { Forbearance } from "../../src/registry/forbearance.ts";
import { ManualClock } from "../../src/testing/manual-clock.ts";

/** How often of a hundred times. */
function count(bears: () => boolean): number {
  return Array.from({ length: 100 }, bears).filter(Boolean).length;
}

test("so many snapshots and sightings are borne with at once, and as many again over a minute", async () => {
  const clock = new ManualClock();
  const forbearance = new Forbearance(clock);
  const both = (): number[] => [count(() => forbearance.bearsSnapshot()), count(() => forbearance.bearsSighting())];
  expect(both()).toEqual([20, 10]);
  await clock.advance(60_000);
  expect(both()).toEqual([20, 10]);
});

test("a busy registry is asked again after what it wishes, within a second and ten", () => {
  const forbearance = new Forbearance(new ManualClock());
  expect([0, 500, 3_000, 600_000].map((ms) => forbearance.afterBusy(ms))).toEqual([1_000, 1_000, 3_000, 10_000]);
});

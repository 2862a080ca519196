import { expect, test } from "bun:test";
import { Readiness } from "../../src/registry/readiness.ts";
import { ManualClock } from "../../src/testing/manual-clock.ts";

test("a registry is ready when every check holds, and says which does not", async () => {
  const clock = new ManualClock();
  let isFull = false;
  const store = async () => {
    if (isFull) throw new Error("the disk is full");
  };
  const readiness = new Readiness(clock, { store, lease: async () => {} });
  expect(await readiness.faults()).toEqual([]);
  isFull = true;
  await clock.advance(2_000);
  expect(await readiness.faults()).toEqual(["store: the disk is full"]);
  isFull = false;
  await clock.advance(2_000);
  expect(await readiness.faults()).toEqual([]);
  readiness.end();
  expect(await readiness.faults()).toEqual(["it is ending"]);
});

test("however often it is asked, the store is tried once in two seconds", async () => {
  const clock = new ManualClock();
  let tries = 0;
  const readiness = new Readiness(clock, { store: async () => tries++ });
  for (let n = 0; n < 10; n++) await readiness.faults();
  expect(tries).toBe(1);
  await clock.advance(2_000);
  await readiness.faults();
  expect(tries).toBe(2);
});

test("a check that does not answer counts as failed", async () => {
  const clock = new ManualClock();
  const readiness = new Readiness(clock, { store: () => new Promise(() => {}) });
  const faults = readiness.faults();
  await clock.advance(2_000);
  expect(await faults).toEqual(["store: no answer within 2000 ms"]);
  expect(clock.untilNext).toBeUndefined();
});

import { expect, test } from "bun:test";
import { createIdentity } from "../../src/identity/identity.ts";
import { Roster } from "../../src/registry/roster.ts";
import { MAX_SAMPLES, Series } from "../../src/registry/series.ts";
import { ManualClock } from "../../src/testing/manual-clock.ts";
import { describeSelf } from "./setting.ts";

const dice = await createIdentity();
const holder = { dismiss() {}, renew() {} };

test("there is a sample for each minute, and one for now", async () => {
  const clock = new ManualClock(1_000_000);
  const roster = new Roster(clock, "h");
  const series = new Series(clock, roster);
  series.sweep();
  const body = { ...describeSelf(dice, "dice", { kind: "bot" }), seq: 1, ttl: 60 };
  roster.arrive({ body, record: "r", grant: "", since: 0, stay: 1, notAfter: 0 }, holder);
  for (let second = 0; second < 70; second++) {
    await clock.advance(1_000);
    series.sweep();
  }
  expect(series.samples()).toEqual([
    [1_000_000, 0, 0],
    [1_060_000, 0, 1],
    [1_070_000, 0, 1],
  ]);
});

test("a day is kept and no more", async () => {
  const clock = new ManualClock();
  const series = new Series(clock, new Roster(clock, "h"));
  for (let minute = 0; minute < MAX_SAMPLES + 10; minute++) {
    series.sweep();
    clock.skip(60_000);
  }
  expect(series.samples()).toHaveLength(MAX_SAMPLES + 1);
  expect(series.samples()[0]?.[0]).toBe(clock.now() - MAX_SAMPLES * 60_000);
});

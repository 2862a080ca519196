import { expect, test } from "bun:test";
import { cronSchedule, everySchedule } from "../../src/bot/schedule.ts";

const utc = (text: string): number => Date.parse(`${text}Z`);

/** The next times of an expression in Berlin, whose clocks change at 01:00 UTC on 2026-03-29 and 2026-10-25. */
function times(expression: string, after: string, count: number, zone = "Europe/Berlin"): string[] {
  let at = utc(after);
  const schedule = cronSchedule(expression, zone, at);
  return Array.from({ length: count }, () => new Date((at = schedule.next(at, at))).toISOString().slice(0, 16));
}

test("an interval counts from the last time, and leaves out what has passed", () => {
  const schedule = everySchedule("1h");
  expect(schedule.text).toBe("every 1h");
  const next = (after: number): number => schedule.next(0, after);
  expect([0, 3_599_999, 3_600_000, -5].map(next)).toEqual([3_600_000, 3_600_000, 7_200_000, 3_600_000]);
});

test("a cron expression has lists, ranges, steps and names, and keeps the time of its zone", () => {
  expect(times("0 9 * * 1-5", "2026-01-02T12:00", 2)).toEqual(["2026-01-05T08:00", "2026-01-06T08:00"]);
  expect(times("0 9 * * mon,Friday", "2026-01-02T12:00", 2)).toEqual(["2026-01-05T08:00", "2026-01-09T08:00"]);
  expect(times("*/30 9-10 1 JUL *", "2026-01-02T12:00", 4)).toEqual([
    "2026-07-01T07:00",
    "2026-07-01T07:30",
    "2026-07-01T08:00",
    "2026-07-01T08:30",
  ]);
});

test("a time that the clocks skip comes once, after the gap", () => {
  expect(times("30 2 * * *", "2026-03-28T00:00", 3)).toEqual([
    "2026-03-28T01:30",
    "2026-03-29T01:30", // 03:30 in Berlin
    "2026-03-30T00:30",
  ]);
});

test("a time of day that comes twice counts once", () => {
  expect(times("30 2 * * *", "2026-10-24T12:00", 2)).toEqual(["2026-10-25T00:30", "2026-10-26T01:30"]);
  expect(times("30 2 * * *", "2026-10-25T00:45", 1)).toEqual(["2026-10-26T01:30"]);
  expect(times("0 * * * *", "2026-10-24T23:30", 3)).toEqual([
    "2026-10-25T00:00",
    "2026-10-25T01:00",
    "2026-10-25T02:00",
  ]);
});

test("what cannot be kept is refused with what is wrong", () => {
  expect(() => times("61 * * * *", "2026-01-01T00:00", 1)).toThrow('"61 * * * *" cannot be kept');
  expect(() => times("often", "2026-01-01T00:00", 1)).toThrow("write minute, hour, day, month and weekday");
  expect(() => times("0 0 30 2 *", "2026-01-01T00:00", 1)).toThrow("never comes");
  expect(() => times("0 9 * * *", "2026-01-01T00:00", 1, "Mars/Base")).toThrow("unknown time zone 'Mars/Base'");
  expect(() => everySchedule("10ms")).toThrow('"1s" is the least');
});

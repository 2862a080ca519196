import { expect, test } from "bun:test";
import { describeDuration, durationMs } from "../../src/bot/duration.ts";

test("durations are a number and a unit", () => {
  expect([durationMs("250ms"), durationMs("10s"), durationMs("1.5m"), durationMs("2h"), durationMs("1d")]).toEqual([
    250, 10_000, 90_000, 7_200_000, 86_400_000,
  ]);
});

test("anything else is refused with an example", () => {
  for (const text of ["-5s", "1e3s", "0x1s"] as const) {
    expect(() => durationMs(text)).toThrow(`"${text}" is not a duration`);
  }
  // @ts-expect-error -- a unit that does not exist
  expect(() => durationMs("10 seconds")).toThrow("is not a duration");
});

test("what is left is told in whole units, rounded up", () => {
  expect([1, 7_200, 120_000, 121_000, 7_200_001, 172_800_001].map(describeDuration)).toEqual([
    "1 s",
    "8 s",
    "120 s",
    "3 m",
    "3 h",
    "3 d",
  ]);
});

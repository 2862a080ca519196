/** What people read. */
import { expect, test } from "bun:test";
import { formatResult, isMet } from "../../bench/table.ts";
import { DELAY, question, result, SPEED } from "./setting.ts";

test("a table shows every figure with its unit, the ratio, and whether what is wanted is met", () => {
  const table = formatResult(question(), result({ speed: 12_345.6, delay: 250 }));
  expect(table.split("\n")).toEqual([
    "          limit     warren   ratio  wanted",
    "  speed  100 /s  12,346 /s  123.46   ≥ 0.5      met",
    "  delay  100 µs     250 µs    2.50     ≤ 2  not met",
  ]);
});

test("what was not measured is left empty, and so is a row in which nothing is wanted", () => {
  const rows = [{ name: "speed", unit: "/s", isMoreBetter: true }, DELAY];
  const medians = { limit: { speed: 9.876 }, warren: { speed: 4.938 }, nats: { delay: 0.123 } };
  const [, speed, delay] = formatResult(question({ rows }), result({}, { medians })).split("\n");
  expect(speed?.trim().split(/ {2,}/)).toEqual(["speed", "9.88 /s", "4.94 /s", "0.50"]);
  expect(delay?.trim().split(/ {2,}/)).toEqual(["delay", "0.12 µs", "≤ 2"]);
});

test("the wanted ratio itself is enough, in both directions", () => {
  expect([isMet(SPEED, 0.5), isMet(SPEED, 0.499), isMet(DELAY, 2), isMet(DELAY, 2.001)]).toEqual([
    true,
    false,
    true,
    false,
  ]);
});

import { expect, test } from "bun:test";
import type { PeerId, PeerInfo } from "../../src/base/ids.ts";
import { createPaint, wantsColour } from "../../src/cli/paint.ts";
import { historyLines, timeOf, userLines } from "../../src/cli/present.ts";

const plain = createPaint(false);
const person = (name: string): PeerInfo => ({ id: name.padEnd(52, "a") as PeerId, name, kind: "person" });
const NOW = new Date(2026, 4, 7, 12, 30).getTime();

test("the time is enough today; on other days the date is there too", () => {
  expect(timeOf(new Date(2026, 4, 7, 9, 5).getTime(), NOW)).toBe("09:05");
  expect(timeOf(new Date(2026, 4, 6, 23, 59).getTime(), NOW)).toBe("2026-05-06 23:59");
});

test("users stand in columns, who is online first", () => {
  const bob = { ...person("bob"), online: false, self: false, addresses: [] };
  const ann = { ...person("annabel"), online: true, self: true, addresses: ["10.0.0.1:1", "[fd00::1]:1"] };
  expect(userLines([bob, ann], plain)).toEqual([
    "● annabel  you    annabela  10.0.0.1:1 +1",
    "○ bob      person bobaaaaa",
  ]);
});

test("history says what did not arrive, and shows control characters instead of sending them", () => {
  const line = { id: "1", from: person("ann"), at: NOW, text: "a\u001b[2J\nb" };
  expect(historyLines([{ ...line, state: "handled" }], NOW, plain)).toEqual(["12:30 ann: a\\u001b[2J⏎b"]);
  expect(historyLines([{ ...line, state: "handled" }], NOW, plain, { ids: true })).toEqual([
    "12:30 1 ann: a\\u001b[2J⏎b",
  ]);
  const failed = { ...line, text: "x", state: "failed" as const, reason: "no\u0007" };
  expect(historyLines([failed], NOW, plain)).toEqual(["12:30 ann: x  (failed: no\\u0007)"]);
});

test("a history that once was longer says so where it begins", () => {
  const line = { id: "1", from: person("ann"), at: NOW, text: "x", state: "handled" } as const;
  expect(historyLines([line], NOW, plain, { forgotten: 1 })).toEqual([
    "1 older message is no longer kept",
    "12:30 ann: x",
  ]);
  expect(historyLines([], NOW, plain, { forgotten: 2 })).toEqual(["2 older messages are no longer kept"]);
});

test("colours are used on a terminal alone, and not against its user's will", () => {
  expect(wantsColour({ isTTY: true }, {})).toBe(true);
  expect(wantsColour({ isTTY: false }, {})).toBe(false);
  expect(wantsColour({ isTTY: true }, { NO_COLOR: "1" })).toBe(false);
  expect(wantsColour({ isTTY: true }, { TERM: "dumb" })).toBe(false);
  const colour = createPaint(true);
  expect(colour.name("ann")).toBe(colour.name("ann"));
  expect(Bun.stripANSI(colour.name("ann"))).toBe("ann");
  expect(plain.name("ann") + plain.dim("x") + plain.bad("y")).toBe("annxy");
});

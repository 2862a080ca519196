import { expect, test } from "bun:test";
import { encodeData, isData, MAX_DATA_BYTES, MAX_DATA_DEPTH, type MessageData } from "../../src/wire/data.ts";

const codeOf = (data: unknown): string => {
  try {
    encodeData(data as MessageData);
    return "taken";
  } catch (error) {
    return (error as { code: string }).code;
  }
};

const nested = (depth: number): unknown => JSON.parse(`${'{"a":'.repeat(depth - 1)}{}${"}".repeat(depth - 1)}`);

test("data is an object, and nothing else is", () => {
  for (const no of [null, [], [{}], "{}", 1, true, undefined]) expect([no, isData(no)]).toEqual([no, false]);
  for (const yes of [{}, { a: null }, { a: [1, { b: "c" }] }]) expect([yes, isData(yes)]).toEqual([yes, true]);
});

test("data is bounded in bytes, not in characters", () => {
  const empty = JSON.stringify({ a: "" }).length;
  const full = { a: "é".repeat((MAX_DATA_BYTES - empty) / 2) };
  expect([isData(full), codeOf(full)]).toEqual([true, "taken"]);
  const over = { a: `${full.a}x` };
  expect([isData(over), codeOf(over)]).toEqual([false, "MESSAGE_TOO_LARGE"]);
});

test("data is bounded in depth, however deep a stranger makes it", () => {
  expect([isData(nested(MAX_DATA_DEPTH)), codeOf(nested(MAX_DATA_DEPTH))]).toEqual([true, "taken"]);
  expect([isData(nested(MAX_DATA_DEPTH + 1)), codeOf(nested(MAX_DATA_DEPTH + 1))]).toEqual([false, "FRAME_MALFORMED"]);
  expect(isData(JSON.parse(`{"a":${"[".repeat(100_000)}${"]".repeat(100_000)}}`))).toBe(false);
});

test("what JSON cannot say is no data", () => {
  const round: Record<string, unknown> = {};
  round["itself"] = round;
  for (const no of [round, { n: 1n }, [1], () => {}, new Date(0)]) expect(codeOf(no)).toBe("FRAME_MALFORMED");
});

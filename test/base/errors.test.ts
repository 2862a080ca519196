import { expect, test } from "bun:test";
import { describeError, isWarrenError, WarrenError } from "../../src/base/errors.ts";

test("an error is known by its code, and keeps its cause", () => {
  const cause = new Error("the reason");
  const error: unknown = new WarrenError("PORT_IN_USE", "port 1 is in use", { cause });
  expect(isWarrenError(error)).toBe(true);
  expect(isWarrenError(error, "CLOSED", "PORT_IN_USE")).toBe(true);
  expect(isWarrenError(error, "CLOSED")).toBe(false);
  expect(isWarrenError(cause)).toBe(false);
  expect(error).toMatchObject({ name: "WarrenError", code: "PORT_IN_USE", cause });
});

test("whatever is thrown is described in one line", () => {
  const thrown = [
    new WarrenError("CLOSED", "it is closed"),
    new TypeError("first\nsecond"),
    new RangeError(),
    "text",
    7,
    null,
  ];
  expect(thrown.map(describeError)).toEqual(["it is closed", "first", "RangeError", "text", "7", "null"]);
});

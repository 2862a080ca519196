import { expect, test } from "bun:test";
import { WarrenError } from "../../src/base/errors.ts";
import { errorEvent, errorFrom, parseCommand, refOf } from "../../src/cli/events.ts";

test("commands are read with their ref, and with nothing that they do not have", () => {
  expect(parseCommand('{"do":"send","to":"bob","text":"hi","ref":{"a":1},"more":2}')).toEqual({
    do: "send",
    to: "bob",
    text: "hi",
    ref: { a: 1 },
  });
  expect(parseCommand('{"do":"history","with":"bob"}')).toEqual({ do: "history", with: "bob" });
  expect(parseCommand('{"do":"history","with":"bob","limit":3,"ref":null}')).toEqual({
    do: "history",
    with: "bob",
    limit: 3,
    ref: null,
  });
  expect(parseCommand('{"do":"stop"}')).toEqual({ do: "stop" });
});

test("what is no command is refused with what was found and what was expected", () => {
  const cases: [line: string, found: RegExp][] = [
    ["{", /^a line that is not JSON/],
    ["[]", /^a line that is not an object/],
    ["{}", /^"do" is missing/],
    ['{"do":"toString"}', /^"do" is "toString"/],
    ['{"do":"send","to":"bob"}', /^"send" without a text in "text"/],
    ['{"do":"send","to":7,"text":""}', /^"send" without a text in "to"/],
    ['{"do":"history","with":"bob","limit":-1}', /^"limit" is -1, not a whole number/],
  ];
  for (const [line, found] of cases) {
    expect(() => parseCommand(line)).toThrow(found);
    expect(() => parseCommand(line)).toThrow(/expected one of \{"do":"send","to","text"\} .*\{"do":"users"\}/);
  }
});

test("the ref of a line that is no command is known where it can be", () => {
  expect(refOf('{"do":"dance","ref":5}')).toEqual({ ref: 5 });
  expect(refOf("rubbish")).toEqual({});
});

test("an error comes through another process as what it was", () => {
  const event = errorEvent(new WarrenError("PEER_UNKNOWN", "no peer named bob"));
  expect(event).toEqual({ event: "error", code: "PEER_UNKNOWN", message: "no peer named bob" });
  expect(errorFrom({ code: "PEER_UNKNOWN", message: "x" })).toBeInstanceOf(WarrenError);
  expect(errorFrom({ code: "UNEXPECTED", message: "x" })).not.toBeInstanceOf(WarrenError);
});

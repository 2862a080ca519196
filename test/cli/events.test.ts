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
  const any = /: \{"do":…\} was expected, with one of send, call, users, .*jobs-drop$/;
  const send = /: \{"do":"send","to","text"\} was expected$/;
  const cases: [line: string, found: RegExp, expected: RegExp][] = [
    ["{", /^a line that is not JSON/, any],
    ["[]", /^a line that is not an object/, any],
    ["{}", /^"do" is missing/, any],
    ['{"do":"toString"}', /^"do" is "toString"/, any],
    ['{"do":"send","to":"bob"}', /^"send" without a text in "text"/, send],
    ['{"do":"send","to":7,"text":""}', /^"send" without a text in "to"/, send],
    [
      '{"do":"history","with":"bob","limit":-1}',
      /^"limit" is -1, not a whole number/,
      /"history","with","limit"\} was/,
    ],
  ];
  for (const [line, found, expected] of cases) {
    expect(() => parseCommand(line)).toThrow(found);
    expect(() => parseCommand(line)).toThrow(expected);
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

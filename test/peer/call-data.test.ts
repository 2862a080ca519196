import { expect, test } from "bun:test";
import { isAnswer, readAnswer, readRequest, toRequestData } from "../../src/peer/call-data.ts";

test("a call comes back as it was written", () => {
  for (const confirmed of [false, true]) {
    const request = { command: "list add", args: { times: 3, note: null }, confirmed };
    expect(readRequest(toRequestData(request))).toEqual(request);
  }
  expect(readRequest({ call: { command: "roll" } })).toEqual({ command: "roll", args: {}, confirmed: false });
  expect(readRequest({ call: { command: "roll", confirmed: "yes" } })?.confirmed).toBe(false);
});

test("what means nothing as a call is none", () => {
  const wrong = [7, "roll", [], {}, { command: 7 }, { command: "x".repeat(101) }, { command: "roll", args: [1] }];
  for (const call of [...wrong, { command: "roll", args: null }])
    expect([call, readRequest({ call })]).toEqual([call, undefined]);
  expect([readRequest({}), readRequest(undefined)]).toEqual([undefined, undefined]);
});

test("an answer is what answers, and has a result or an error", () => {
  expect([{ result: undefined }, { error: null }].map((data) => isAnswer({ re: "m.1", data }))).toEqual([true, true]);
  expect([{}, { results: 1 }, { call: {} }].map((data) => isAnswer({ re: "m.1", data }))).toEqual([
    false,
    false,
    false,
  ]);
  expect([isAnswer({ data: { result: 1 } }), isAnswer({ re: "m.1" })]).toEqual([false, false]);
  expect(isAnswer({ room: "lab", re: "m.1", data: { result: 1 } })).toBe(false);
});

test("an error that cannot be read is a failure, and a long reason is cut", () => {
  const { error } = readAnswer({ error: { code: "BUSY", message: "x".repeat(1_000) } }) as {
    error: { message: string };
  };
  expect(error.message).toHaveLength(500);
  for (const wrong of [
    null,
    "no",
    { code: 7, message: "no" },
    { code: "c".repeat(65), message: "no" },
    { code: "BUSY" },
  ]) {
    expect(readAnswer({ error: wrong })).toMatchObject({ error: { code: "COMMAND_FAILED" } });
  }
});

import { expect, test } from "bun:test";
import { parseRecorded } from "../../src/bot/recording.ts";
import { ann } from "./fake-peer.ts";

const parse = (line: object): unknown => parseRecorded(JSON.stringify(line));

test("a line is read as what it is, without what nobody knows", () => {
  const line = { t: "in", at: 5, id: "m1", from: ann, text: "roll", data: { n: 1 } };
  expect(parse({ ...line, mood: "good" })).toEqual(line);
  expect(parse({ t: "result", at: 5, of: "effect once" })).toMatchObject({ t: "result", of: "effect once" });
});

test("what is wrong with a line is told with its place in it", () => {
  expect(parseRecorded("{")).toBe("it is no JSON");
  expect(parse({ t: "dance", at: 1 })).toStartWith("t: ");
  expect(parse({ t: "in", id: "m1", from: ann, text: "roll" })).toStartWith("at: ");
  expect(parse({ t: "in", at: 1, id: "m1", from: { ...ann, id: "ann" }, text: "roll" })).toBe("from.id: not a peer id");
  expect(parse({ t: "start", at: 1, version: 2, bot: ann, config: {}, registered: true })).toStartWith("version: ");
});

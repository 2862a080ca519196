import { expect, test } from "bun:test";
import { compileMismatch, type Match } from "../../src/bot/match.ts";
import { ann, somebody } from "./fake-peer.ts";

const compileMatch = (match: Match) => {
  const mismatch = compileMismatch(match);
  return (message: Parameters<typeof mismatch>[0]): boolean => mismatch(message) === undefined;
};

const robot = somebody("robot", "bot");
const direct = { from: ann, text: "Who threw the DICE?" };
const inRoom = { from: robot, text: "nothing", room: "lobby" };

test("no condition matches everything", () => {
  expect([direct, inRoom].map(compileMatch({}))).toEqual([true, true]);
});

test("a pattern is found in the text, and a piece of text whatever its case", () => {
  expect(compileMatch({ match: /\bdice\b/i })(direct)).toBe(true);
  expect(compileMatch({ match: /\bdice\b/ })(direct)).toBe(false);
  expect([direct, inRoom].map(compileMatch({ match: "dice" }))).toEqual([true, false]);
});

test("a global pattern matches every time", () => {
  const matches = compileMatch({ match: /dice/gi });
  expect([matches(direct), matches(direct), matches(direct)]).toEqual([true, true, true]);
});

test("all conditions must hold together", () => {
  expect([direct, inRoom].map(compileMatch({ kind: "bot", direct: false, room: "lobby" }))).toEqual([false, true]);
  expect([direct, inRoom].map(compileMatch({ kind: "bot", direct: true }))).toEqual([false, false]);
  expect([direct, inRoom].map(compileMatch({ from: [ann.id] }))).toEqual([true, false]);
  expect(compileMatch({ from: ann.id, match: "nothing" })(direct)).toBe(false);
});

test("a sender is an id, because a name can be given to anybody", () => {
  expect(() => compileMismatch({ from: "ann" })).toThrow('from: "ann" is not a peer id');
});

test("the first condition that does not hold is named", () => {
  expect(compileMismatch({ kind: "bot", match: "nothing" })(direct)).toBe("kind bot");
});

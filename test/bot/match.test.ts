import { expect, test } from "bun:test";
import { compileMatch } from "../../src/bot/match.ts";
import { ann, somebody } from "./fake-peer.ts";

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
  expect(() => compileMatch({ from: "ann" })).toThrow('from: "ann" is not a peer id');
});

import { expect, test } from "bun:test";
import { readCall } from "../../src/bot/call.ts";
import { ann, somebody } from "./fake-peer.ts";

const dice = somebody("dice", "bot");

test("in a direct chat the word is enough", () => {
  expect(readCall({ text: " Roll  --sides 6" }, dice)).toEqual({
    name: "roll",
    line: "  --sides 6",
    isAddressed: true,
  });
  expect(readCall({ text: "!roll" }, dice)).toMatchObject({ name: "roll", isAddressed: true });
  expect(readCall({ text: "@dice roll" }, dice)).toMatchObject({ name: "roll", isAddressed: true });
});

test("in a room a command needs its mark or the bot's name", () => {
  const room = "lobby";
  expect(readCall({ text: "roll", room }, dice)).toBeUndefined();
  expect(readCall({ text: "!roll 6", room }, dice)).toEqual({ name: "roll", line: " 6", isAddressed: false });
  expect(readCall({ text: "@Dice, roll 6", room }, dice)).toEqual({ name: "roll", line: " 6", isAddressed: true });
});

test("what is said to another, or says nothing, is no call", () => {
  expect(readCall({ text: "@karma roll" }, dice)).toBeUndefined();
  expect(readCall({ text: "  \n" }, dice)).toBeUndefined();
  expect(readCall({ text: "!" }, dice)).toBeUndefined();
});

test("on a person's own peer, words are not commands", () => {
  expect(readCall({ text: "help me move" }, ann)).toBeUndefined();
  expect(readCall({ text: "!roll" }, ann)).toMatchObject({ name: "roll", isAddressed: false });
});

import { expect, test } from "bun:test";
import { readSaidCommand } from "../../src/bot/said-command.ts";
import { ann, somebody } from "./fake-peer.ts";

const dice = somebody("dice", "bot");

test("in a direct chat the word is enough", () => {
  expect(readSaidCommand({ text: " Roll  --sides 6" }, dice)).toEqual({
    name: "roll",
    line: "  --sides 6",
    isAddressed: true,
  });
  expect(readSaidCommand({ text: "!roll" }, dice)).toMatchObject({ name: "roll", isAddressed: true });
  expect(readSaidCommand({ text: "@dice roll" }, dice)).toMatchObject({ name: "roll", isAddressed: true });
});

test("in a room a command needs its mark or the bot's name", () => {
  const room = "lobby";
  expect(readSaidCommand({ text: "roll", room }, dice)).toBeUndefined();
  expect(readSaidCommand({ text: "!roll 6", room }, dice)).toEqual({ name: "roll", line: " 6", isAddressed: false });
  expect(readSaidCommand({ text: "@Dice, roll 6", room }, dice)).toEqual({
    name: "roll",
    line: " 6",
    isAddressed: true,
  });
});

test("what is said to another, or says nothing, is no command", () => {
  expect(readSaidCommand({ text: "@karma roll" }, dice)).toBeUndefined();
  expect(readSaidCommand({ text: "  \n" }, dice)).toBeUndefined();
  expect(readSaidCommand({ text: "!" }, dice)).toBeUndefined();
});

test("on a person's own peer, words are not commands", () => {
  expect(readSaidCommand({ text: "help me move" }, ann)).toBeUndefined();
  expect(readSaidCommand({ text: "!roll" }, ann)).toMatchObject({ name: "roll", isAddressed: false });
});

import { expect, test } from "bun:test";
import { Commands } from "../../src/bot/commands.ts";
import type { BotMessage } from "../../src/bot/plugin.ts";
import { ManualClock } from "../../src/testing/manual-clock.ts";
import { ann, somebody } from "./fake-peer.ts";

function bot() {
  const commands = new Commands(somebody("dice", "bot"), "rolls dice", new ManualClock());
  const endOfRoll = commands.add("roll", { about: "roll some dice", run: ({ reply }) => reply("rolled") });
  const ask = async (text: string, room?: string): Promise<string> => {
    const said: string[] = [];
    await commands.take(message(text, room, said), () => Promise.resolve(void said.push("(nobody's)")));
    return said.join("; ");
  };
  return {
    commands,
    endOfRoll,
    ask,
    lastWord: (text: string, room?: string) => commands.lastWord(message(text, room)),
  };
}

test("a message is the command's whose word it begins with", async () => {
  const { ask } = bot();
  expect(await ask("Roll")).toBe("rolled");
  expect(await ask("rolling")).toBe("(nobody's)");
  expect(await ask("roll", "lobby")).toBe("(nobody's)");
  expect(await ask("!roll", "lobby")).toBe("rolled");
  expect(await ask("@dice roll", "lobby")).toBe("rolled");
});

test("every bot explains itself", async () => {
  const { ask } = bot();
  expect(await ask("help")).toBe("rolls dice\n  roll: roll some dice\n  help [command...]: what this bot can do");
  expect(await ask("help roll")).toBe("roll: roll some dice");
  expect(await ask("help !Roll")).toBe("roll: roll some dice");
  expect(await ask("help me please")).toStartWith("rolls dice");
});

test("a bot may have a help of its own", async () => {
  const { ask, commands } = bot();
  const end = commands.add("help", { about: "my own", run: ({ reply }) => reply("mine") });
  expect(await ask("help")).toBe("mine");
  end();
  expect(await ask("help")).toStartWith("rolls dice");
});

test("a command that is ended is gone, from the card too, and may come again", async () => {
  const { ask, commands, endOfRoll } = bot();
  expect(commands.card.commands.map((card) => card.name)).toEqual(["roll"]);
  expect(() => commands.add("roll", { about: "again", run: () => {} })).toThrow('command "roll" is there twice');
  endOfRoll();
  expect(await ask("roll")).toBe("(nobody's)");
  expect(commands.card.commands).toEqual([]);
  commands.add("roll", { about: "again", run: ({ reply }) => reply("rolled again") });
  endOfRoll();
  expect(await ask("roll")).toBe("rolled again");
});

test("the last word is for what was said to this bot, and guesses what was meant", () => {
  const { lastWord } = bot();
  expect(lastWord("good morning")).toBe("rolls dice (commands: roll, help)");
  expect(lastWord("rol 6")).toBe('did you mean "roll"? rolls dice (commands: roll, help)');
  expect(lastWord("@dice hello", "lobby")).toBe("rolls dice (commands: roll, help)");
  expect(lastWord("!rol", "lobby")).toBeUndefined();
  expect(lastWord("good morning", "lobby")).toBeUndefined();
});

function message(text: string, room?: string, said: string[] = []): BotMessage {
  return {
    id: "m",
    from: ann,
    text,
    at: 0,
    hops: 0,
    attempt: 1,
    signal: new AbortController().signal,
    ...(room !== undefined && { room }),
    reply: async (answer) => await Promise.resolve(void said.push(answer)),
  };
}

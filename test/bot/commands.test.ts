import { expect, test } from "bun:test";
import { z } from "zod";
import { Commands } from "../../src/bot/commands.ts";
import type { BotMessage } from "../../src/bot/plugin.ts";
import { ann, commandsHost, somebody, wholeOf } from "./fake-peer.ts";

function bot() {
  const commands = new Commands(somebody("dice", "bot"), "rolls dice", commandsHost());
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
    lastWord: (text: string, room?: string) => commands.lastWord(message(text, room))?.text,
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

test("a name may have three words: the longest that was typed is meant", async () => {
  const { commands, ask } = bot();
  const echo = (name: string): void => {
    const args = z.object({ rest: z.string().optional() });
    commands.add(name, {
      about: `do ${name}`,
      args,
      run: ({ args: { rest }, reply }) => reply(`${name}(${String(rest)})`),
    });
  };
  for (const name of ["list", "list add", "list add all"]) echo(name);
  expect(await ask("list it")).toBe("list(it)");
  expect(await ask("List  ADD  Milk and eggs")).toBe("list add(Milk and eggs)");
  expect(await ask("list add all of it")).toBe("list add all(of it)");
  expect(await ask("!list add", "lobby")).toBe("list add(undefined)");
  expect(commands.card.commands.map(({ name }) => name)).toEqual(["roll", "list", "list add", "list add all"]);
  expect(() => echo("list add all now")).toThrow('command "list add all now": a command\'s name is one to three words');
  expect(() => echo("list  add")).toThrow("a command's name is one to three words");
});

test("help tells of commands of several words, alone and together", async () => {
  const { commands, ask, lastWord } = bot();
  for (const name of ["list add", "list clear"]) commands.add(name, { about: `do ${name}`, run: () => {} });
  expect(await ask("help list add")).toBe("list add: do list add");
  expect(await ask("help !List  Clear")).toBe("list clear: do list clear");
  expect(await ask("help list")).toBe("rolls dice\n  list add: do list add\n  list clear: do list clear");
  expect(await ask("list")).toBe("(nobody's)");
  expect(lastWord("list")).toStartWith('did you mean "list add"? ');
  expect(lastWord("lst clar now")).toStartWith('did you mean "list clear"? ');
  expect(lastWord("list it")).toStartWith('did you mean "list add"? ');
  expect(lastWord("rol clear")).toStartWith('did you mean "roll"? ');
});

test("other names call the same command, help tells them, and they end with it", async () => {
  const { commands, ask, lastWord } = bot();
  const end = commands.add("draw", { about: "draw", aliases: ["d", "pick one"], run: ({ reply }) => reply("drawn") });
  expect([await ask("d"), await ask("pick one")]).toEqual(["drawn", "drawn"]);
  expect(await ask("help d")).toBe("draw: draw (or d, pick one)");
  expect(await ask("help")).toContain("\n  draw: draw (or d, pick one)\n");
  expect(lastWord("pick oen")).toStartWith('did you mean "pick one"? ');
  expect(commands.card.commands.map(({ name }) => name)).toEqual(["roll", "draw"]);
  expect(() => commands.add("d", { about: "d", run: () => {} })).toThrow('command "d" is there twice');
  expect(() => commands.add("e", { about: "e", aliases: ["roll"], run: () => {} })).toThrow('"roll" is there twice');
  expect(() => commands.add("e", { about: "e", aliases: ["e"], run: () => {} })).toThrow('"e" is there twice');
  expect(() => commands.add("e", { about: "e", aliases: ["E!"], run: () => {} })).toThrow('"E!" is not');
  end();
  expect(await ask("d")).toBe("(nobody's)");
  commands.add("d", { about: "another", run: ({ reply }) => reply("another") });
  expect(await ask("d")).toBe("another");
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
    reply: async (answer) => void said.push(await wholeOf(answer)),
  };
}

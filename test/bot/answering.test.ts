import { expect, test } from "bun:test";
import { z } from "zod";
import { definePlugin, type Bot } from "../../src/bot/plugin.ts";
import { secret } from "../../src/bot/secret.ts";
import { createTestWarren, type TestWarren } from "../../src/testing/kit.ts";

async function clerk(setup: (bot: Bot) => unknown): Promise<TestWarren> {
  return await createTestWarren({ plugins: [definePlugin({ name: "clerk", about: "files things", setup })] });
}

/** What comes of a call, an error by its code and message. */
async function call(warren: TestWarren, command: string, args = {}, options = {}): Promise<unknown> {
  const calling = warren.person("ann").calls("clerk", command, args, options);
  return await calling.catch((error: { code?: string; message: string }) => `${error.code}: ${error.message}`);
}

const FILE = z.object({ name: z.string(), copies: z.number().int().max(9).default(1), isRed: z.boolean().optional() });

test("the result is what the command gives back, as JSON says it; or what it said, or null", async () => {
  await using warren = await clerk((bot) => {
    bot.command("object", { about: "object", run: () => ({ a: [1, "b"], c: undefined, d: new Date(0) }) });
    bot.command("words", { about: "words", run: ({ reply }) => reply("one").then(() => reply("two")) });
    bot.command("both", { about: "both", run: async ({ reply }) => (await reply("a word"), false) });
    bot.command("nothing", { about: "nothing", run: () => {} });
    bot.command("function", { about: "function", run: () => call });
    bot.command("sent", { about: "sent", run: async ({ from }) => ({ sent: await bot.send(from.id, "hello") }) });
  });
  expect(await call(warren, "object")).toEqual({ a: [1, "b"], d: "1970-01-01T00:00:00.000Z" });
  expect(await call(warren, "words")).toBe("one\ntwo");
  expect(await call(warren, "both")).toBe(false);
  expect([await call(warren, "nothing"), await call(warren, "function")]).toEqual([null, null]);
  expect(warren.person("ann").heard).toEqual([]);
  expect(await call(warren, "sent")).toMatchObject({ sent: { to: { name: "ann" } } });
  expect(warren.person("ann").heard).toEqual(["hello"]);
});

test("what is said after the answer is a message of its own", async () => {
  await using warren = await clerk((bot) => {
    bot.command("later", {
      about: "later",
      run: ({ reply }) => void warren.clock.after(1_000, () => void reply("by the way")),
    });
  });
  expect(await call(warren, "later")).toBeNull();
  await warren.clock.advance(1_000);
  await warren.quiet();
  expect(warren.person("ann").heard).toEqual(["by the way"]);
});

test("arguments are values: they are taken as they are, filled up, and refused by name", async () => {
  await using warren = await clerk((bot) => {
    bot.command("file", { about: "file", args: FILE, run: ({ args }) => args });
  });
  expect(await call(warren, "file", { name: "2", isRed: true })).toEqual({ name: "2", copies: 1, isRed: true });
  expect(await call(warren, "File", { name: "--copies 3", copies: 2 })).toEqual({ name: "--copies 3", copies: 2 });
  const refused = {
    "COMMAND_ARGUMENTS: clerk: name is missing": {},
    'COMMAND_ARGUMENTS: clerk: there is no argument "copis"; did you mean "copies"?': { name: "a", copis: 2 },
    'COMMAND_ARGUMENTS: clerk: "10" is too big: at most 9 (copies)': { name: "a", copies: 10 },
    "COMMAND_ARGUMENTS: clerk: Invalid input: expected number, received string (copies)": { name: "a", copies: "2" },
  };
  for (const [sentence, args] of Object.entries(refused)) expect(await call(warren, "file", args)).toBe(sentence);
});

test("a command that is not there is an error that says which one may be meant", async () => {
  await using warren = await clerk((bot) => {
    bot.command("list add", { about: "add", aliases: ["add"], run: () => "added" });
    bot.command("shred", { about: "shred", run: () => {} });
  });
  expect(await call(warren, "Shret")).toBe(
    'COMMAND_UNKNOWN: clerk: there is no command "shret"; did you mean "shred"?',
  );
  expect(await call(warren, "list ad")).toEndWith('there is no command "list ad"; did you mean "list add"?');
  expect(await call(warren, "x".repeat(60))).toEndWith(" (commands: list add, shred, help)");
  expect([await call(warren, "list  add"), await call(warren, "add")]).toEqual(["added", "added"]);
  expect(await call(warren, "help", { command: "shred" })).toBe("shred: shred");
});

test("guards and cooldowns hold for calls, and are told each time", async () => {
  await using warren = await clerk((bot) => {
    bot.command("file", { about: "file", args: FILE, allow: ({ args }) => args.copies < 3, run: () => "filed" });
    bot.command("stamp", { about: "stamp", cooldown: { max: 1, per: "1m" }, run: () => "stamped" });
  });
  expect(await call(warren, "file", { name: "a", copies: 2 })).toBe("filed");
  expect(await call(warren, "file", { name: "a", copies: 4 })).toBe('COMMAND_DENIED: clerk: you may not use "file"');
  expect(await call(warren, "stamp")).toBe("stamped");
  for (let i = 0; i < 2; i++)
    expect(await call(warren, "stamp")).toStartWith("COMMAND_TOO_SOON: clerk: too soon: again in");
});

test("a command that asks first is done for a call that is confirmed, and for no other", async () => {
  let shredded = 0;
  await using warren = await clerk((bot) => {
    bot.command("shred", { about: "shred", args: FILE, confirm: ({ name }) => `${name}?`, run: () => ++shredded });
  });
  expect(await call(warren, "shred", { name: "a" })).toBe(
    'COMMAND_UNCONFIRMED: clerk: it asks first: "a?" (confirmed: true says yes)',
  );
  expect(await call(warren, "shred", { name: "a" }, { confirmed: true })).toBe(1);
});

test("a call is no answer to a question that the same person was asked", async () => {
  await using warren = await clerk((bot) => {
    const talk = bot.dialog(
      "talk",
      async (dialog) => await dialog.say("end", await dialog.ask("name", "name?", z.string())),
    );
    bot.command("talk", { about: "talk", run: ({ from }) => talk.start(from) });
    bot.command("shred", { about: "shred", confirm: "sure?", run: ({ reply }) => reply("shredded") });
    bot.command("yes", { about: "yes", run: () => "a call" });
  });
  const ann = warren.person("ann");
  await ann.says("talk", { to: "clerk" });
  expect(await call(warren, "yes")).toBe("a call");
  await ann.says("bob", { to: "clerk" });
  await ann.says("shred", { to: "clerk" });
  expect(await call(warren, "yes")).toBe("a call");
  await ann.says("yes", { to: "clerk" });
  expect(ann.heard).toEqual(["name?", "bob", expect.stringContaining("sure?"), "shredded"]);
});

test("what fails in a command is told to the caller without secrets, and to the bot's author; it is not tried again", async () => {
  let runs = 0;
  const failures: string[] = [];
  const plugin = definePlugin({
    name: "clerk",
    about: "files things",
    config: z.object({ key: secret() }),
    setup(bot) {
      bot.on("error", ({ where }) => void failures.push(where));
      bot.command("file", {
        about: "file",
        run: () => {
          runs++;
          throw new Error(`the key ${bot.config.key} does not fit`);
        },
      });
      bot.command("huge", { about: "huge", run: () => "x".repeat(40_000) });
      bot.command("wordy", { about: "wordy", run: () => Promise.reject(new Error("no ".repeat(40_000))) });
      bot.command("round", { about: "round", run: () => ({ n: 1n }) });
    },
  });
  await using warren = await createTestWarren({ plugins: [plugin], config: { clerk: { key: "tops3cret" } } });
  const told = await call(warren, "file");
  expect(told).toMatch(/^COMMAND_FAILED: clerk: the key .* does not fit$/);
  expect(told).not.toContain("tops3cret");
  await warren.clock.advance(20_000);
  expect([runs, failures]).toEqual([1, ["a call of ann failed"]]);
  expect(await call(warren, "wordy")).toBe(`COMMAND_FAILED: clerk: ${"no ".repeat(200).slice(0, 500)}`);
  expect(await call(warren, "huge")).toMatch(/^COMMAND_FAILED: clerk: its result cannot be sent: .* 32768 fit/);
  expect(await call(warren, "round")).toStartWith("COMMAND_FAILED: clerk: its result cannot be sent: ");
});

test("a hook that sees messages before the commands sees calls, and may take one", async () => {
  await using warren = await clerk((bot) => {
    bot.on("message", { order: "pre" }, async (message, next) => {
      if (message.text.includes("red")) return await message.reply("not today");
      if (!message.text.includes("silent")) return await next();
    });
    bot.command("file", { about: "file", args: FILE, run: ({ args }) => args.name });
  });
  expect(await call(warren, "file", { name: "blue" })).toBe("blue");
  expect(await call(warren, "file", { name: "red" })).toBe("COMMAND_DENIED: clerk: not today");
  expect(await call(warren, "file", { name: "silent" })).toStartWith("COMMAND_DENIED: clerk: ");
});

test("calls do not wait for one another, as messages do", async () => {
  const gate = Promise.withResolvers<string>();
  await using warren = await clerk((bot) => {
    bot.command("slow", { about: "slow", run: () => gate.promise });
    bot.command("fast", { about: "fast", run: () => gate.resolve("slow") });
  });
  await call(warren, "help"); // ann is there
  const slow = call(warren, "slow");
  expect([await call(warren, "fast"), await slow]).toEqual([null, "slow"]);
});

test("a command that a crash interrupts runs again, and the caller gets one answer", async () => {
  const attempts: number[] = [];
  await using warren = await clerk((bot) => {
    bot.command("file", {
      about: "file",
      async run({ message }) {
        attempts.push(message.attempt);
        await bot.effect("begin", () => {}); // from here on it is on disk that it has come
        if (message.attempt === 1) await warren.restart("clerk").then(() => new Promise(() => {}));
        return "filed";
      },
    });
  });
  expect([await call(warren, "file"), attempts]).toEqual(["filed", [1, 2]]);
});

test("a call that a reload interrupts is answered by the edited bot", async () => {
  const edited = definePlugin({
    name: "clerk",
    about: "files things",
    setup: (bot) => bot.command("file", { about: "file", run: () => "filed by the new one" }),
  });
  let reloading: Promise<void> | undefined;
  await using warren = await clerk((bot) => {
    bot.command("file", {
      about: "file",
      run: ({ signal }) => {
        reloading = warren.reload("clerk", edited);
        return new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
      },
    });
  });
  expect(await call(warren, "file")).toBe("filed by the new one");
  await reloading;
});

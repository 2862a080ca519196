import { expect, test } from "bun:test";
import { z } from "zod";
import dice from "../../bots/dice.ts";
import { MAX_HOPS } from "../../src/bot/loops.ts";
import { definePlugin, type Plugin } from "../../src/bot/plugin.ts";
import { createTestWarren } from "../../src/testing/kit.ts";

const ROLLED = z.object({ sum: z.number() });

/** What comes of it: an error by its code and message. */
async function outcome(calling: Promise<unknown>): Promise<unknown> {
  return await calling.catch((error: { code?: string; message: string }) => `${error.code}: ${error.message}`);
}

const gambler = definePlugin({
  name: "gambler",
  about: "plays",
  setup(bot) {
    bot.command("play", {
      about: "throw some dice",
      async run({ reply }) {
        const { sum } = await bot.call("dice", "roll", { times: 3 }, { result: ROLLED });
        await reply(`I have thrown ${sum.toFixed(1)}`);
      },
    });
    bot.on("message", ({ text }) => bot.log.error(`heard ${text}`));
  },
});

test("a bot has another one do a command, and gets a result; neither hears what is said meanwhile", async () => {
  await using warren = await createTestWarren({ plugins: [dice, gambler], seed: 7 });
  const ann = warren.person("ann");
  await ann.says("play", { to: "gambler" });
  expect(ann.heard).toEqual([expect.stringMatching(/^I have thrown \d+\.0$/)]);
  expect(warren.errors).toEqual([]);
});

test("a person's program calls too, and hears nothing of it", async () => {
  await using warren = await createTestWarren({ plugins: [dice], seed: 7 });
  const ann = warren.person("ann");
  const rolled = await ann.calls("dice", "roll", { times: 2 }, { result: ROLLED });
  expect(rolled.sum).toBeWithin(2, 13);
  expect(await ann.calls("dice", "count")).toBe("2");
  expect(ann.heard).toEqual([]);
});

test("a result that does not fit is an error that says where", async () => {
  await using warren = await createTestWarren({ plugins: [dice] });
  const ann = warren.person("ann");
  const result = z.object({ thrown: z.array(z.string()) });
  expect(await outcome(ann.calls("dice", "roll", {}, { result }))).toStartWith(
    'RESULT_INVALID: dice: "roll" gave what does not fit: result.thrown.0: ',
  );
});

test("a handler that a crash interrupts asks once, and goes on with the answer", async () => {
  const asked: string[] = [];
  const oracle = definePlugin({
    name: "oracle",
    about: "knows",
    setup(bot) {
      bot.command("think", {
        about: "while the other one is killed",
        async run({ message }) {
          asked.push(message.text);
          await warren.restart("pilgrim");
          return asked.length;
        },
      });
    },
  });
  const attempts: number[] = [];
  const pilgrim = definePlugin({
    name: "pilgrim",
    about: "asks",
    setup(bot) {
      bot.command("ask", {
        about: "ask",
        async run({ message, reply }) {
          attempts.push(message.attempt);
          await reply(String(await bot.call("oracle", "think")));
        },
      });
    },
  });
  await using warren = await createTestWarren({ plugins: [oracle, pilgrim] });
  const ann = warren.person("ann");
  await ann.says("ask", { to: "pilgrim" });
  expect([asked, attempts, ann.heard]).toEqual([["think"], [1, 2], ["1"]]);
});

test("jobs and dialogs call as well, and once", async () => {
  const caller = definePlugin({
    name: "caller",
    about: "calls",
    setup(bot) {
      const later = bot.job("later", async () => {
        const { sum } = await bot.call("dice", "roll", { times: 1 }, { result: ROLLED });
        await bot.send("ann", `job ${typeof sum}`);
      });
      const talk = bot.dialog("talk", async (dialog) => {
        const times = await dialog.ask("times", "how many?", z.number());
        const { sum } = await bot.call("dice", "roll", { times }, { result: ROLLED });
        await dialog.say("sum", `dialog ${typeof sum}`);
      });
      bot.command("later", { about: "later", run: () => later.in("1m") });
      bot.command("talk", { about: "talk", run: ({ from }) => talk.start(from) });
    },
  });
  await using warren = await createTestWarren({ plugins: [dice, caller] });
  const ann = warren.person("ann");
  await ann.says("later", { to: "caller" });
  await warren.clock.advance(60_000);
  await warren.quiet();
  await ann.says("talk", { to: "caller" });
  await ann.says("2", { to: "caller" });
  expect(ann.heard).toEqual(["job number", "how many?", "dialog number"]);
});

test("bots that call each other because of a call come to an end", async () => {
  let calls = 0;
  const player = (name: string, other: string): Plugin =>
    definePlugin({
      name,
      about: "plays",
      setup(bot) {
        bot.command("ping", { about: "ping", run: async () => (calls++, await bot.call(other, "ping")) });
      },
    });
  await using warren = await createTestWarren({ plugins: [player("tick", "tock"), player("tock", "tick")] });
  const ann = warren.person("ann");
  expect(await outcome(ann.calls("tick", "ping"))).toMatch(/^COMMAND_FAILED: tick: .*tock: .* was not sent: /);
  expect(calls).toBe(MAX_HOPS + 1);
});

test("what goes out of a bot may be changed or stopped: the answer keeps its result, and a stopped call is an error", async () => {
  const strict = definePlugin({
    name: "strict",
    about: "speaks little",
    setup(bot) {
      bot.outgoing(({ to, text }, next) =>
        text.includes("secret") ? undefined : next({ to, text: text.toUpperCase() }),
      );
      bot.command("leak", { about: "leak", run: () => "a secret" });
      bot.command("tell", { about: "tell", run: () => ({ a: "b" }) });
      bot.command("ask", {
        about: "ask",
        args: z.object({ what: z.string() }),
        run: async ({ args }) => String(await outcome(bot.call("dice", args.what))).split(":")[0],
      });
    },
  });
  await using warren = await createTestWarren({ plugins: [dice, strict] });
  const ann = warren.person("ann");
  expect(await ann.calls("strict", "tell")).toEqual({ a: "b" });
  expect(await ann.calls("strict", "ask", { what: "count" })).toBe("0");
  expect(await ann.calls("strict", "ask", { what: "secret" })).toBe("CALL_NOT_SENT");
  expect(await outcome(ann.calls("strict", "leak"))).toBe("COMMAND_FAILED: strict: its answer was held back");
});

test("a bot that ends waits for no answer any more, and leaves nothing behind", async () => {
  let result: unknown;
  const waiter = definePlugin({
    name: "waiter",
    about: "waits",
    setup: (bot) => bot.on("started", async () => void (result = await outcome(bot.call("ann", "nothing")))),
  });
  await using warren = await createTestWarren({ plugins: [] });
  await warren
    .person("ann")
    .says("hello", { to: "ann" })
    .catch(() => {});
  await warren.addBot(waiter);
  expect(result).toBeUndefined();
  await warren.end("waiter");
  expect([result, await warren.leaks()]).toEqual([expect.stringMatching(/^CLOSED: waiter has ended/), []]);
});

import { describe, expect, test } from "bun:test";
import { z } from "zod";
import { MAX_HOPS, MAX_PER_MINUTE } from "../../src/bot/loops.ts";
import { type Bot, definePlugin, type Plugin } from "../../src/bot/plugin.ts";
import { createTestWarren } from "../../src/testing/kit.ts";
import { TEST_NETWORKS } from "../../src/testing/test-network.ts";

const plugin = (name: string, setup: (bot: Bot) => unknown): Plugin =>
  definePlugin({ name, about: `is ${name}`, setup });

const forgetful = (word: string): Plugin =>
  plugin("counter", (bot) => {
    let inMemory = 0;
    const onDisk = bot.store<number>("counts");
    bot.on("message", async ({ reply }) => {
      const count = await onDisk.update("count", (n = 0) => n + 1);
      await reply(`${word} ${++inMemory} ${count}`);
    });
  });

describe.each(TEST_NETWORKS)("%s", (network) => {
  test("what is said without waiting is said in its order", async () => {
    const clerk = plugin("clerk", (bot) => bot.on("message", ({ text, reply }) => reply(text)));
    await using warren = await createTestWarren({ plugins: [clerk], network });
    const ann = warren.person("ann");
    const texts = Array.from({ length: 100 }, (_, n) => `text ${n}`);
    await Promise.all(texts.map((text) => ann.says(text, { to: "clerk" })));
    expect(ann.heard).toEqual(texts);
  });

  test("what people say is answered before the test goes on, and each hears only what is theirs", async () => {
    await using warren = await createTestWarren({
      network,
      plugins: [plugin("echo", (bot) => bot.on("message", ({ text, from, reply }) => reply(`${from.name}: ${text}`)))],
    });
    const [ann, bob] = [warren.person("ann"), warren.person("bob")];
    expect(await ann.says("hi", { to: "echo" })).toMatchObject({ state: "handled" });
    await bob.says("hello", { to: "echo" });
    expect([ann.heard, bob.heard]).toEqual([["ann: hi"], ["bob: hello"]]);
    expect(warren.person("ann")).toBe(ann);
  });

  test("people talk to each other, too", async () => {
    await using warren = await createTestWarren({ network, plugins: [] });
    const bob = warren.person("bob");
    await warren.person("ann").says("hi", { to: "bob" });
    expect(bob.heard).toEqual(["hi"]);
  });

  test("everything that a message causes is done: bots that ask bots, and what they answer", async () => {
    const asker = plugin("asker", (bot) => {
      const asking = bot.store<string>("asking"); // who is waiting, by what was asked
      bot.command("ask", {
        about: "ask another bot",
        args: z.object({ bot: z.string(), question: z.string() }),
        async run({ args, from }) {
          await asking.set(args.question, from.id);
          await bot.send(args.bot, args.question);
        },
      });
      bot.on("message", { kind: "bot" }, ({ text }) => bot.send(asking.get(text) ?? "", `they said ${text}`));
    });
    const echo = plugin("echo", (bot) => bot.on("message", ({ text, reply }) => reply(text)));
    await using warren = await createTestWarren({ network, plugins: [asker, echo] });
    const ann = warren.person("ann");
    await ann.says("ask echo how are you", { to: "asker" });
    expect(ann.heard).toEqual(["they said how are you"]);
    expect(warren.errors).toEqual([]);
  });

  test("two bots that answer each other fall silent, and still answer people", async () => {
    let answers = 0;
    const answering = (name: string) =>
      plugin(name, (bot) => {
        bot.command("greet", {
          about: "greet a bot",
          args: z.object({ bot: z.string() }),
          run: ({ args }) => bot.send(args.bot, "hi"),
        });
        bot.on("message", ({ reply }) => {
          answers++;
          return reply("and you?");
        });
      });
    await using warren = await createTestWarren({ network, plugins: [answering("ping"), answering("pong")] });
    const ann = warren.person("ann");
    await ann.says("greet pong", { to: "ping" });
    expect(answers).toBe(MAX_HOPS);
    await ann.says("hello", { to: "ping" });
    expect(ann.heard).toEqual(["and you?"]);
  });

  test("two bots that begin anew with each answer fall silent for a minute, and answer people meanwhile", async () => {
    let answers = 0;
    const echo = (name: string) =>
      plugin(name, (bot) => {
        bot.command("greet", {
          about: "greet a bot",
          args: z.object({ bot: z.string() }),
          run: ({ args }) => bot.send(args.bot, "hi"),
        });
        bot.on("message", ({ from }) => {
          answers++;
          // When the handler is done nobody counts the hops any more.
          const later = async (): Promise<void> => {
            await new Promise((resolve) => setImmediate(resolve));
            await bot.send(from.name, "and you?");
          };
          later().catch((error: unknown) => bot.log.error(String(error)));
        });
      });
    await using warren = await createTestWarren({ network, plugins: [echo("ping"), echo("pong")] });
    const ann = warren.person("ann");
    await ann.says("greet pong", { to: "ping" });
    await warren.clock.advance(1_000);
    expect(answers).toBeGreaterThan(MAX_HOPS);
    expect(answers).toBeLessThanOrEqual(2 * MAX_PER_MINUTE + 1);
    const before = answers;
    await ann.says("hello", { to: "ping" });
    await warren.clock.advance(120_000);
    expect(ann.heard).toEqual(["and you?"]);
    expect([answers, warren.errors]).toEqual([before + 1, []]);
  });

  test("a handler that fails is tried again, the failure is told, and what it had done is done once", async () => {
    let attempts = 0;
    const effects: string[] = [];
    const flaky = plugin("flaky", (bot) => {
      const counts = bot.store<number>("counts");
      bot.command("try", {
        about: "fail at first",
        async run({ reply }) {
          attempts++;
          const count = await counts.update("tries", (n = 0) => n + 1);
          await reply(`count ${count}`);
          const ticket = await bot.effect("ticket", () => effects.push(`ticket of attempt ${attempts}`));
          if (attempts < 3) throw new Error("not yet");
          await reply(`ticket ${ticket}`);
        },
      });
      bot.command("fail", {
        about: "fail always",
        run: () => {
          throw new Error("never");
        },
      });
    });
    await using warren = await createTestWarren({ network, plugins: [flaky] });
    const ann = warren.person("ann");
    expect(await ann.says("try", { to: "flaky" })).toMatchObject({ state: "handled" });
    expect(ann.heard).toEqual(["count 1", "ticket 1"]);
    expect([attempts, effects]).toEqual([3, ["ticket of attempt 1"]]);
    expect(warren.errors).toHaveLength(2);
    expect(await ann.says("fail", { to: "flaky" })).toMatchObject({
      state: "failed",
      reason: expect.stringContaining("never"),
    });
    expect(warren.errors.at(-1)).toBe("flaky: a message of ann was not handled at attempt 3: never");
  });

  test("the same seed gives the same chance, another seed another", async () => {
    const chance = async (seed: number, others: Plugin[] = []): Promise<readonly string[]> => {
      const die = plugin("die", (bot) => bot.on("message", ({ reply }) => reply(String(bot.random()))));
      await using warren = await createTestWarren({ network, plugins: [...others, die], seed });
      const ann = warren.person("ann");
      await ann.says("roll", { to: "die" });
      return ann.heard;
    };
    const seven = await chance(7);
    expect(await chance(7)).toEqual(seven);
    expect(await chance(7, [plugin("other", () => {})])).toEqual(seven);
    expect(await chance(8)).not.toEqual(seven);
  });

  test("a plugin that cannot be set up fails the test with its reason", async () => {
    const broken = plugin("broken", () => Promise.reject(new Error("no key")));
    const failure = await createTestWarren({ network, plugins: [broken] }).catch((error: unknown) => error);
    expect(String(failure)).toContain("broken: setup failed: no key");
  });

  test("bots hear who comes, and time is turned by hand", async () => {
    const seen: string[] = [];
    const porter = plugin("porter", (bot) => {
      const opened = bot.now();
      bot.on("peer:online", ({ name }) => void seen.push(`${name} after ${bot.now() - opened} ms`));
    });
    await using warren = await createTestWarren({ network, plugins: [porter] });
    await warren.clock.advance(60_000);
    await warren.person("ann").says("hi", { to: "porter" });
    expect(seen).toEqual(["ann after 60000 ms"]);
  });

  test("a bot that only has jobs runs them when the clock is turned, and their failures are seen", async () => {
    const bell = plugin("bell", (bot) => {
      bot.every("1h", () => bot.send("ann", "ding"));
      bot.cron("30 0 1 1 *", () => Promise.reject(new Error("the rope broke")), { zone: "UTC", name: "new year" });
    });
    await using warren = await createTestWarren({ network, plugins: [bell] });
    const ann = warren.person("ann");
    await ann.says("hello", { to: "bell" });
    await warren.clock.advance(2 * 3_600_000 + 1_000);
    await warren.quiet();
    expect(ann.heard.slice(1)).toEqual(["ding", "ding"]);
    expect(warren.errors).toEqual(["bell: job new year failed 3 times and is given up: the rope broke"]);
  });

  test("a bot that is killed comes back with what was on its disk; one that is reloaded runs the edited plugin", async () => {
    await using warren = await createTestWarren({ network, plugins: [forgetful("one")] });
    const ann = warren.person("ann");
    await ann.says("hi", { to: "counter" });
    await warren.restart("counter");
    await warren.restart("counter");
    await ann.says("hi", { to: "counter" });
    await warren.reload("counter", forgetful("two"));
    await ann.says("hi", { to: "counter" });
    expect(ann.heard).toEqual(["one 1 1", "one 1 2", "two 1 3"]);
    const unknown = await warren.restart("nobody").catch((error: unknown) => error);
    expect(String(unknown)).toContain("no bot of this test is called nobody");
  });

  test("a commit that fails to order is repeated with everything that belongs to it", async () => {
    const counts = plugin("counter", (bot) => {
      const onDisk = bot.store<number>("counts");
      bot.on("message", async ({ reply }) => reply(String(await onDisk.update("count", (n = 0) => n + 1))));
    });
    await using warren = await createTestWarren({ network, plugins: [counts] });
    const ann = warren.person("ann");
    await ann.says("hi", { to: "counter" });
    warren.failNextCommit("counter");
    await ann.says("hi", { to: "counter" });
    expect(ann.heard).toEqual(["1", "2"]);
  });
});

test("a configuration is given by the bot's name and checked as at home", async () => {
  const hook = definePlugin({
    name: "hook",
    about: "says where it goes",
    config: z.object({ port: z.number() }),
    setup: (bot) => bot.on("message", ({ reply }) => reply(String(bot.config.port))),
  });
  await using warren = await createTestWarren({ plugins: [hook], config: { hook: { port: 80 } } });
  await warren.person("ann").says("where?", { to: "hook" });
  expect(warren.person("ann").heard).toEqual(["80"]);
  const start = (config: Record<string, object>): Promise<unknown> =>
    createTestWarren({ plugins: [hook], config: config as never });
  expect(start({ hook: { port: "80" } })).rejects.toThrow("config.port given in code");
  expect(start({ hok: { port: 80 } })).rejects.toThrow("config.hok: none of the plugins has that name");
  expect(start({})).rejects.toMatchObject({ code: "CONFIG_MISSING" });
});

test("a network that is none is refused with those that there are", async () => {
  const failure = await createTestWarren({ plugins: [], network: "carrier pigeons" as never }).catch(String);
  expect(failure).toContain('none called "carrier pigeons": it is simulated or loopback');
});

test("a person sees an answer grow that comes in pieces, and hears it once", async () => {
  await using warren = await createTestWarren({ plugins: [] });
  const poet = plugin("poet", (bot) =>
    bot.on("message", ({ text, reply }) =>
      reply(
        (async function* () {
          for (const line of ["Tyger, ", "tyger, ", "burning bright"]) {
            yield line;
            await warren.clock.sleep(200);
            if (text === "fail") throw new Error("the muse is gone");
          }
        })(),
      ),
    ),
  );
  await warren.addBot(poet);
  const ann = warren.person("ann");
  await ann.says("a poem", { to: "poet" });
  expect(ann.drafts).toEqual(["Tyger, ", "Tyger, tyger, ", "Tyger, tyger, burning bright"]);
  expect(ann.heard).toEqual(["Tyger, tyger, burning bright"]);
  const bob = warren.person("bob");
  expect(await bob.says("fail", { to: "poet" })).toMatchObject({ state: "failed" });
  expect([bob.heard, bob.drafts.slice(0, 2)]).toEqual([[], ["Tyger, ", ""]]);
});

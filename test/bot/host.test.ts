import { expect, test } from "bun:test";
import { z } from "zod";
import { givenInCode, parseConfig } from "../../src/bot/config.ts";
import { attachPlugin } from "../../src/bot/host.ts";
import { MAX_HOPS } from "../../src/bot/loops.ts";
import { type Bot, definePlugin, type Plugin } from "../../src/bot/plugin.ts";
import { secret } from "../../src/bot/secret.ts";
import { FakePeer, somebody } from "./fake-peer.ts";
import { host } from "./hosted.ts";

const robot = somebody("robot", "bot");

test("a command answers, and its card is published", async () => {
  const { peer } = await host((bot) => {
    bot.command("roll", {
      about: "roll some dice",
      args: z.object({ sides: z.number().int().default(6) }),
      run: ({ args, from, reply }) => reply(`${from.name}: 1 of ${args.sides}`),
    });
  });
  expect(await peer.hear("roll 20")).toEqual(["ann: 1 of 20"]);
  expect(peer.cards.map((card) => card.commands.map((command) => command.name))).toEqual([["roll"]]);
});

test("a plugin on a person's peer does not speak for the person", async () => {
  const { peer } = await host(() => {}, new FakePeer("ann", "person"));
  expect(await peer.hear("hello", { from: somebody("bob") })).toEqual([]);
});

test("bots that only answer each other fall silent, and the log says so once", async () => {
  const { peer } = await host((bot) => {
    bot.on("message", async (message) => {
      const said = await message.reply("and you?");
      const sent = await bot.send("robot", "hello?");
      if (!said || !sent) bot.log.debug(`kept back: ${!said}, ${!sent}`);
    });
  });
  expect(await peer.hear("hi", { from: robot, hops: MAX_HOPS - 1 })).toEqual(["and you?"]);
  const before = peer.sent.length;
  expect(await peer.hear("hi", { from: robot, hops: MAX_HOPS })).toEqual([]);
  expect(await peer.hear("hi", { from: robot, hops: MAX_HOPS })).toEqual([]);
  expect(peer.sent).toHaveLength(before);
  const quiet = "debug dice: kept back: true, true";
  expect(peer.logged).toEqual([
    "warn dice: robot and dice only answer each other: no more is said to that",
    quiet,
    quiet,
  ]);
});

test("a failure is logged under the bot's name and goes on to the peer", async () => {
  const { peer } = await host((bot) => {
    bot.command("fail", {
      about: "fail",
      run: () => {
        throw new Error("no dice");
      },
    });
  });
  expect(peer.hear("fail")).rejects.toThrow("no dice");
  await peer.clock.settle();
  expect(peer.logged).toEqual(["error dice: a message of ann was not handled: no dice"]);
});

test("the end of a plugin undoes all of it", async () => {
  const signals: AbortSignal[] = [];
  const { peer, attached } = await host((bot) => {
    bot.command("roll", { about: "roll", run: ({ signal }) => void signals.push(signal) });
    bot.on("message", () => {});
    signals.push(bot.signal);
  });
  await peer.hear("roll");
  expect(signals.map((signal) => signal.aborted)).toEqual([false, false]);
  await attached[Symbol.asyncDispose]();
  await attached[Symbol.asyncDispose]();
  expect(signals.map((signal) => signal.aborted)).toEqual([true, true]);
  expect(peer.handlerCount).toBe(0);
  expect(peer.cards.at(-1)).toEqual({ about: "", commands: [] });
});

test("a registration can be ended alone, and made while the bot runs", async () => {
  const kept: { bot?: Bot; end?: () => void } = {};
  const { peer } = await host((bot) => {
    kept.bot = bot;
    kept.end = bot.on("message", (message) => message.reply("first"));
  });
  expect(await peer.hear("hi")).toEqual(["first"]);
  kept.end?.();
  kept.end?.();
  const end = kept.bot?.command("hi", { about: "greet", run: ({ reply }) => reply("second") });
  expect(await peer.hear("hi")).toEqual(["second"]);
  expect(peer.cards.at(-1)?.commands.map((command) => command.name)).toEqual(["hi"]);
  end?.();
  expect(peer.cards.at(-1)?.commands).toEqual([]);
});

test("a setup that fails leaves nothing behind and says whose it was", async () => {
  const peer = new FakePeer();
  const fails = (setup: (bot: Bot) => unknown): Promise<unknown> => host(setup, peer).catch((error: unknown) => error);
  expect(await fails(() => Promise.reject(new Error("no key")))).toMatchObject({
    code: "PLUGIN_LOAD_FAILED",
    message: "dice: setup failed: no key",
  });
  const invalid = await fails((bot) =>
    bot.command("roll", { about: "", args: z.object({ at: z.date() }), run: () => {} }),
  );
  expect(invalid).toMatchObject({ code: "PLUGIN_INVALID" });
  expect(String(invalid)).toContain('dice: setup failed: command "roll": args.at:');
  for (const [name, listener, words] of [
    ["mesage", () => {}, 'there is no hook "mesage": did you mean "message"?'],
    ["outgoing", () => {}, 'there is no hook "outgoing": they are message, started, '],
    ["started", undefined, 'a function was expected behind "started"'],
  ] as const)
    expect(String(await fails((bot) => bot.on(name as "started", listener as () => void)))).toContain(words);
  expect([peer.handlerCount, peer.cards]).toEqual([0, []]);
});

test("two plugins on one peer share its card, and keep their stores apart", async () => {
  const peer = new FakePeer();
  const stores: unknown[] = [];
  const plugin = (name: string) =>
    definePlugin({
      name,
      about: `does ${name}`,
      setup(bot) {
        bot.command(name, { about: name, run: () => {} });
        stores.push(bot.store("counts"));
      },
    });
  const one = await attachPlugin(plugin("one"), peer);
  await attachPlugin(plugin("two"), peer);
  expect(peer.cards.at(-1)).toMatchObject({
    about: "does one; does two",
    commands: [{ name: "one" }, { name: "two" }],
  });
  expect(stores[0]).not.toBe(stores[1]);
  await one[Symbol.asyncDispose]();
  expect(peer.cards.at(-1)).toMatchObject({ about: "does two", commands: [{ name: "two" }] });
});

const doer = (name: string): Plugin =>
  definePlugin({
    name,
    about: name,
    setup: (bot) => bot.command(name, { about: name, aliases: [`${name}s`], run: () => ({ by: name }) }),
  });

test("of several plugins on one peer, the one that has the command answers a call, and one of them where none has", async () => {
  const peer = new FakePeer();
  await attachPlugin(doer("one"), peer);
  await attachPlugin(doer("two"), peer);
  const call = (command: string): Promise<string[]> => peer.hear(command, { data: { call: { command } } });
  expect([await call("one"), await call("twos")]).toEqual([['{"by":"one"}'], ['{"by":"two"}']]);
  expect(await call("three")).toEqual([expect.stringContaining('there is no command "three"')]);
});

test("chance and time come from the world, or from whoever runs the plugin", async () => {
  const peer = new FakePeer();
  const seen: number[] = [];
  const plugin = definePlugin({
    name: "dice",
    about: "rolls",
    setup: (bot) => void seen.push(bot.random(), bot.now()),
  });
  await attachPlugin(plugin, peer);
  await attachPlugin(plugin, peer, { random: () => 0.25 });
  expect(seen).toEqual([0.5, peer.clock.now(), 0.25, peer.clock.now()]);
});

const TOKEN = "hunter2";
const tokenBot = (setup: (bot: Bot<{ token: string }>) => unknown) =>
  definePlugin({ name: "hook", about: "calls the web", config: z.object({ token: secret() }), setup });

test("a plugin has its configuration; its log, and the failures that others are told of, show no secret", async () => {
  const peer = new FakePeer();
  const plugin = tokenBot((bot) => {
    bot.log.info(`with ${bot.config.token}`);
    bot.on("message", () => {
      throw new Error(`refused: ${bot.config.token}`);
    });
  });
  await attachPlugin(plugin, peer, { config: await parseConfig(plugin, givenInCode({ token: TOKEN })) });
  expect(await peer.hear("hi").catch((error: unknown) => error)).toEqual(new Error("refused: •••"));
  expect(peer.logged).toEqual(["info hook: with •••", "error hook: a message of ann was not handled: refused: •••"]);
});

test("a setup that fails shows no secret, in its cause neither", async () => {
  const plugin = tokenBot(({ config }) => Promise.reject(new Error(`no ${config.token}`)));
  const config = await parseConfig(plugin, givenInCode({ token: TOKEN }));
  const error: unknown = await attachPlugin(plugin, new FakePeer(), { config }).catch((reason: unknown) => reason);
  expect(String(error)).toEndWith("hook: setup failed: no •••");
  expect(error instanceof Error && String(error.cause)).toBe("Error: no •••");
});

test("a plugin that needs a configuration and is given none does not run", async () => {
  const plugin = tokenBot(() => expect.unreachable());
  expect(attachPlugin(plugin, new FakePeer())).rejects.toMatchObject({ code: "CONFIG_MISSING" });
});

import { expect, test } from "bun:test";
import { z } from "zod";
import { givenInCode, parseConfig } from "../../src/bot/config.ts";
import { attachPlugin } from "../../src/bot/host.ts";
import { MAX_HOPS } from "../../src/bot/loops.ts";
import { definePlugin } from "../../src/bot/plugin.ts";
import { secret } from "../../src/bot/secret.ts";
import type { Trace } from "../../src/peer/traces.ts";
import { FakePeer, somebody } from "./fake-peer.ts";
import { host } from "./hosted.ts";

const robot = somebody("robot", "bot");

/** `hook: did: notes` of each step of the last run. */
function told({ kept }: FakePeer): string[] {
  return (kept.at(-1)?.steps ?? []).map(({ hook, did, notes }) => [hook, did, ...notes].join(": "));
}

const last = ({ kept }: FakePeer): Trace | undefined => kept.at(-1);

test("each hook is told in its order: what it did, and which condition did not hold", async () => {
  const { peer } = await host((bot) => {
    bot.on("message", { order: "pre" }, (_, next) => next());
    bot.on("message", { match: /deploy/i }, () => {});
    bot.on("message", { kind: "bot", match: "hi" }, () => {});
    bot.on("message", (message) => message.reply("yes?"));
    bot.command("roll", { about: "roll", run: ({ reply }) => reply("4") });
  });
  await peer.hear("hi", { id: "a.1" });
  expect(told(peer)).toEqual([
    "pre listener 1: passed it on",
    'commands: passed it on: none is called "hi"',
    "post listener 1: did not match: match /deploy/i",
    "post listener 2: did not match: kind bot",
    "post listener 3: took it",
  ]);
  expect(last(peer)).toMatchObject({ bot: "dice", id: "a.1", attempt: 1, answers: [{ to: "ann", text: "yes?" }] });
  await peer.hear("roll");
  expect(told(peer)).toEqual(["pre listener 1: passed it on", 'commands: took it: "roll"']);
  await peer.hear("roll", { room: "lobby" });
  expect(told(peer)[1]).toBe("commands: passed it on: not a command: in a room it is !name or @bot name");
});

test("a hook's time is its own, without that of those it passed the message on to", async () => {
  const { peer } = await host((bot) => {
    bot.on("message", { order: "pre" }, async (_, next) => {
      await peer.clock.advance(3);
      await next();
      await peer.clock.advance(4);
    });
    bot.on("message", () => peer.clock.advance(50));
  });
  await peer.hear("hi");
  expect(last(peer)?.ms).toBe(57);
  expect(last(peer)?.steps.map(({ ms }) => ms)).toEqual([7, 0, 50]);
});

test("what a command refuses, and why, is told", async () => {
  const { peer } = await host((bot) => {
    bot.command("reset", { about: "reset", allow: robot.id, run: () => {} });
    bot.command("drop", { about: "drop", confirm: "really?", run: () => {} });
    bot.command("roll", {
      about: "roll",
      args: z.object({ sides: z.number().default(6) }),
      cooldown: { max: 1, per: "1m" },
      run: () => {},
    });
  });
  const why = async (text: string): Promise<string> => {
    await peer.hear(text);
    return told(peer)[0] ?? "";
  };
  expect(await why("reset")).toBe('commands: took it: "reset": its guard denied ann');
  expect(await why("roll many")).toStartWith('commands: took it: "roll": its arguments are wrong: "many"');
  expect(await why("roll")).toBe('commands: took it: "roll": its cooldown held it back');
  expect(await why("roll")).toEndWith("its cooldown held it back: in silence: that was said already");
  expect(await why("drop")).toEndWith('"drop": it asks first');
  expect(await why("never")).toEndWith('the answer to whether "drop" is to be done: no');
});

test("the hook that failed is named once, whatever it was passed on by; another attempt is told apart", async () => {
  const { peer } = await host((bot) => {
    bot.on("message", { order: "pre" }, async (_, next) => await next());
    bot.on("message", () => {
      throw new Error("no such drawer");
    });
  });
  await peer.hear("file", { attempt: 2 }).catch(() => {});
  expect(told(peer)).toEqual([
    "pre listener 1: passed it on",
    'commands: passed it on: none is called "file"',
    "post listener 1: failed: no such drawer",
  ]);
  expect(last(peer)).toMatchObject({ attempt: 2, error: "no such drawer", answers: [] });
});

test("an outgoing layer that changes, stops or fails an answer is named, and so is the limit of loops", async () => {
  const { peer } = await host((bot) => {
    bot.outgoing((message, next) => {
      if (message.text === "bad") throw new Error("not that");
      return next({ ...message, text: message.text.toUpperCase() });
    });
    bot.outgoing((message, next) => (message.text === "STOP" ? undefined : next(message)));
    bot.on("message", ({ text, reply }) => reply(text).catch(() => {}));
  });
  const notes = async (text: string, hops = 0): Promise<readonly string[] | undefined> => {
    await peer.hear(text, { from: robot, hops });
    return last(peer)?.steps.at(-1)?.notes;
  };
  expect(await notes("hi")).toEqual(['outgoing layer 1 made "hi" into "HI"']);
  expect(await notes("HI")).toEqual([]);
  expect(last(peer)?.answers).toMatchObject([{ text: "HI" }]);
  expect(await notes("stop")).toEqual(['outgoing layer 1 made "stop" into "STOP"', 'outgoing layer 2 stopped "STOP"']);
  expect(last(peer)?.answers).toEqual([]);
  expect(await notes("bad")).toEqual(['outgoing layer 1 failed at "bad": not that']);
  expect(await notes("hi", MAX_HOPS)).toContain('not said, so that bots do not talk for ever: "HI"');
});

test("what is stopped after a hook has passed the message on is told at that hook", async () => {
  const { peer } = await host((bot) => {
    bot.outgoing(() => {});
    bot.on("message", { order: "pre" }, async (message, next) => {
      await next();
      await message.reply("anything else?");
    });
    bot.on("message", () => {});
  });
  await peer.hear("hi");
  expect(told(peer)).toEqual([
    'pre listener 1: passed it on: outgoing layer 1 stopped "anything else?"',
    'commands: passed it on: none is called "hi"',
    "post listener 1: took it",
  ]);
});

test("why there was no help either is told", async () => {
  const { peer } = await host(() => {});
  const help = async (from = somebody("ann"), room?: string): Promise<string | undefined> => {
    await peer.hear("hello", { from, ...(room !== undefined && { room }) });
    return told(peer).at(-1);
  };
  expect(await help()).toBe("unasked help: took it");
  expect(await help()).toBe("unasked help: took it: not given: its sender was told within the last minute");
  expect(await help(robot)).toEndWith("not given: its sender is a bot");
  expect(await help(somebody("bob"), "lobby")).toEndWith("not given: it was not said to this bot");
});

test("a trace shows no secret, not even a part of one, and stays small whatever is said", async () => {
  const peer = new FakePeer();
  const config = z.object({ token: secret() });
  const plugin = definePlugin({
    name: "dice",
    about: "rolls dice",
    config,
    setup(bot) {
      bot.outgoing((message, next) => next({ ...message, text: `${"x".repeat(197)}${bot.config.token}` }));
      bot.on("message", async ({ reply }) => {
        for (let time = 0; time < 100; time++) await reply(`${"x".repeat(57)}${bot.config.token}`);
        throw new Error(`no ${bot.config.token}`);
      });
    },
  });
  await attachPlugin(plugin, peer, { config: await parseConfig(plugin, givenInCode({ token: "hunter2hunter2" })) });
  await peer.hear("hi").catch(() => {});
  const json = JSON.stringify(last(peer));
  expect(json).not.toContain("hun");
  expect(json.length).toBeLessThan(7_000);
});

test("what is said after the run is over, and a trace that cannot be kept, disturb nobody", async () => {
  const later = Promise.withResolvers<void>();
  let saidLater: Promise<unknown> | undefined;
  const { peer } = await host((bot) =>
    bot.on("message", ({ reply }) => {
      saidLater = later.promise.then(() => reply("later"));
    }),
  );
  await peer.hear("hi");
  later.resolve();
  await saidLater;
  expect(peer.sent).toMatchObject([{ text: "later" }]);
  expect(last(peer)?.answers).toEqual([]);
  peer.traces.keep = () => {
    throw new Error("the disk is full");
  };
  expect(await peer.hear("hi")).toEqual(["later"]);
});

import { expect, test } from "bun:test";
import { z } from "zod";
import { declare } from "../../src/bot/declaration.ts";
import { attachPlugin } from "../../src/bot/host.ts";
import { type Bot, definePlugin, type DialogHandle } from "../../src/bot/plugin.ts";
import { createTestWarren } from "../../src/testing/kit.ts";
import { ann as someAnn, FakePeer, somebody } from "./fake-peer.ts";
import { open, pizza, size, TOPPINGS, whole, type Work } from "./pizza-bot.ts";

test("two people are each in a dialog of their own", async () => {
  await using warren = await open(whole);
  const [ann, bob] = [warren.person("ann"), warren.person("bob")];
  await ann.says("order", { to: "pizza" });
  await bob.says("order", { to: "pizza" });
  await ann.says("1", { to: "pizza" });
  await bob.says("2", { to: "pizza" });
  await bob.says("HAM", { to: "pizza" });
  await ann.says("mushrooms", { to: "pizza" });
  expect(ann.heard.at(-1)).toBe("ann: 1 with mushrooms");
  expect(bob.heard.at(-1)).toBe("bob: 2 with ham");
});

test("the person may cancel, and what begins with ! is a command", async () => {
  let isAborted = false;
  await using warren = await open(async (d) => {
    d.signal.addEventListener("abort", () => (isAborted = true));
    await d.ask("size", "How big?", size);
  });
  const ann = warren.person("ann");
  for (const text of ["order", "!menu", "Cancel", "menu"]) await ann.says(text, { to: "pizza" });
  expect(ann.heard).toEqual(["How big?", "pizza", "cancelled.", "pizza"]);
  expect(isAborted).toBe(true);
  await warren.restart("pizza");
  expect(ann.heard).toHaveLength(4);
});

test("a dialog that is not registered any more waits, and is warned of; another one may be started", async () => {
  await using warren = await open(whole);
  const ann = warren.person("ann");
  const bob = warren.person("bob");
  await ann.says("order", { to: "pizza" });
  await bob.says("order", { to: "pizza" });
  const other = definePlugin({
    name: "pizza",
    about: "bakes",
    setup(bot) {
      const book = bot.dialog("book", async (d) => void (await d.ask("day", "Which day?", z.string())));
      bot.command("book", { about: "book a table", run: ({ from }) => book.start(from) });
    },
  });
  await warren.reload("pizza", other);
  await ann.says("book", { to: "pizza" });
  expect(ann.heard).toEqual(["How big?", "Which day?"]);
  await warren.reload("pizza", pizza(whole));
  await bob.says("3", { to: "pizza" });
  expect(bob.heard).toEqual(["How big?", TOPPINGS]);
});

test("what is said while the dialog is at work answers its next question, and after its end goes to the commands", async () => {
  const oven = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  await using warren = await open(async (d) => {
    await d.once("heat", () => oven[0]?.promise);
    await d.ask("size", "How big?", size);
    await d.once("bake", () => oven[1]?.promise);
    await d.say("done");
  });
  const ann = warren.person("ann");
  await ann.says("order", { to: "pizza" });
  const answer = ann.says("6", { to: "pizza" });
  await warren.clock.advance(100);
  expect(ann.heard).toEqual([]);
  oven[0]?.resolve();
  expect(await answer).toMatchObject({ state: "handled" });
  expect(ann.heard).toEqual(["How big?"]);
  const command = ann.says("menu", { to: "pizza" });
  await warren.clock.advance(100);
  oven[1]?.resolve();
  await command;
  expect(ann.heard).toEqual(["How big?", "done", "pizza"]);
});

test("what is said while the dialog is at work survives the end of the bot", async () => {
  const oven = Promise.withResolvers<void>();
  let isHot = false;
  const work: Work = async (d) => {
    if (!isHot) await oven.promise;
    await d.ask("size", "How big?", size);
    await d.say("done");
  };
  await using warren = await open(work);
  const ann = warren.person("ann");
  await ann.says("order", { to: "pizza" });
  const answer = ann.says("6", { to: "pizza" });
  await warren.clock.advance(100);
  isHot = true;
  await warren.reload("pizza", pizza(work));
  await answer;
  expect(ann.heard).toEqual(["How big?", "done"]);
  expect(warren.errors).toEqual([]);
});

const againAndStop = (bot: Bot, order: DialogHandle<undefined>): void => {
  bot.command("again", { about: "begin anew", run: ({ from }) => order.start(from, undefined, { replace: true }) });
  bot.command("stop", { about: "stop", run: async ({ from, reply }) => reply(String(await order.cancel(from))) });
};

test("one dialog at a time with each person, but for one that replaces it", async () => {
  await using warren = await open(whole, againAndStop);
  const ann = warren.person("ann");
  for (const text of ["order", "!order", "3", "!again", "4", "1", "!stop", "order", "!stop", "menu"]) {
    await ann.says(text, { to: "pizza" });
  }
  const before = ["How big?", "one at a time", TOPPINGS, "How big?", TOPPINGS, "ann: 4 with ham"];
  expect(ann.heard).toEqual([...before, "false", "How big?", "true", "pizza"]);
});

test("a handler that runs again starts the dialog once", async () => {
  let attempts = 0;
  const more = (bot: Bot, order: DialogHandle<undefined>): void => {
    bot.command("flaky", {
      about: "fail at first",
      async run({ from }) {
        const isStarted = await order.start(from);
        if (++attempts === 1) throw new Error(`started: ${isStarted}`);
        await bot.send(from.id, `started: ${isStarted}`);
      },
    });
  };
  await using warren = await open(async (d) => await d.say("begun"), more);
  const ann = warren.person("ann");
  await ann.says("flaky", { to: "pizza" });
  expect(ann.heard).toEqual(["begun", "started: true"]);
});

test("a message that is handled again is no second answer", async () => {
  let attempts = 0;
  const more = (bot: Bot): void => {
    bot.on("message", { order: "pre", match: "6" }, async (_, next) => {
      await next();
      if (++attempts === 1) throw new Error("not yet");
    });
  };
  await using warren = await open(async (d) => {
    const one = await d.ask("one", "One?", z.number());
    const two = await d.ask("two", "Two?", z.number());
    await d.say(`${one} ${two}`);
  }, more);
  const ann = warren.person("ann");
  for (const text of ["order", "6", "7"]) await ann.says(text, { to: "pizza" });
  expect(ann.heard).toEqual(["One?", "Two?", "6 7"]);
  expect(attempts).toBe(2);
});

test("an answer that is handled again after the end of its dialog is no command", async () => {
  let attempts = 0;
  const more = (bot: Bot): void => {
    bot.on("message", { order: "pre", match: "menu" }, async (_, next) => {
      await next();
      if (++attempts === 1) throw new Error("not yet");
    });
  };
  await using warren = await open(async (d) => void (await d.ask("word", "Which word?", z.string())), more);
  const ann = warren.person("ann");
  for (const text of ["order", "menu"]) await ann.says(text, { to: "pizza" });
  expect([ann.heard, attempts]).toEqual([["Which word?"], 2]);
});

test("a dialog does not depend on the handler that has begun it", async () => {
  let attempts = 0;
  const more = (bot: Bot, order: DialogHandle<undefined>): void => {
    bot.command("flaky", {
      about: "fail at first",
      async run({ from }) {
        await order.start(from);
        if (++attempts === 1) throw new Error("not yet");
      },
    });
  };
  await using warren = await open(async (d) => void (await d.ask("size", "How big?", size)), more);
  const ann = warren.person("ann");
  for (const text of ["flaky", "6", "order"]) await ann.says(text, { to: "pizza" });
  expect(ann.heard).toEqual(["How big?", "How big?"]);
});

test("a dialog is given its input, again after a restart", async () => {
  const plugin = definePlugin({
    name: "pizza",
    about: "bakes",
    setup(bot) {
      const order = bot.dialog<{ dish: string }>("order", async (d) => {
        await d.ask("size", `How big a ${d.input.dish}?`, size);
        await d.say(`a ${d.input.dish}`);
      });
      bot.command("order", { about: "order", run: ({ from }) => order.start(from, { dish: "calzone" }) });
    },
  });
  await using warren = await createTestWarren({ plugins: [plugin] });
  const ann = warren.person("ann");
  await ann.says("order", { to: "pizza" });
  await warren.restart("pizza");
  await ann.says("3", { to: "pizza" });
  expect(ann.heard).toEqual(["How big a calzone?", "a calzone"]);
});

const nothing: Work = () => {};

test("registrations and steps that cannot work are refused with their reason", async () => {
  const twice = open(nothing, (bot) => void bot.dialog("order", nothing)).catch((error: unknown) => error);
  expect(await twice).toMatchObject({ code: "PLUGIN_INVALID", message: expect.stringContaining("it is there twice") });
  const badName = open(nothing, (bot) => void bot.dialog("My Order", nothing)).catch((error: unknown) => error);
  expect(await badName).toMatchObject({ code: "PLUGIN_INVALID", message: expect.stringContaining('"My Order"') });
  await using warren = await open(async (d) => {
    await d.say("size", "hello");
    await d.ask("size", "How big?", size);
  });
  await warren.person("ann").says("order", { to: "pizza" });
  expect(warren.errors[0]).toContain('step "size": it is there twice');
});

async function attach(setup: (bot: Bot) => unknown, peer = new FakePeer("pizza")) {
  const attached = await attachPlugin(definePlugin({ name: "pizza", about: "bakes", setup }), peer);
  return { peer, attached };
}

function takesOrders(bot: Bot): void {
  const order = bot.dialog("order", async (d) => {
    const pieces = await d.ask("size", "How big?", size);
    await d.say(`${pieces} for ${await d.ask("name", "Your name?", z.string())}`);
  });
  const options = { replace: true };
  bot.command("order", { about: "order", run: ({ from }) => order.start(from, undefined, options) });
  bot.command("stop", { about: "stop", run: ({ from }) => order.cancel(from) });
}

test("what is said in a room, and what bots say, is no answer", async () => {
  const { peer } = await attach((bot) => {
    takesOrders(bot);
    bot.on("message", ({ text, reply }) => reply(`not taken: ${text}`));
  });
  await peer.hear("order");
  expect(await peer.hear("6", { room: "lobby" })).toEqual(["not taken: 6"]);
  expect(await peer.hear("6", { from: { ...someAnn, kind: "bot" } })).toEqual(["not taken: 6"]);
  expect(await peer.hear("6")).toEqual([]);
  await peer.clock.settle();
  expect(peer.sent.at(-1)?.text).toBe("Your name?");
});

test("a dialog with a bot is refused", async () => {
  const { peer } = await attach(takesOrders);
  const refused = await peer.hear("order", { from: somebody("robot", "bot") }).catch((error: unknown) => error);
  expect(refused).toMatchObject({ code: "PLUGIN_INVALID", message: expect.stringContaining("robot is a bot") });
});

test("what a dialog has noted is forgotten with it, however it ends", async () => {
  const { peer } = await attach(takesOrders); // each task has the same name there
  for (const text of ["order", "6", "ann", "order", "6", "!stop", "order", "6", "!order", "6", "cancel", "order"]) {
    await peer.hear(text);
    await peer.clock.settle();
  }
  const half = ["How big?", "Your name?"];
  expect(peer.sent.map(({ text }) => text)).toEqual([
    ...half,
    "6 for ann",
    ...half,
    ...half,
    ...half,
    "cancelled.",
    "How big?",
  ]);
});

test("those who are in a dialog that is not registered are warned of once; it may be registered later", async () => {
  const first = await attach(takesOrders);
  const { peer } = first;
  await peer.hear("order");
  await peer.hear("order", { from: somebody("bob") });
  await first.attached[Symbol.asyncDispose]();
  const kept: { bot?: Bot } = {};
  await attach((bot) => void (kept.bot = bot), peer);
  const warning = 'warn pizza: dialog "order" is not registered any more: those who are in it wait';
  expect(peer.logged).toEqual([warning]);
  if (kept.bot) takesOrders(kept.bot);
  await peer.hear("6");
  await peer.clock.settle();
  expect(peer.sent.at(-1)?.text).toBe("Your name?");
});

test("what waits for a dialog is not handled when the peer closes", async () => {
  const { peer } = await attach((bot) => {
    const order = bot.dialog("order", () => new Promise(() => {}));
    bot.command("order", { about: "order", run: ({ from }) => order.start(from) });
  });
  await peer.hear("order");
  const waiting = peer.hear("order").catch((error: unknown) => error);
  await peer.clock.settle();
  peer.tasks.close();
  expect(await waiting).toMatchObject({ code: "CLOSED" });
});

test("a dialog ends by returning, not by cancelling or replacing itself", async () => {
  const refused: unknown[] = [];
  const { peer } = await attach((bot) => {
    const order = bot.dialog("order", async (d) => {
      refused.push(await order.cancel(d.peer).catch((error: unknown) => error));
      refused.push(await order.start(d.peer, undefined, { replace: true }).catch((error: unknown) => error));
      refused.push(await order.start(d.peer));
    });
    bot.command("order", { about: "order", run: ({ from }) => order.start(from) });
  });
  await peer.hear("order");
  await peer.clock.settle();
  const why = { code: "PLUGIN_INVALID", message: expect.stringContaining("return from its function") };
  expect(refused).toMatchObject([why, why, false]);
});

test("what a dialog says goes out like everything that the bot says, and its failures are told", async () => {
  const failures: string[] = [];
  const { peer } = await attach((bot) => {
    takesOrders(bot);
    bot.outgoing((message, next) => {
      if (message.text === "Your name?") throw new Error("no names");
      return next({ ...message, text: message.text.toUpperCase() });
    });
    bot.on("error", ({ where }) => void failures.push(where));
  });
  await peer.hear("order");
  await peer.hear("6");
  await peer.clock.settle();
  expect(peer.sent.map(({ text }) => text)).toEqual(["HOW BIG?"]);
  expect(failures).toEqual(['dialog "order" with ann failed']);
});

test("a plugin with a dialog can be declared without a peer", async () => {
  await declare(definePlugin({ name: "pizza", about: "bakes", setup: takesOrders }));
  const twice = definePlugin({ name: "pizza", about: "bakes", setup: (bot) => [1, 2].forEach(() => takesOrders(bot)) });
  expect(await declare(twice).catch((error: unknown) => error)).toMatchObject({ code: "PLUGIN_INVALID" });
});

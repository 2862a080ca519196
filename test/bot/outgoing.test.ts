import { expect, test } from "bun:test";
import { MAX_HOPS } from "../../src/bot/loops.ts";
import { type Bot, definePlugin } from "../../src/bot/plugin.ts";
import type { ReplyText, Sent } from "../../src/peer/message.ts";
import { abandonPieces } from "../../src/peer/pieces.ts";
import { createTestWarren } from "../../src/testing/kit.ts";
import { createPieces } from "../peer/pieces.ts";
import { ann, wholeOf } from "./fake-peer.ts";
import { host } from "./hosted.ts";

const plugin = (setup: (bot: Bot) => unknown) => definePlugin({ name: "dice", about: "rolls dice", setup });

test("what is said goes through the layers, first registered outermost, and each may change it", async () => {
  const { peer } = await host((bot) => {
    bot.outgoing((message, next) => next({ ...message, text: `${message.text} outer` }));
    bot.outgoing((message, next) => next({ ...message, text: `${message.text} inner` }));
    bot.on("message", async ({ reply }) => {
      await reply("reply");
      await bot.send("bob", "send");
    });
  });
  expect(await peer.hear("hi")).toEqual(["reply outer inner"]);
  expect(peer.sent.at(-1)).toEqual({ to: "bob", text: "send outer inner" });
});

test("a layer is told to whom, where, and what is answered; next() alone hands on the same message", async () => {
  const seen: unknown[] = [];
  const { peer } = await host((bot) => {
    bot.outgoing((message, next) => {
      seen.push(message);
      return next();
    });
    bot.on("message", async ({ from, reply }) => {
      await reply("one");
      await bot.send(from.name, "two", { re: "m0" });
    });
  });
  await peer.hear("hi", { id: "m7", room: "lobby" });
  const { id } = ann;
  expect(seen).toEqual([
    { to: id, text: "one", re: "m7", room: "lobby" },
    { to: "ann", text: "two", re: "m0" },
  ]);
  expect(peer.sent.map(({ text }) => text)).toEqual(["one", "two"]);
});

test("a layer that does not call next stops the message, and the caller is told so", async () => {
  const results: unknown[] = [];
  const { peer } = await host((bot) => {
    bot.outgoing((message, next) => (message.text.includes("secret") ? undefined : next()));
    bot.on("message", async ({ reply }) => {
      results.push(await reply("a secret"), await bot.send("bob", "a secret"));
      results.push((await reply("weather"))?.id); // though the layer that let it pass need not return anything
    });
  });
  expect(await peer.hear("hi")).toEqual(["weather"]);
  expect(results).toEqual([undefined, undefined, "s"]);
});

test("what a layer hands on without waiting is waited for all the same", async () => {
  const { peer } = await host((bot) => {
    bot.outgoing((_, next) => void next());
    bot.on("message", async ({ reply }) => bot.log.info(`sent ${(await reply("one"))?.id}`));
  });
  await peer.hear("hi");
  expect(peer.logged).toEqual(["info dice: sent s"]);
});

test("an answer can be sent to somebody else instead", async () => {
  const { peer } = await host((bot) => {
    bot.outgoing((message, next) => next({ ...message, to: "bob" }));
    bot.on("message", ({ reply }) => reply("for bob"));
  });
  expect(await peer.hear("hi")).toEqual([]);
  expect(peer.sent).toEqual([{ to: "bob", text: "for bob" }]);
});

test("a layer that throws, or calls next twice, fails the handler", async () => {
  const { peer: throwing } = await host((bot) => {
    bot.outgoing(() => {
      throw new Error("no ink");
    });
    bot.on("message", ({ reply }) => reply("hi"));
  });
  expect(await throwing.hear("hi").catch(String)).toBe("Error: no ink");
  expect(throwing.sent).toEqual([]);
  const { peer: twice } = await host((bot) => {
    bot.outgoing(async (_, next) => {
      await next();
      await next();
    });
    bot.on("message", ({ reply }) => reply("hi"));
  });
  expect(await twice.hear("hi").catch(String)).toContain("next() was called twice");
  expect(twice.sent).toHaveLength(1);
});

test("what a layer sends itself goes through no layer, and a layer can be ended", async () => {
  const kept: { end?: () => void } = {};
  const { peer } = await host((bot) => {
    kept.end = bot.outgoing(async (message, next) => {
      await bot.send("log", `copy of ${message.text}`);
      return await next();
    });
    bot.on("message", ({ reply }) => reply("hi"));
  });
  await peer.hear("hi");
  kept.end?.();
  await peer.hear("hi");
  expect(peer.sent.map(({ text }) => text)).toEqual(["copy of hi", "hi", "hi"]);
});

test("a message that comes while a layer is at work is answered through the layers", async () => {
  const answers: string[][] = [];
  const { peer } = await host((bot) => {
    bot.outgoing(async (message, next) => {
      if (message.text === "one") answers.push(await peer.hear("two"));
      return await next({ ...message, text: `${message.text}!` });
    });
    bot.on("message", ({ text, reply }) => reply(text));
  });
  answers.push(await peer.hear("one"));
  expect(answers).toEqual([["two!"], ["one!"]]);
});

test("a handler that runs again after a failure sends nothing again that went through the layers", async () => {
  let attempts = 0;
  const flaky = plugin((bot) => {
    bot.outgoing((message, next) => next({ ...message, text: `${message.text}!` }));
    bot.on("message", async ({ reply, from }) => {
      attempts++;
      await reply("one");
      await bot.send(from.id, "two");
      if (attempts < 3) throw new Error("not yet");
      await reply("three");
    });
  });
  await using warren = await createTestWarren({ plugins: [flaky] });
  const eve = warren.person("eve");
  await eve.says("go", { to: "dice" });
  expect([attempts, eve.heard]).toEqual([3, ["one!", "two!", "three!"]]);
});

async function* slowly(...pieces: string[]): AsyncGenerator<string> {
  for (const piece of pieces) yield await Promise.resolve(piece);
}

test("an answer in pieces goes to the peer in pieces, and what it was is noted", async () => {
  const given: unknown[] = [];
  const { peer } = await host((bot) => bot.on("message", ({ reply }) => reply(slowly("one ", "two"))));
  await peer.hear("hi", {
    reply: async (text) => {
      given.push(typeof text);
      return await peer.send("ann", await wholeOf(text));
    },
  });
  expect([given, peer.sent.map(({ text }) => text)]).toEqual([["object"], ["one two"]]);
  expect(peer.kept.at(-1)?.answers).toMatchObject([{ to: "ann", text: "one two" }]);
});

test("with a layer nothing is shown of an answer in pieces before the layer has seen all of it", async () => {
  const given: unknown[] = [];
  const { peer } = await host((bot) => {
    bot.outgoing((message, next) => next({ ...message, text: message.text.replace("secret", "•••") }));
    bot.on("message", ({ reply }) => reply(slowly("a sec", "ret")));
  });
  await peer.hear("hi", {
    reply: async (text) => {
      given.push(text);
      return await peer.send("ann", await wholeOf(text));
    },
  });
  expect(given).toEqual(["a •••"]);
});

test("an answer in pieces that would keep bots talking is not read, and what brings it may end", async () => {
  const pieces = createPieces();
  const { peer } = await host((bot) => bot.on("message", ({ reply }) => reply(pieces)));
  expect(await peer.hear("hi", { hops: MAX_HOPS })).toEqual([]);
  expect(pieces.isAbandoned).toBe(true);
});

test("an answer in pieces that an earlier run has given is not read again, and what brings it may end", async () => {
  const pieces = createPieces();
  const { peer } = await host((bot) => bot.on("message", ({ reply }) => reply(pieces)));
  const reply = async (text: ReplyText): Promise<Sent> => {
    if (typeof text !== "string") await abandonPieces(text); // as a peer does
    return await peer.send("ann", "said before");
  };
  await peer.hear("hi", { attempt: 2, reply });
  expect([pieces.isAbandoned, peer.kept.at(-1)?.answers]).toMatchObject([true, [{ text: "…" }]]);
});

test("what is no text is refused with a word about what was given, and nothing is sent", async () => {
  const { peer } = await host((bot) => {
    bot.on("message", async ({ reply }) => {
      const given: unknown[] = [undefined, 5, { text: "hi" }];
      const says = [reply, (text: ReplyText) => bot.send("bob", text as string)];
      for (const value of given)
        for (const say of says) await say(value as string).catch((error) => bot.log.info(error.message));
    });
  });
  expect(await peer.hear("hi")).toEqual([]);
  const expected = "a text was expected; String(value) makes one";
  expect(peer.logged).toEqual(
    ["undefined", "a value of type number", "a value of type object"].flatMap((given) =>
      ["reply", "send"].map((by) => `info dice: ${by} was given ${given}: ${expected}`),
    ),
  );
});

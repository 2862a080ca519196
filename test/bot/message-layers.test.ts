import { expect, test } from "bun:test";
import { FakePeer } from "./fake-peer.ts";
import { host } from "./hosted.ts";

test("listeners before the commands see everything; those after them see what no command took", async () => {
  const seen: string[] = [];
  const { peer } = await host((bot) => {
    bot.on("message", (message) => void seen.push(`last ${message.text}`));
    bot.on("message", { match: /dice/ }, (message) => message.reply("dice!"));
    bot.on("message", { order: "pre" }, (message, next) => {
      seen.push(`first ${message.text}`);
      return next();
    });
    bot.command("roll", { about: "roll", run: ({ reply }) => reply("4") });
  });
  expect(await peer.hear("roll")).toEqual(["4"]);
  expect(await peer.hear("my dice")).toEqual([]); // the first listener that took it kept it
  expect(seen).toEqual(["first roll", "first my dice", "last my dice"]);
});

test("a message whose listeners wait for nothing is handled when the handler returns", async () => {
  const peer = new FakePeer();
  const returned: unknown[] = [];
  const on = peer.on.bind(peer);
  peer.on = (event, handler: (...given: never[]) => unknown) =>
    on(event, (...given: never[]) => void returned.push(handler(...given)));
  await host((bot) => {
    bot.on("message", { order: "pre" }, (_, next) => next());
    bot.on("message", { match: "wait" }, async () => await Promise.resolve());
    bot.on("message", () => {});
  }, peer);
  await peer.hear("hi");
  await peer.hear("wait");
  expect(returned).toEqual([undefined, expect.any(Promise)]);
});

test("listeners that come or end between two messages are heeded", async () => {
  const { peer } = await host((bot) => {
    bot.command("more", {
      about: "adds one",
      run() {
        const end = bot.on("message", { order: "pre" }, async ({ reply }) => {
          end();
          await reply("once");
        });
      },
    });
    bot.on("message", ({ reply }) => reply("last"));
  });
  expect(await peer.hear("hi")).toEqual(["last"]);
  await peer.hear("more");
  expect([await peer.hear("hi"), await peer.hear("hi")]).toEqual([["once"], ["last"]]);
});

test("what a listener gives to next() is not what goes on", async () => {
  const { peer } = await host((bot) => {
    // eslint-disable-next-line promise/no-callback-in-promise -- people write it
    bot.on("message", (_, next) => Promise.resolve("yes").then(next));
    bot.on("message", (message) => message.reply(`"${message.text}"?`));
  });
  expect(await peer.hear("hi")).toEqual(['"hi"?']);
});

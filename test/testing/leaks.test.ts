import { expect, test } from "bun:test";
import { type Bot, definePlugin } from "../../src/bot/plugin.ts";
import { createTestWarren } from "../../src/testing/kit.ts";

const dice = (setup: (bot: Bot) => unknown) => definePlugin({ name: "dice", about: "rolls dice", setup });
const HOUR_MS = 3_600_000;

test("what a bot has begun in setup or in a handler, and not ended, is named with its place", async () => {
  const close: (() => unknown)[] = [];
  const begun = Promise.withResolvers<void>();
  const end = Promise.withResolvers<void>();
  const plugin = dice((bot) => {
    const timer = setInterval(() => {}, HOUR_MS);
    const server = Bun.serve({ port: 0, fetch: () => new Response() });
    close.push(
      () => clearInterval(timer),
      () => void server.stop(true),
    );
    bot.on("message", async () => {
      await Promise.resolve();
      const late = setTimeout(() => {}, HOUR_MS);
      const listener = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
      const child = Bun.spawn(["sleep", "60"]);
      close.push(
        () => clearTimeout(late),
        () => listener.stop(),
        () => {
          child.kill();
          return child.exited;
        },
      );
      begun.resolve();
      await end.promise;
    });
  });
  await using warren = await createTestWarren({ plugins: [plugin] });
  // It is handled only when the test says so: by then its sender may have given up waiting.
  const saying = warren
    .person("ann")
    .says("hi", { to: "dice" })
    .catch(() => {});
  await warren.until(begun.promise);
  await warren.end("dice");
  expect(await warren.leaks()).toEqual([
    expect.stringMatching(/^dice: setInterval at test\/testing\/leaks\.test\.ts:\d+:\d+$/),
    expect.stringMatching(/^dice: serve at test\/testing\/leaks\.test\.ts:/),
    'dice: a listener to "message", which still runs',
    expect.stringMatching(/^dice: setTimeout at /),
    expect.stringMatching(/^dice: listen at /),
    expect.stringMatching(/^dice: spawn at /),
  ]);
  for (const one of close) await one();
  end.resolve();
  await saying;
  expect(await warren.leaks()).toEqual([]);
});

test("a bot that ends what it began, or whose registrations end with it, leaves nothing", async () => {
  const plugin = dice((bot) => {
    const interval = setInterval(() => {}, HOUR_MS);
    bot.on("stopping", () => clearInterval(interval));
    bot.on("message", { match: "hi" }, async ({ reply }) => {
      const timer = setTimeout(() => {}, HOUR_MS);
      clearTimeout(timer);
      using _ = Bun.serve({ port: 0, fetch: () => new Response() });
      await reply("hello");
    });
    bot.command("roll", { about: "roll", cooldown: { max: 1, per: "1h" }, allow: async () => true, run: () => {} });
  });
  await using warren = await createTestWarren({ plugins: [plugin] });
  await warren.person("ann").says("hi", { to: "dice" });
  await warren.person("ann").says("roll", { to: "dice" });
  await warren.end("dice");
  expect(await warren.leaks()).toEqual([]);
});

test("what others begin is not a bot's, and after the last kit nothing is watched any more", async () => {
  const originals = [globalThis.setTimeout, Bun.serve];
  {
    await using outer = await createTestWarren({ plugins: [dice(() => {})] });
    {
      await using inner = await createTestWarren({ plugins: [] });
      await inner.quiet();
    }
    const timer = setTimeout(() => {}, HOUR_MS);
    await outer.end("dice");
    expect(await outer.leaks()).toEqual([]);
    clearTimeout(timer);
    expect([globalThis.setTimeout === originals[0], Bun.serve === originals[1]]).toEqual([false, false]);
    expect(await outer.end("dice").catch(String)).toContain("no bot of this test is called dice");
  }
  expect([globalThis.setTimeout, Bun.serve]).toEqual(originals);
});

test("what a killed process had begun is gone with it", async () => {
  const timers: ReturnType<typeof setInterval>[] = [];
  await using warren = await createTestWarren({
    plugins: [dice(() => void timers.push(setInterval(() => {}, HOUR_MS)))],
  });
  await warren.restart("dice");
  await warren.end("dice");
  expect(await warren.leaks()).toHaveLength(1);
  for (const timer of timers) clearInterval(timer);
});

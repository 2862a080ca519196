import { expect, test } from "bun:test";
import { z } from "zod";
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

test("dialogs and jobs whose functions go on after the end are named; those that heed their end are not", async () => {
  const end = Promise.withResolvers<void>();
  const begun: string[] = [];
  const goOn = async (what: string): Promise<void> => {
    begun.push(what);
    await end.promise;
  };
  const plugin = dice((bot) => {
    const order = bot.dialog("order", () => goOn("dialog"));
    const stuck = bot.dialog("stuck", (d) => d.once("step", () => goOn("step")));
    const asked = bot.dialog("asked", (d) => d.ask("size", "How big?", z.number()));
    const later = bot.job("later", () => goOn("job"));
    bot.every("1h", () => goOn("every"));
    bot.cron("0 * * * *", () => goOn("cron"), { zone: "UTC" });
    bot.every("2h", ({ signal }) => new Promise((resolve) => signal.addEventListener("abort", resolve)));
    bot.on("message", async ({ from }) => {
      await order.start(from);
      await later.in("1m");
    });
    bot.command("stick", { about: "stick", run: ({ from }) => stuck.start(from) });
    bot.command("ask", { about: "ask", run: ({ from }) => asked.start(from) });
  });
  await using warren = await createTestWarren({ plugins: [plugin] });
  await warren.person("bob").says("ask", { to: "dice" });
  await warren.person("carol").says("stick", { to: "dice" });
  await warren.person("ann").says("hi", { to: "dice" });
  await warren.clock.advance(2 * HOUR_MS + 10_000);
  expect(begun.toSorted()).toEqual(["cron", "dialog", "every", "job", "step"]);
  await warren.end("dice");
  expect((await warren.leaks()).toSorted()).toEqual([
    'dice: the dialog "order", which still runs',
    'dice: the dialog "stuck", which still runs',
    'dice: the job "later", which still runs',
    "dice: what is done at 0 * * * *, which still runs",
    "dice: what is done every 1h, which still runs",
  ]);
  end.resolve();
  expect(await warren.leaks()).toEqual([]);
});

test("connections of a bot's own are seen, those of its peer are not a bot's", async () => {
  using server = Bun.serve({ port: 0, fetch: () => new Response() });
  const { port } = server;
  const sockets: Bun.Socket[] = [];
  const plugin = dice((bot) =>
    bot.on("message", async ({ text }) => {
      const [bob] = await bot.find({ name: "bob" });
      const [address] = bob?.addresses ?? [];
      await bot.send(`${address?.host}:${address?.port}`, text); // dialled at once, within the handler
      sockets.push(await Bun.connect({ hostname: "127.0.0.1", port: port ?? 0, socket: { data() {} } }));
    }),
  );
  await using warren = await createTestWarren({ plugins: [plugin], network: "loopback" });
  const [ann, bob] = [warren.person("ann"), warren.person("bob")];
  await ann.says("hello", { to: "bob" });
  await ann.says("hi", { to: "dice" });
  expect(bob.heard).toEqual(["hello", "hi"]);
  await warren.end("dice");
  expect(await warren.leaks()).toEqual([expect.stringMatching(/^dice: connect at test\/testing\/leaks\.test\.ts:/)]);
  for (const socket of sockets) socket.end();
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

import { expect, test } from "bun:test";
import { type Bot, definePlugin } from "../../src/bot/plugin.ts";
import { createTestWarren } from "../../src/testing/kit.ts";
import { SharedDirectory } from "../../src/testing/shared-directory.ts";
import { FakePeer, somebody } from "./fake-peer.ts";
import { host } from "./hosted.ts";

test("started comes after setup, and before any message", async () => {
  const seen: string[] = [];
  const { peer } = await host(async (bot) => {
    bot.on("started", () => void seen.push("started"));
    bot.on("message", () => void seen.push("message"));
    await Promise.resolve();
    seen.push("set up");
  });
  await peer.hear("hi");
  expect(seen).toEqual(["set up", "started", "message"]);
});

test("a bot that is stopping can still do things, and is waited for", async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  const seen: unknown[] = [];
  const { peer, attached } = await host((bot) => {
    bot.on("stopping", async () => {
      await promise;
      await bot.send("ann", "goodbye");
      seen.push(bot.signal.aborted);
    });
  });
  const ended = attached[Symbol.asyncDispose]().then(() => seen.push("ended"));
  await peer.clock.advance(2_000);
  expect(seen).toEqual([]);
  resolve();
  await ended;
  await attached[Symbol.asyncDispose]();
  expect(seen).toEqual([false, "ended"]);
  expect(peer.sent).toEqual([{ to: "ann", text: "goodbye" }]);
  expect(peer.clock.untilNext).toBeUndefined();
});

test("a bot that will not stop is waited for 3 s", async () => {
  const { peer, attached } = await host((bot) => bot.on("stopping", () => new Promise(() => {})));
  let hasEnded = false;
  const ended = attached[Symbol.asyncDispose]().then(() => (hasEnded = true));
  await peer.clock.advance(2_999);
  expect(hasEnded).toBe(false);
  await peer.clock.advance(1);
  await ended;
  expect(peer.logged).toEqual(["error dice: stopping: it was not done within 3 s"]);
});

test("a bot whose setup fails never started, and is not told that it stops", async () => {
  const seen: string[] = [];
  const failed = host((bot) => {
    bot.on("started", () => void seen.push("started"));
    bot.on("stopping", () => void seen.push("stopping"));
    throw new Error("no dice");
  });
  expect(await failed.catch(String)).toContain("setup failed: no dice");
  expect(seen).toEqual([]);
});

test("registered is told at the start where the registry has accepted the bot already, and each time it does again", async () => {
  const seen: string[] = [];
  const listen = (bot: Bot) => bot.on("registered", () => void seen.push("registered"));
  const { peer } = await host(listen);
  expect(seen).toEqual([]);
  peer.tell("registered");
  expect(seen).toEqual(["registered"]);
  const known = new FakePeer();
  known.directory = new SharedDirectory().join();
  await host(listen, known);
  expect(seen).toEqual(["registered", "registered"]);
});

test("a real peer tells that its directory has accepted it", async () => {
  const seen: string[] = [];
  const porter = definePlugin({
    name: "porter",
    about: "opens",
    setup: (bot) => bot.on("registered", () => void seen.push("registered")),
  });
  await using warren = await createTestWarren({ plugins: [porter] });
  expect([seen, warren.errors]).toEqual([["registered"], []]);
});

test("everything that fails is told, and no failure hides another", async () => {
  const told: unknown[] = [];
  const { peer } = await host((bot) => {
    bot.on("error", () => Promise.reject(new Error("no pen")));
    bot.on("error", ({ where, error }) => void told.push(`${where}: ${String(error)}`));
    bot.on("peer:online", () => {
      throw new Error("deaf");
    });
    bot.on("peer:online", () => Promise.reject(new Error("blind")));
    bot.on("peer:online", ({ name }) => void told.push(name));
    bot.on("message", () => Promise.reject(new Error("dumb")));
  });
  peer.tell("peer:online", somebody("bob"));
  await peer.clock.settle();
  expect(await peer.hear("hi").catch(String)).toBe("Error: dumb");
  await peer.clock.settle();
  expect(new Set(told)).toEqual(
    new Set([
      "bob",
      "peer:online: Error: deaf",
      "peer:online: Error: blind",
      "a message of ann was not handled: Error: dumb",
    ]),
  );
  expect(peer.logged.filter((line) => line.includes("no pen"))).toEqual(
    Array.from({ length: 3 }, () => 'error dice: a listener to "error" failed: no pen'),
  );
});

import { expect, test } from "bun:test";
import { attachPlugin } from "../../src/bot/host.ts";
import { type Bot, definePlugin } from "../../src/bot/plugin.ts";
import { createTestWarren } from "../../src/testing/kit.ts";
import { FakePeer } from "./fake-peer.ts";

const slow = (setup: (bot: Bot) => unknown) => definePlugin({ name: "slow", about: "is slow", setup });

/** What waits until its signal says that it is over. */
const over = (signal: AbortSignal): Promise<never> =>
  new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));

test("a command that takes too long hears of it by its signals, and has failed", async () => {
  const peer = new FakePeer();
  const heard: AbortSignal[] = [];
  await using _ = await attachPlugin(
    slow((bot) =>
      bot.command("build", {
        about: "builds",
        timeout: "10s",
        async run({ signal, message }) {
          heard.push(signal, message.signal);
          await over(signal);
        },
      }),
    ),
    peer,
  );
  const answered = peer.hear("build").catch((error: unknown) => error);
  await peer.clock.advance(9_999);
  expect(heard.map(({ aborted }) => aborted)).toEqual([false, false]);
  await peer.clock.advance(1);
  expect(heard.map(({ aborted }) => aborted)).toEqual([true, true]);
  expect(await answered).toMatchObject({
    code: "HANDLER_TIMEOUT",
    message: '"build" was not done within 10s',
  });
});

test("so does a listener, and one that is done in time is never told", async () => {
  const peer = new FakePeer();
  const heard: AbortSignal[] = [];
  await using _ = await attachPlugin(
    slow((bot) =>
      bot.on("message", { timeout: "1s" }, async ({ text, signal, reply }) => {
        heard.push(signal);
        if (text === "wait") await over(signal);
        await reply(text);
      }),
    ),
    peer,
  );
  expect(await peer.hear("go")).toEqual(["go"]);
  expect(peer.clock.untilNext).toBeUndefined();
  const answered = peer.hear("wait").catch((error: unknown) => error);
  await peer.clock.advance(1_000);
  expect(await answered).toMatchObject({ code: "HANDLER_TIMEOUT" });
  expect(heard.map(({ aborted }) => aborted)).toEqual([false, true]);
});

test("what ends at once asks no clock", async () => {
  const peer = new FakePeer();
  peer.clock.after = () => {
    throw new Error("it was asked");
  };
  await using _ = await attachPlugin(
    slow((bot) => bot.on("message", { timeout: "1s" }, () => {})),
    peer,
  );
  expect(await peer.hear("go")).toEqual([]);
});

test("what does not heed its signal fails all the same, and can do nothing beside the next attempt", async () => {
  const late: unknown[] = [];
  const later = Promise.withResolvers<void>();
  const deaf = slow((bot) =>
    bot.on("message", { timeout: "1s" }, async ({ attempt, signal, reply }) => {
      if (attempt === 1) {
        await over(signal).catch(() => {});
        await later.promise;
      }
      await reply(`attempt ${attempt}`).catch((error: unknown) => late.push(error));
    }),
  );
  await using warren = await createTestWarren({ plugins: [deaf] });
  const ann = warren.person("ann");
  expect(await ann.says("hello", { to: "slow" })).toMatchObject({ state: "handled" });
  expect(ann.heard).toEqual(["attempt 2"]);
  later.resolve();
  await warren.clock.advance(1);
  expect(late).toEqual([expect.objectContaining({ code: "CLOSED" })]);
  expect(ann.heard).toEqual(["attempt 2"]);
  expect(warren.errors).toEqual([expect.stringContaining("was not done within 1s")]);
});

test("what was being fetched ends with the time", async () => {
  const peer = new FakePeer();
  const looker = slow((bot) =>
    bot.command("look", { about: "looks", timeout: "1s", run: () => bot.fetch("https://a.example/") }),
  );
  const ended: unknown[] = [];
  const fetch = async (_input: unknown, init: RequestInit = {}): Promise<Response> =>
    await over(init.signal ?? AbortSignal.abort()).catch((error: unknown) => {
      ended.push(error);
      throw error;
    });
  await using _ = await attachPlugin(looker, peer, { fetch });
  const answered = peer.hear("look").catch((error: unknown) => error);
  await peer.clock.advance(1_000);
  expect(await answered).toMatchObject({ code: "HANDLER_TIMEOUT" });
  expect(ended).toEqual([expect.objectContaining({ code: "HANDLER_TIMEOUT" })]);
});

test("a limit that is no duration is refused when the bot is loaded", async () => {
  const wrong = slow((bot) =>
    // @ts-expect-error -- it is what somebody may write in JavaScript
    bot.command("build", { about: "builds", timeout: "soon", run: () => {} }),
  );
  const refused = await attachPlugin(wrong, new FakePeer()).catch(String);
  expect(refused).toContain('"soon" is not a duration');
});

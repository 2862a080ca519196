import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { z } from "zod";
import dice from "../../bots/dice.ts";
import pizza from "../../bots/pizza.ts";
import remind from "../../bots/remind.ts";
import { silentLog } from "../../src/base/log.ts";
import { attachPlugin } from "../../src/bot/host.ts";
import { type Bot, definePlugin, type Plugin } from "../../src/bot/plugin.ts";
import { WarrenError } from "../../src/base/errors.ts";
import { recordedCalls } from "../../src/bot/recorded-calls.ts";
import { recordedPeer } from "../../src/bot/recorded-peer.ts";
import type { Recorded } from "../../src/bot/recording.ts";
import { Recorder } from "../../src/bot/recorder.ts";
import { secret } from "../../src/bot/secret.ts";
import { ManualClock } from "../../src/testing/manual-clock.ts";
import { replay } from "../../src/testing/replay.ts";
import { Stage } from "../../src/testing/stage.ts";
import { simulatedTestNetwork } from "../../src/testing/test-network.ts";
import { ann, bob, somebody } from "../bot/fake-peer.ts";

let folder = "";
beforeAll(async () => void (folder = await mkdtemp(join(tmpdir(), "warren-replay-"))));
afterAll(() => rm(folder, { recursive: true }));

const NONE = { values: {}, conceal: (text: string) => text };

/** Records what a real peer of a test hears and says, as a worker does, and kills it in the middle. */
async function recordTalk(plugin: Plugin, [before = [], after = []]: readonly (readonly string[])[]): Promise<string> {
  const file = join(folder, `${plugin.name}-${crypto.randomUUID()}.ndjson`);
  const clock = new ManualClock(Date.UTC(2026, 5, 5, 10, 20, 30, 400));
  await using stage = new Stage({ seed: 7, network: simulatedTestNetwork(clock), log: silentLog });
  let life = await stage.until(stage.open({ name: plugin.name, kind: "bot" }));
  const person = await stage.until(stage.open({ name: "ann", kind: "person" }));
  person.peer.on("message", () => {});
  const attach = async (): Promise<() => void> => {
    const recorder = stage.scope.use(new Recorder(file, { clock, conceal: (text) => text, warn: () => {} }));
    const { isNew } = recorder;
    const peer = recordedPeer(life.peer, {
      name: plugin.name,
      config: NONE,
      isNew,
      write: (line) => recorder.write(line),
    });
    const attached = await stage.until(attachPlugin(plugin, peer, { config: NONE }));
    return stage.scope.defer(() => attached[Symbol.asyncDispose]());
  };
  const say = async (texts: readonly string[]): Promise<void> => {
    for (const text of texts) {
      await stage.until(person.peer.send(plugin.name, text));
      await stage.clock.advance(3_456);
      await stage.quiet();
    }
  };
  const forget = await attach();
  await say(before);
  forget();
  life = await stage.kill(life)();
  await stage.clock.advance(1_000);
  await attach();
  await say(after);
  return file;
}

const TALKS: readonly [plugin: Plugin, talk: readonly (readonly string[])[]][] = [
  [
    dice,
    [
      ["roll 20 3", "roll many", "roll"],
      ["roll", "count"],
    ],
  ],
  [
    pizza,
    [
      ["order", "many", "6"],
      ["mushrooms", "last"],
    ],
  ],
  [
    remind,
    [
      ["remind me in 5s to stretch", "list", "remind 4s tea"],
      ["list", "remind 2s x"],
    ],
  ],
];

test.each(TALKS)(
  "a bot that is as it was says what it said: chance, time, dialogs, jobs, a crash",
  async (plugin, talk) => {
    const file = await recordTalk(plugin, talk);
    const { before, now, differences, errors } = await replay(pathToFileURL(file), plugin);
    expect(before.length).toBeGreaterThanOrEqual(5);
    expect(now).toEqual(before);
    expect([differences, errors]).toEqual([[], []]);
  },
);

async function write(...lines: object[]): Promise<string> {
  const file = join(folder, `${crypto.randomUUID()}.ndjson`);
  await Bun.write(file, lines.map((line) => `${JSON.stringify(line)}\n`).join(""));
  return file;
}

const NOON = Date.UTC(2026, 0, 1, 12);
const start = (more: object = {}) => ({
  t: "start",
  at: NOON,
  version: 1,
  bot: somebody("bell", "bot"),
  config: {},
  registered: true,
  ...more,
});
const said = (from: object, text: string, at: number) => ({ t: "in", at: NOON + at, id: `m${at}`, from, text });
const bell = (setup: (bot: Bot) => unknown) => definePlugin({ name: "bell", about: "rings", setup });

test("what has changed is told, and so is what failed", async () => {
  const out = { t: "out", at: NOON + 5, to: ann };
  const file = await write(start(), said(ann, "hi", 1), { ...out, id: "a", text: "hello" }, said(bob, "no", 6), {
    ...out,
    id: "b",
    to: bob,
    text: "well",
  });
  const changed = bell((bot) =>
    bot.on("message", ({ text, reply }) => {
      if (text === "no") throw new Error("never");
      return reply("good day");
    }),
  );
  const replayed = await replay(file, changed);
  expect(replayed.differences).toEqual(["- to ann: hello", "- to bob: well", "+ to ann: good day"]);
  expect(replayed.errors).toEqual([expect.stringContaining("a message of bob was not handled: never")]);
});

test("the bot has the ids, the time, the stores, the news and the answers that it had", async () => {
  const carol = somebody("carol");
  const file = await write(
    start(),
    { t: "stored", at: NOON, table: "bell/seen", key: ann.id, value: 2 },
    { t: "told", at: NOON + 50, event: "peer:online", peer: carol },
    said(ann, "ring", 1_234),
    { t: "number", at: NOON + 1_234, value: 0.125 },
    { t: "result", at: NOON + 1_234, of: "effect ticket", value: "T1" },
    { t: "result", at: NOON + 1_234, of: 'find {"kind":"person"}', value: [{ name: "dave" }] },
  );
  let opened = 0;
  const plugin = bell((bot) => {
    const seen = bot.store<number>("seen");
    bot.on("registered", () => bot.send("carol", `registered at ${bot.now() - NOON}`));
    bot.on("peer:online", (who) => bot.send(who.id, `hello ${who.name}`));
    bot.on("message", async ({ from, reply }) => {
      const ticket = await bot.effect("ticket", () => `opened ${++opened}`);
      const [found] = await bot.find({ kind: "person" });
      const count = await seen.update(from.id, (n = 0) => n + 1);
      await reply(
        [bot.now() - NOON, bot.self.id === start().bot.id, bot.random(), ticket, found?.name, count].join(" "),
      );
    });
  });
  const { now } = await replay(file, plugin);
  expect(now).toEqual(["to carol: registered at 0", "to carol: hello carol", "to ann: 1234 true 0.125 T1 dave 3"]);
  expect(opened).toBe(0);
});

const asks = (id: string, to: object, at: number) => ({ t: "out", at: NOON + at, id, to, text: "how are you?" });

test("what answers a message of the bot answers it now, whatever its id is", async () => {
  const file = await write(
    start(),
    said(ann, "ask", 1),
    asks("o1", ann, 2),
    said(bob, "ask", 3),
    asks("o2", bob, 4),
    { ...said(bob, "fine", 5), re: "o2" },
    { ...said(ann, "fine", 6), re: "o1" },
    { ...said(ann, "fine", 7), re: "o0" },
  );
  const plugin = bell((bot) => {
    const asked = new Map<string, string>();
    bot.on("message", async ({ text, from, re = "", reply }) => {
      if (text !== "ask") return await reply(`that is what I asked ${asked.get(re)}`);
      const sent = await reply("how are you?");
      return asked.set(sent?.id ?? "", from.name);
    });
  });
  expect((await replay(file, plugin)).now.slice(2)).toEqual([
    "to bob: that is what I asked bob",
    "to ann: that is what I asked ann",
    "to ann: that is what I asked undefined",
  ]);
});

test("the configuration is the recorded one, or another, whose secrets are covered in what is said", async () => {
  const plugin = definePlugin({
    name: "bell",
    about: "rings",
    config: z.object({ word: z.string(), token: secret() }),
    setup: (bot) => bot.on("message", ({ reply }) => reply(`${bot.config.word} ${bot.config.token}`)),
  });
  const file = await write(start({ config: { word: "ding", token: "•••" } }), said(ann, "ring", 1));
  expect((await replay(file, plugin)).now).toEqual(["to ann: ding •••"]);
  expect((await replay(file, plugin, { config: { word: "dong", token: "hunter2" } })).now).toEqual([
    "to ann: dong •••",
  ]);
  const wrong = await replay(file, plugin, { config: { word: 7 } }).catch((error: unknown) => error);
  expect(wrong).toMatchObject({ code: "CONFIG_INVALID" });
});

test("the network answers what it answered, and nothing else", async () => {
  const of = "GET https://api.example/weather?key=•••";
  const file = await write(
    start({ config: { key: "•••" } }),
    said(ann, "weather", 1),
    { t: "fetched", at: NOON + 2, of, status: 200, type: "application/json", body: '{"sky":"blue"}' },
    { t: "fetched", at: NOON + 3, of, error: "the cable is cut" },
  );
  const plugin = definePlugin({
    name: "bell",
    about: "rings",
    config: z.object({ key: secret() }),
    setup(bot) {
      const ask = (): Promise<unknown> =>
        bot.fetch(`https://api.example/weather?key=${bot.config.key}`).then((answer) => answer.json());
      bot.on("message", async ({ reply }) => {
        const answers = [await ask(), await ask().catch(String), await ask().catch(String)];
        await reply(JSON.stringify(answers));
      });
    },
  });
  const { now } = await replay(file, plugin, { config: { key: "hunter2" } });
  expect(now).toEqual([
    `to ann: [{"sky":"blue"},"TypeError: the cable is cut","TypeError: ${of} was not asked for in the recording"]`,
  ]);
});

test("a bot that calls another gets what it got, as often as it got it, and is called as it was", async () => {
  const of = 'call dice roll {"times":1}';
  const call = { id: "c", to: somebody("dice", "bot"), text: "roll --times 1" };
  const failure = { code: "COMMAND_TOO_SOON", message: "dice: too soon" };
  const file = await write(
    start(),
    { ...said(ann, "play", 1), data: { call: { command: "play" } } },
    { t: "out", at: NOON + 1, ...call },
    { t: "result", at: NOON + 2, of, value: { result: { sum: 4 } } },
    { t: "result", at: NOON + 3, of, value: failure },
  );
  const plugin = bell((bot) => {
    const roll = (): Promise<unknown> => bot.call("dice", "roll", { times: 1 }).catch((error: Error) => error.message);
    bot.command("play", { about: "play", run: async () => [await roll(), await roll()] });
  });
  const { now, errors } = await replay(file, plugin);
  const called = "to dice: roll --times 1";
  expect([now, errors]).toEqual([[called, called, 'to ann: [{"sum":4},"dice: too soon"]'], []]);
});

test("what a bot asks of another is recorded, with what came of it", async () => {
  const lines: Recorded[] = [];
  const asked = [{ sum: 4 }, new WarrenError("COMMAND_DENIED", "dice: no")];
  const calls = {
    ask: async (): Promise<unknown> => {
      const next = asked.shift();
      return next instanceof Error ? await Promise.reject(next) : await Promise.resolve(next);
    },
  };
  const { ask } = recordedCalls(calls, (line) => void lines.push(line));
  const request = { command: "roll", args: { times: 1 }, confirmed: false };
  expect(await ask("dice", request, "roll --times 1")).toEqual({ sum: 4 });
  expect(await ask("dice", request, "roll --times 1").catch((error: Error) => error.message)).toBe("dice: no");
  const of = 'call dice roll {"times":1}';
  expect(lines).toEqual([
    { t: "result", of, value: { result: { sum: 4 } } },
    { t: "result", of, value: { code: "COMMAND_DENIED", message: "dice: no" } },
  ]);
});

test("another bot's recording is refused", async () => {
  const failure = await replay(await write(start()), dice).catch((error: unknown) => error);
  expect(failure).toMatchObject({
    code: "RECORDING_FAILED",
    message: expect.stringContaining("it is a recording of bell, and the plugin is dice"),
  });
});

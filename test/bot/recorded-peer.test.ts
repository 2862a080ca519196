import { expect, test } from "bun:test";
import { attachPlugin } from "../../src/bot/host.ts";
import { type Bot, definePlugin } from "../../src/bot/plugin.ts";
import { recordedPeer } from "../../src/bot/recorded-peer.ts";
import type { Recorded } from "../../src/bot/recording.ts";
import { ann, bob, FakePeer } from "./fake-peer.ts";

async function record(peer: FakePeer, isNew: boolean, setup: (bot: Bot) => unknown): Promise<Recorded[]> {
  const lines: Recorded[] = [];
  const config = { values: { word: "hi" }, conceal: (text: string) => text };
  const watched = recordedPeer(peer, { name: "dice", config, isNew, write: (line) => void lines.push(line) });
  await attachPlugin(definePlugin({ name: "dice", about: "rolls", setup }), watched, { config });
  return lines;
}

test("what reaches a bot and what it says is written down, in order, and nothing of it is changed", async () => {
  const peer = new FakePeer();
  const lines = await record(peer, true, (bot) => {
    bot.on("peer:online", () => {});
    bot.on("message", async ({ reply }) => {
      await bot.find({ kind: "bot" });
      const ticket = await bot.effect("ticket", () => 7);
      await reply(`${bot.random()} ${ticket}`);
      await bot.send("bob", "psst");
    });
  });
  peer.tell("peer:online", bob);
  expect(await peer.hear("roll", { room: "den" })).toEqual(["0.5 7"]);
  expect(peer.sent.map(({ text }) => text)).toEqual(["0.5 7", "psst"]);
  expect(lines).toEqual([
    { t: "start", version: 1, bot: peer.info, config: { word: "hi" }, registered: false },
    { t: "told", event: "peer:online", peer: bob },
    { t: "in", id: "m1", from: ann, text: "roll", room: "den" },
    { t: "result", of: 'find {"kind":"bot"}', value: [] },
    { t: "result", of: "effect ticket", value: 7 },
    { t: "number", value: 0.5 },
    { t: "out", id: "s", to: ann, text: "0.5 7", room: "den", re: "m1" },
    { t: "out", id: "s", to: ann, text: "psst" },
  ]);
});

function openRolls(bot: Bot): void {
  bot.store("rolls");
  bot.store("rolls");
}

const storedIn = (lines: Recorded[]): Recorded[] => lines.filter(({ t }) => t === "stored");

test("a new recording begins with what is stored, a continued one does not", async () => {
  const peer = new FakePeer();
  await peer.table("dice/rolls").set("ann", 3);
  await peer.table("other/rolls").set("ann", 4);
  expect(storedIn(await record(peer, true, openRolls))).toEqual([
    { t: "stored", table: "dice/rolls", key: "ann", value: 3 },
  ]);
  expect(storedIn(await record(peer, false, openRolls))).toEqual([]);
});

test("of jobs the names are written down, and not what they do to the bot's own state", async () => {
  const lines = await record(new FakePeer(), true, (bot) => {
    const job = bot.job("later", () => {});
    return job.in("1h", undefined);
  });
  expect(lines.map(({ t }) => t)).toEqual(["start", "token"]);
});

import { expect, test } from "bun:test";
import { DRAFT_SILENCE_MS, Drafts, MAX_DRAFTS, MAX_DRAFTS_BURST, MAX_DRAFTS_IN_ALL } from "../../src/peer/drafts.ts";
import { ManualClock } from "../../src/testing/manual-clock.ts";
import type { Draft } from "../../src/wire/frames.ts";
import { testId } from "./burrow.ts";

const somebody = (name: string) => ({ info: { id: testId(name), name, kind: "bot" as const }, isKnown: true });
const bot = somebody("bot");

const draft = (id: string, at: number, text: string): Draft => ({ t: "draft", id, at, text });

/** Drafts, and what those who listen are told: `id: text`. */
function open({ areDraftsWanted = true } = {}) {
  const clock = new ManualClock();
  const told: string[] = [];
  const drafts = new Drafts(clock, { areDraftsWanted, drafted: ({ id, text }) => void told.push(`${id}: ${text}`) });
  return { clock, told, drafts };
}

test("a text grows by what fits behind it, and nothing is shown of what comes after a gap", () => {
  const { drafts, told } = open();
  for (const piece of [draft("a", 0, "Hel"), draft("a", 3, "lo"), draft("a", 7, "!"), draft("a", 2, "xx")]) {
    drafts.take(bot, piece);
  }
  drafts.take(bot, draft("b", 5, "the middle of something"));
  expect(told).toEqual(["a: Hel", "a: Hello"]);
});

test("what is given up is told as nothing, once; what becomes a message is told by the message", () => {
  const { drafts, told } = open();
  drafts.take(bot, draft("a", 0, "Hel"));
  drafts.take(bot, draft("b", 0, "Wor"));
  drafts.take(bot, draft("a", 0, ""));
  drafts.take(bot, draft("a", 0, ""));
  drafts.sent(bot.info.id, "b");
  drafts.forget(bot.info.id);
  expect(told).toEqual(["a: Hel", "b: Wor", "a: "]);
});

test("the end of a connection takes back the drafts of that peer, and no other's", () => {
  const { drafts, told } = open();
  for (const author of [bot, somebody("other")]) drafts.take(author, draft(author.info.name, 0, "…"));
  drafts.forget(bot.info.id);
  expect(told).toEqual(["bot: …", "other: …", "bot: "]);
});

test("strangers' drafts are not looked at, and none are where nobody listens", () => {
  for (const [{ drafts, told }, isKnown] of [
    [open(), false],
    [open({ areDraftsWanted: false }), true],
  ] as const) {
    drafts.take({ ...bot, isKnown }, draft("a", 0, "psst"));
    expect(told).toEqual([]);
  }
});

test("a peer has four drafts at a time, all peers 64, and each is as long as a message at most", () => {
  const { drafts, told } = open();
  for (let i = 0; i < 20; i++) {
    for (let n = 0; n < 6; n++) drafts.take(somebody(`bot${i}`.slice(0, 5)), draft(`${i}.${n}`, 0, "x"));
  }
  expect(told).toHaveLength(MAX_DRAFTS_IN_ALL);
  expect(told.filter((one) => one.startsWith("3."))).toHaveLength(MAX_DRAFTS);
  told.length = 0;
  const long = "x".repeat(65_536);
  drafts.sent(somebody("bot0").info.id, "0.0");
  drafts.take(somebody("bot0"), draft("long", 0, long));
  drafts.take(somebody("bot0"), draft("long", 65_536, "x"));
  expect(told).toEqual([`long: ${long}`]);
});

test("what has not grown for a minute is forgotten, and makes room", async () => {
  const { clock, drafts, told } = open();
  drafts.take(bot, draft("still", 0, "…"));
  await clock.advance(DRAFT_SILENCE_MS - 1);
  drafts.take(bot, draft("lively", 0, "…"));
  drafts.forgetSilent();
  expect(told).toHaveLength(2);
  await clock.advance(1);
  drafts.forgetSilent();
  expect(told.slice(2)).toEqual(["still: "]);
});

test("who begins and takes back again and again may do so 20 times at once, and then once a second", async () => {
  const { clock, drafts, told } = open();
  const flicker = (n: number): void => {
    drafts.take(bot, draft(`d${n}`, 0, "boo"));
    drafts.take(bot, draft(`d${n}`, 0, ""));
  };
  for (let n = 0; n < 1_000; n++) flicker(n);
  expect(told).toHaveLength(2 * MAX_DRAFTS_BURST);
  told.length = 0;
  await clock.advance(3_000);
  for (let n = 0; n < 1_000; n++) flicker(n);
  expect(told).toHaveLength(2 * 3);
});

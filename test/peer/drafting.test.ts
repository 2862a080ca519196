import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ControlBudget } from "../../src/peer/control-budget.ts";
import { DRAFT_EVERY_MS, Drafting } from "../../src/peer/drafting.ts";
import { MAX_DRAFTS } from "../../src/peer/drafts.ts";
import type { IncomingMessage } from "../../src/peer/message.ts";
import { ManualClock } from "../../src/testing/manual-clock.ts";
import type { Frame } from "../../src/wire/frames.ts";
import { createBurrow, testId, type Burrow } from "./burrow.ts";
import { createPieces, type Pieces } from "./pieces.ts";
import { RawPeer } from "./raw-peer.ts";

let folder: string;
beforeEach(async () => void (folder = await mkdtemp(join(tmpdir(), "warren-drafting-"))));
afterEach(() => rm(folder, { recursive: true }));

/** Ann, who has asked bob something, and sees what he answers: drafts as they grow, in quotes what was sent. */
async function ask(burrow: Burrow, answer: (message: IncomingMessage) => unknown) {
  const ann = await burrow.open("ann");
  const bob = await burrow.open("bob", { kind: "bot", path: join(folder, "bob.db"), port: 7 });
  await burrow.introduce(ann, bob);
  const seen: string[] = [];
  ann.on("draft", ({ text }) => void seen.push(text));
  ann.on("message", ({ text }) => void seen.push(`"${text}"`));
  bob.on("message", answer);
  const asking = ann.send("bob", "what is a warren?");
  await burrow.settle();
  return { ann, bob, seen, asked: await asking };
}

async function* each(texts: readonly string[]): AsyncGenerator<string> {
  for (const text of texts) yield await Promise.resolve(text);
}

async function grow(burrow: Burrow, pieces: Pieces, ...texts: string[]): Promise<void> {
  for (const text of texts) {
    pieces.add(text);
    await burrow.settle(DRAFT_EVERY_MS + 5);
  }
}

async function end(burrow: Burrow, pieces: Pieces): Promise<void> {
  pieces.end();
  await burrow.settle();
}

test("a reply in pieces is seen to grow, and comes as one message under the id that its drafts had", async () => {
  await using burrow = createBurrow();
  const pieces = createPieces();
  const ids = new Set<string>();
  const { ann, bob, seen, asked } = await ask(burrow, (message) => message.reply(pieces));
  ann.on("draft", ({ id, re, from }) => void ids.add(`${id} of ${from.name} to ${String(re)}`));
  ann.on("message", ({ id, re, from }) => void ids.add(`${id} of ${from.name} to ${String(re)}`));
  await grow(burrow, pieces, "many ", "burrows");
  expect(seen).toEqual(["many ", "many burrows"]);
  await end(burrow, pieces);
  expect(seen.slice(2)).toEqual(['"many burrows"']);
  expect([...ids]).toEqual([expect.stringContaining(`of bob to ${asked.id}`)]);
  expect((await asked.handled).state).toBe("handled");
  expect((await bob.history("ann")).map(({ text }) => text)).toEqual(["what is a warren?", "many burrows"]);
});

test("pieces that come fast are said together, one frame in 100 ms, and what is whole before that needs none", async () => {
  await using burrow = createBurrow();
  const [slow, fast] = [createPieces(), createPieces()];
  const { seen, ann } = await ask(burrow, (message) => message.reply(message.text === "quick" ? fast : slow));
  for (let n = 0; n < 100; n++) {
    slow.add("x");
    await burrow.settle(10);
  }
  expect(seen.length).toBeGreaterThanOrEqual(8);
  expect(seen.length).toBeLessThanOrEqual(10);
  await end(burrow, slow);
  seen.length = 0;
  await Promise.all([ann.send("bob", "quick"), burrow.settle()]);
  fast.add("at ");
  fast.add("once");
  await end(burrow, fast);
  expect(seen).toEqual(['"at once"']);
});

test("when the pieces throw, the draft goes away, nothing is sent, and the handler has failed", async () => {
  await using burrow = createBurrow();
  const answers: Pieces[] = [];
  const { seen, asked } = await ask(burrow, (message) =>
    message.reply(answers[answers.push(createPieces()) - 1] ?? ""),
  );
  for (let attempt = 0; attempt < 3; attempt++) {
    const pieces = answers[attempt] ?? createPieces();
    await grow(burrow, pieces, `try ${attempt}`);
    pieces.fail(new Error("the model is tired"));
    await burrow.settle(5_000);
  }
  expect(seen).toEqual(["try 0", "", "try 1", "", "try 2", ""]);
  expect(await asked.handled).toMatchObject({ state: "failed", reason: "its handler failed: the model is tired" });
});

test("a text over the limit fails before any of it is sent, as does one of no text at all, or of what is no text", async () => {
  await using burrow = createBurrow();
  const errors: unknown[] = [];
  const { seen, ann } = await ask(burrow, async (message) => {
    for (const answer of [["x".repeat(65_536), "y"], ["€".repeat(21_846)], [], [7 as unknown as string]]) {
      await message.reply(each(answer)).catch((error: unknown) => errors.push(error));
    }
  });
  expect(errors).toMatchObject([
    { code: "MESSAGE_TOO_LARGE", message: expect.stringContaining("65537 bytes so far; at most 65536") },
    { code: "MESSAGE_TOO_LARGE" },
    { code: "MESSAGE_EMPTY" },
    { code: "USAGE", message: expect.stringContaining("number") },
  ]);
  expect(seen).toEqual([]);
  expect((await ann.history("bob")).length).toBe(1);
});

test("who comes back in the middle is shown all of it again, and what was said meanwhile", async () => {
  await using burrow = createBurrow();
  const pieces = createPieces();
  const { seen } = await ask(burrow, (message) => message.reply(pieces));
  await grow(burrow, pieces, "one ");
  burrow.network.cut();
  pieces.add("two ");
  await burrow.settle(2_000);
  await grow(burrow, pieces, "three");
  await end(burrow, pieces);
  expect(seen).toEqual(["one ", "", "one two ", "one two three", '"one two three"']);
});

test("a reader that is away sees no draft, and gets the message when it is back", async () => {
  await using burrow = createBurrow();
  const pieces = createPieces();
  const { seen } = await ask(burrow, (message) => message.reply(pieces));
  burrow.network.partition(() => true);
  for (const text of ["a long ", "answer"]) await grow(burrow, pieces, text);
  await burrow.settle(40_000);
  await end(burrow, pieces);
  burrow.network.partition(() => false);
  await burrow.settle(60_000);
  expect(seen).toEqual(['"a long answer"']);
});

test("a reader that is slow is sent nothing more until it has read, and then all of it together", async () => {
  const clock = new ManualClock();
  const said: Frame[] = [];
  const line = { send: (frame: Frame) => void said.push(frame) };
  let isSlow = false;
  const session = {
    connection: line,
    get freeConnection() {
      return isSlow ? undefined : line;
    },
  };
  const pieces = createPieces();
  using writing = new Drafting({ clock, sessionWith: () => session }).begin(testId("ann"), { id: "m" });
  const whole = writing.read(pieces, () => {});
  for (const text of ["a", "b", "c", "d", "e"]) {
    isSlow = text >= "b" && text <= "d";
    pieces.add(text);
    await clock.settle();
    await clock.advance(DRAFT_EVERY_MS);
  }
  pieces.end();
  expect(await whole).toBe("abcde");
  expect(said).toMatchObject([
    { at: 0, text: "a" },
    { at: 1, text: "bcde" },
  ]);
});

test("a text that has ended makes room for the next one", async () => {
  const clock = new ManualClock();
  const said: Frame[] = [];
  const line = { send: (frame: Frame) => void said.push(frame) };
  const drafting = new Drafting({ clock, sessionWith: () => ({ connection: line, freeConnection: line }) });
  for (let n = 0; n < 2 * MAX_DRAFTS; n++) {
    using writing = drafting.begin(testId("ann"), { id: `m${n}` });
    const pieces = createPieces();
    const whole = writing.read(pieces, () => {});
    pieces.add("text");
    await clock.settle();
    await clock.advance(DRAFT_EVERY_MS);
    pieces.end();
    await whole;
    writing.keep();
  }
  expect(said).toHaveLength(2 * MAX_DRAFTS);
});

test("on another connection nothing is said before both sides are ready, and then the draft begins again", async () => {
  await using burrow = createBurrow();
  const bob = await burrow.open("bob", { kind: "bot" });
  const pieces = createPieces();
  bob.on("message", (message) => message.reply(pieces));
  const zed = await new RawPeer(burrow, "zed").join(bob);
  zed.say({ t: "msg", n: 1, id: "m1", at: 1, text: "tell me" });
  await burrow.settle();
  await grow(burrow, pieces, "one ");
  await zed.meet(bob, { conn: "c2" });
  await grow(burrow, pieces, "two ");
  expect(zed.all("draft")).toMatchObject([{ at: 0, text: "one " }]);
  zed.say({ t: "ready", have: null, w: 9 });
  await burrow.settle(DRAFT_EVERY_MS + 5);
  expect(zed.all("draft").slice(1)).toMatchObject([{ at: 0, text: "one two " }]);
});

test("a draft that begins again on another connection takes the place of what was shown", async () => {
  await using burrow = createBurrow();
  const ann = await burrow.open("ann");
  const seen: string[] = [];
  ann.on("draft", ({ text }) => void seen.push(text));
  const zed = await new RawPeer(burrow, "zed").join(ann);
  await Promise.all([ann.send(zed.id, "tell me"), burrow.settle()]);
  zed.say({ t: "draft", id: "d", at: 0, text: "one" });
  await burrow.settle();
  await zed.join(ann, { conn: "c2" });
  zed.say({ t: "draft", id: "d", at: 0, text: "one two" });
  await burrow.settle();
  expect(seen).toEqual(["one", "", "one two"]);
});

test("after a crash in the middle of a text the handler begins again, and its reader has it once", async () => {
  await using burrow = createBurrow();
  const [first, second] = [createPieces(), createPieces()];
  const { seen } = await ask(burrow, (message) => message.reply(first));
  await grow(burrow, first, "once upon ");
  const bob = await burrow.crash("bob");
  bob.on("message", (message) => message.reply(second));
  await burrow.settle(5_000);
  await grow(burrow, second, "in the beginning");
  await end(burrow, second);
  expect(seen).toEqual(["once upon ", "", "in the beginning", '"in the beginning"']);
});

test("a text that was sent before a crash is not said again, and whatever brings it again is let go", async () => {
  await using burrow = createBurrow();
  const [first, second] = [createPieces(), createPieces()];
  const { seen } = await ask(burrow, async (message) => {
    await message.reply(first);
    await new Promise(() => {});
  });
  await grow(burrow, first, "said");
  await end(burrow, first);
  const bob = await burrow.crash("bob");
  let sentId = "";
  bob.on("message", async (message) => void (sentId = (await message.reply(second)).id));
  await burrow.settle(5_000);
  expect(seen).toEqual(["said", '"said"']);
  expect([second.isAbandoned, sentId]).toEqual([true, expect.stringMatching(/./)]);
});

test("a text whose handler did not wait for it is sent all the same, and the message is not handled again", async () => {
  await using burrow = createBurrow();
  const pieces = createPieces();
  let runs = 0;
  const { bob, seen } = await ask(burrow, (message) => {
    runs++;
    void message.reply(pieces);
  });
  await grow(burrow, pieces, "late");
  await end(burrow, pieces);
  expect(seen).toEqual(["late", '"late"']);
  await burrow.crash("bob").then((again) => again.on("message", () => runs++));
  await burrow.settle(5_000);
  expect([runs, bob.name]).toEqual([1, "bob"]);
});

test("when the peer closes, the text is let go", async () => {
  await using burrow = createBurrow();
  const pieces = createPieces();
  const { bob } = await ask(burrow, (message) => message.reply(pieces));
  await grow(burrow, pieces, "never ");
  const closing = bob.close();
  await burrow.settle(6_000);
  await closing;
  pieces.add("whole");
  await burrow.settle();
  expect(pieces.isAbandoned).toBe(true);
});

test("many texts at once stay within what a connection may carry that needs no credit", async () => {
  await using burrow = createBurrow();
  const bob = await burrow.open("bob", { kind: "bot" });
  const answers: Pieces[] = [];
  bob.on("message", (message) => void message.reply(answers[answers.push(createPieces()) - 1] ?? "").catch(() => {}));
  const zed = await new RawPeer(burrow, "zed").join(bob);
  for (let n = 1; n <= 16; n++) zed.say({ t: "msg", n, id: `m${n}`, at: 1, text: "go" });
  await burrow.settle();
  const budget = new ControlBudget(burrow.world.clock);
  let counted = 0;
  let isAllowed = true;
  for (let round = 0; round < 300; round++) {
    for (const pieces of answers) pieces.add(`${round} `);
    await burrow.settle(DRAFT_EVERY_MS);
    for (const frame of zed.heard.slice(counted)) isAllowed &&= budget.allows(frame as unknown as Frame);
    counted = zed.heard.length;
  }
  expect(answers.length).toBe(16);
  expect(new Set(zed.all("draft").map(({ id }) => id)).size).toBe(MAX_DRAFTS);
  expect(isAllowed).toBe(true);
  const perSecond = zed.all("draft").length / 30;
  expect(perSecond).toBeGreaterThan(30);
  expect(perSecond).toBeLessThanOrEqual(40);
});

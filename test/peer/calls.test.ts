import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { AskOptions } from "../../src/peer/calls.ts";
import { readRequest } from "../../src/peer/call-data.ts";
import type { IncomingMessage } from "../../src/peer/message.ts";
import type { Peer } from "../../src/peer/peer.ts";
import type { MessageData } from "../../src/wire/data.ts";
import { createBurrow, hear, type Burrow } from "./burrow.ts";

let folder: string;
let bobsPath: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "warren-calls-"));
  bobsPath = join(folder, "bob.db");
});
afterEach(() => rm(folder, { recursive: true }));

/** Bob calls dice; ann says things to bob. */
async function scene(burrow: Burrow): Promise<{ ann: Peer; bob: Peer; dice: Peer }> {
  const ann = await burrow.open("ann");
  const bob = await burrow.open("bob", { path: bobsPath, port: 7 });
  const dice = await burrow.open("dice", { kind: "bot", port: 8 });
  await burrow.introduce(ann, bob);
  await burrow.introduce(bob, dice);
  return { ann, bob, dice };
}

function ask(peer: Peer, command = "roll", options?: AskOptions): Promise<unknown> {
  return peer.calls.ask("dice", { command, args: { times: 3 }, confirmed: false }, `${command} --times 3`, options);
}

/** What comes of it, an error by its code and message. */
async function outcome(asking: Promise<unknown>): Promise<unknown> {
  return await asking.catch((error: { code?: string; message: string }) => `${error.code}: ${error.message}`);
}

async function asked(burrow: Burrow, peer: Peer, ms = 50, options?: AskOptions): Promise<unknown> {
  const asking = outcome(ask(peer, "roll", options));
  await burrow.settle(ms);
  return await asking;
}

/** Has dice answer every call with `data`, and returns the texts that came. */
function answering(dice: Peer, data: (call: string, n: number) => MessageData | undefined): string[] {
  const texts: string[] = [];
  dice.on("message", async (message) => {
    texts.push(message.text);
    const given = data(readRequest(message.data)?.command ?? "", texts.length);
    if (given) await message.reply("an answer", { data: given });
  });
  return texts;
}

async function answer(burrow: Burrow, message: IncomingMessage | undefined, data: MessageData): Promise<void> {
  const replying = message?.reply("an answer", { data });
  await burrow.settle(10);
  await replying;
}

async function tell(burrow: Burrow, peer: Peer, text: string): Promise<void> {
  const sending = peer.send("bob", text);
  await burrow.settle();
  await sending;
}

test("a call is a message that says the same in words, and its answer is seen by the call alone", async () => {
  await using burrow = createBurrow();
  const { bob, dice } = await scene(burrow);
  const heard = hear(bob);
  const requests: unknown[] = [];
  dice.on("message", ({ data }) => void requests.push(readRequest(data)));
  const texts = answering(dice, () => ({ result: { sum: 9 } }));
  expect(await asked(burrow, bob)).toEqual({ sum: 9 });
  expect([texts, requests, heard]).toEqual([
    ["roll --times 3"],
    [{ command: "roll", args: { times: 3 }, confirmed: false }],
    [],
  ]);
  const history = (await bob.history("dice")).map(({ text, state }) => `${text} (${state})`);
  expect(history).toEqual(["roll --times 3 (handled)", "an answer (handled)"]);
  expect((await dice.history("bob")).at(-1)).toMatchObject({ text: "an answer", state: "handled" });
});

test("a handler can call the one whose message it handles", async () => {
  await using burrow = createBurrow();
  const { bob, dice } = await scene(burrow);
  answering(dice, () => ({ result: 7 }));
  const results: unknown[] = [];
  bob.on("message", async () => void results.push(await ask(bob)));
  const sending = dice.send("bob", "your turn");
  await burrow.settle();
  await sending;
  expect(results).toEqual([7]);
});

test("answers are given to the calls that they are for, in whatever order they come", async () => {
  await using burrow = createBurrow();
  const { bob, dice } = await scene(burrow);
  const messages: IncomingMessage[] = [];
  dice.on("message", (message) => void messages.push(message));
  const both = Promise.all([ask(bob, "a"), ask(bob, "b")]);
  await burrow.settle();
  for (const one of messages.toReversed()) await answer(burrow, one, { result: readRequest(one.data)?.command });
  expect(await both).toEqual(["a", "b"]);
});

test("nobody but the peer that was called can answer", async () => {
  await using burrow = createBurrow();
  const { ann, bob, dice } = await scene(burrow);
  const heard = hear(bob);
  let id = "";
  dice.on("message", (message) => void (id = message.id));
  const asking = ask(bob);
  await burrow.settle();
  const forged = ann.send("bob", "here", { re: id, data: { result: "forged" } });
  await burrow.settle();
  const sent = await forged;
  const sending = dice.send("bob", "here", { re: id, data: { result: "real" } });
  await burrow.settle();
  await sending;
  expect(await asking).toBe("real");
  expect([heard, (await sent.handled).state]).toEqual([[], "handled"]);
});

test("what the other side answers instead of a result is an error with its code and its name", async () => {
  await using burrow = createBurrow();
  const { bob, dice } = await scene(burrow);
  const errors: unknown[] = [
    { code: "COMMAND_UNKNOWN", message: "no" },
    { code: "STORE_FAILED", message: "it fell" },
    { code: "COMMAND_DENIED" },
    "no",
  ];
  answering(dice, (_, n) => ({ error: errors[n - 1] }));
  expect(await asked(burrow, bob)).toBe("COMMAND_UNKNOWN: dice: no");
  expect(await asked(burrow, bob)).toBe("COMMAND_FAILED: dice: it fell (STORE_FAILED)");
  expect(await asked(burrow, bob)).toBe("COMMAND_FAILED: dice: it gave no reason that can be read");
  expect(await asked(burrow, bob)).toBe("COMMAND_FAILED: dice: it gave no reason that can be read");
});

test("a call waits for 30 s or as long as it is told, and then says how far it came", async () => {
  await using burrow = createBurrow();
  const { bob, dice } = await scene(burrow);
  let isOver = false;
  const asking = outcome(ask(bob)).finally(() => (isOver = true));
  await burrow.settle(29_990);
  expect(isOver).toBe(false);
  await burrow.settle(20);
  expect(await asking).toMatch(/^CALL_TIMEOUT: no answer of dice within 30 s: it has the call, and has not answered/);
  answering(dice, () => undefined);
  const short = await asked(burrow, bob, 2_000, { timeoutMs: 2_000 });
  expect(short).toMatch(/^CALL_TIMEOUT: .* within 2 s: it took the call and did not answer/);
});

test("a call that is given up before it has left is taken back, but not that of a handler, which may run again", async () => {
  await using burrow = createBurrow();
  const { ann, bob, dice } = await scene(burrow);
  const heard = hear(ann);
  const texts = answering(dice, (_, n) => ({ result: n }));
  bob.on(
    "message",
    async (message) => void (await message.reply(String(await ask(bob, "handler", { timeoutMs: 20_000 })))),
  );
  burrow.network.partition((a, b) => [a, b].includes(dice.id));
  burrow.network.cut((a, b) => [a, b].includes(dice.id));
  expect(await asked(burrow, bob, 1_000, { timeoutMs: 1_000 })).toBe(
    "CALL_TIMEOUT: no answer of dice within 1 s: it could not be reached",
  );
  await tell(burrow, ann, "go");
  await burrow.settle(20_000);
  burrow.network.partition(() => false);
  await burrow.settle(20_000);
  expect([texts, heard]).toEqual([["handler --times 3"], ["1"]]);
});

test("a call ends with its signal, and a late answer is seen by nobody", async () => {
  await using burrow = createBurrow();
  const { bob, dice } = await scene(burrow);
  const heard = hear(bob);
  const messages: IncomingMessage[] = [];
  dice.on("message", (message) => void messages.push(message));
  const end = new AbortController();
  const asking = outcome(ask(bob, "roll", { signal: end.signal }));
  await burrow.settle();
  end.abort(new Error("enough"));
  expect(await asking).toBe("undefined: enough");
  expect(await outcome(ask(bob, "roll", { signal: end.signal }))).toBe("undefined: enough");
  await answer(burrow, messages[0], { result: 1 });
  expect([messages.length, heard]).toEqual([1, []]);
});

test("calls that wait end when the peer closes", async () => {
  await using burrow = createBurrow();
  const { bob } = await scene(burrow);
  const asking = outcome(ask(bob));
  await burrow.settle();
  const closed = bob.close();
  await burrow.settle(1_000);
  await closed;
  expect(await asking).toStartWith("CLOSED: ");
});

test("a handler that runs again does not ask again, and is given the answer that it was given before", async () => {
  await using burrow = createBurrow();
  const scened = await scene(burrow);
  const { ann, dice } = scened;
  let { bob } = scened;
  const texts = answering(dice, (_, n) => ({ result: n }));
  const heard = hear(ann);
  const handle = async (peer: Peer, message: IncomingMessage, gate: Promise<void>): Promise<void> => {
    const results = [await ask(peer), await ask(peer)];
    await peer.effect("gate", () => gate);
    const sent = await peer.send("dice", "thanks");
    await message.reply(`${results.join()} for ${ann.name}, ${sent.to.name}, attempt ${message.attempt}`);
  };
  bob.on("message", (message) => handle(scened.bob, message, new Promise(() => {})));
  await tell(burrow, ann, "go");
  expect(texts).toEqual(["roll --times 3", "roll --times 3"]);
  bob = await burrow.crash("bob");
  bob.on("message", (message) => handle(bob, message, Promise.resolve()));
  await burrow.settle(31_000);
  expect(texts).toEqual(["roll --times 3", "roll --times 3", "thanks"]);
  expect(heard).toEqual(["1,2 for ann, dice, attempt 2"]);
});

test("an answer that comes after a crash, before the handler runs again, is given to it", async () => {
  await using burrow = createBurrow();
  const scened = await scene(burrow);
  const { ann, dice } = scened;
  let { bob } = scened;
  const heard = hear(ann);
  const messages: IncomingMessage[] = [];
  dice.on("message", (message) => void messages.push(message));
  const first = bob;
  first.on("message", async (message) => await message.reply(String(await ask(first))));
  await tell(burrow, ann, "go");
  bob = await burrow.crash("bob");
  await answer(burrow, messages[0], { result: 5 });
  await burrow.settle(31_000); // bob has nobody who takes messages yet
  expect((await dice.history("bob")).at(-1)?.state).toBe("handled");
  bob.on("message", async (message) => await message.reply(String(await ask(bob))));
  await burrow.settle(1_000);
  expect([messages.length, heard]).toEqual([1, ["5"]]);
});

test("an answer that comes while a handler waits between two attempts is given to the next one", async () => {
  await using burrow = createBurrow();
  const { ann, bob, dice } = await scene(burrow);
  const heard = hear(ann);
  const messages: IncomingMessage[] = [];
  dice.on("message", (message) => void messages.push(message));
  bob.on("message", async (message) => {
    await message.reply(`attempt ${message.attempt}: ${String(await ask(bob, "roll", { timeoutMs: 1_000 }))}`);
  });
  await tell(burrow, ann, "go");
  await burrow.settle(980); // its time is over, and the pause before the next attempt is not
  await answer(burrow, messages[0], { result: 5 });
  await burrow.settle(5_000);
  expect([messages.length, heard]).toEqual([1, ["attempt 2: 5"]]);
});

test("an answer is told when it is on disk, and not before", async () => {
  await using burrow = createBurrow();
  const { bob, dice } = await scene(burrow);
  const messages: IncomingMessage[] = [];
  dice.on("message", (message) => void messages.push(message));
  let result: unknown;
  const asking = ask(bob).then((given) => (result = given));
  await burrow.settle();
  const notices: string[] = [];
  bob.on("notice", ({ code }) => void notices.push(code));
  burrow.failNextCommit(bob);
  const replying = messages[0]?.reply("an answer", { data: { result: 5 } });
  await burrow.settle(2);
  await replying;
  expect([notices, result]).toEqual([["STORE_FAILED"], undefined]);
  await burrow.settle(5_000);
  expect(await asking).toBe(5);
});

import { expect, test } from "bun:test";
import type { Peer } from "../../src/peer/peer.ts";
import { createBurrow, hear, lines, type Burrow } from "./burrow.ts";
import { RawPeer } from "./raw-peer.ts";

/** A message of the raw peer's. */
const msg = (n: number, more: object = {}): object => ({
  t: "msg",
  n,
  id: `id${n}`,
  at: 1,
  text: `text ${n}`,
  ...more,
});
const numbered = (count: number): object[] => Array.from({ length: count }, (_, i) => msg(i + 1));

/** A piece of a draft of the raw peer's. */
const draft = (more: object = {}): object => ({ t: "draft", id: "d1", at: 0, text: "hm", ...more });

/** Bob, whom a hostile peer attacks; ann, who goes on talking to him; and zed, who has a key like everybody else. */
async function createScene() {
  const burrow = createBurrow();
  const bob = await burrow.open("bob");
  const ann = await burrow.open("ann");
  await burrow.introduce(ann, bob);
  const heard = hear(bob);
  return {
    burrow,
    bob,
    ann,
    heard,
    zed: new RawPeer(burrow, "zed"),
    [Symbol.asyncDispose]: burrow[Symbol.asyncDispose],
  };
}

/** What ann says reaches bob at once, over the connection that she has had all the time. */
async function expectUndisturbed(burrow: Burrow, ann: Peer, heard: string[]): Promise<void> {
  const sending = ann.send("bob", "all is well");
  await burrow.settle(3); // there and back, and no time to connect anew
  const { delivered } = await sending;
  expect((await delivered).state).toBe("handled");
  expect(heard.at(-1)).toBe("all is well");
}

test.each([
  ["a message from the future", [msg(2)], "PROTOCOL_VIOLATION"],
  ["a message from the past", [msg(1), msg(1)], "PROTOCOL_VIOLATION"],
  ["a message number 0", [msg(0)], "FRAME_MALFORMED"],
  ["a message number that no counter reaches", [msg(2 ** 53)], "FRAME_MALFORMED"],
  ["more messages than it was granted", numbered(17), "PROTOCOL_VIOLATION"],
  ["a skip beyond what it was granted", [{ t: "skip", n: 1, to: 17, id: "a" }], "PROTOCOL_VIOLATION"],
  ["a skip from the future", [{ t: "skip", n: 5, to: 6, id: "a" }], "PROTOCOL_VIOLATION"],
  ["a skip that goes backwards", [msg(1), { t: "skip", n: 2, to: 1, id: "a" }], "PROTOCOL_VIOLATION"],
  ["a second start", [{ t: "start", epoch: "e2", low: 1 }], "PROTOCOL_VIOLATION"],
  ["a second ready", [{ t: "ready", have: null, w: 1 }], "PROTOCOL_VIOLATION"],
  ["a confirmation of a receipt that was never sent", [{ t: "got", k: 1 }], "PROTOCOL_VIOLATION"],
  ["a frame without a kind", [{ n: 1 }], "FRAME_MALFORMED"],
  ["a kind that is no text", [{ t: ["ping"] }], "FRAME_MALFORMED"],
  ["a message without an id", [msg(1, { id: undefined })], "FRAME_MALFORMED"],
  ["a message whose id is a program", [msg(1, { id: "'; DROP TABLE incoming; --" })], "FRAME_MALFORMED"],
  ["a message whose id is endless", [msg(1, { id: "a".repeat(65) })], "FRAME_MALFORMED"],
  ["a message whose text is no text", [msg(1, { text: { toString: 1 } })], "FRAME_MALFORMED"],
  ["a message of over 64 KiB", [msg(1, { text: "x".repeat(65_537) })], "FRAME_MALFORMED"],
  ["a message of over 64 KiB in few characters", [msg(1, { text: "€".repeat(21_846) })], "FRAME_MALFORMED"],
  ["a message with a fraction of a hop", [msg(1, { hops: 0.5 })], "FRAME_MALFORMED"],
  ["a message with too many parents", [msg(1, { parents: Array(17).fill("a") })], "FRAME_MALFORMED"],
  [
    "a receipt with too many ranges",
    [{ t: "done", k: 1, epoch: "e", ok: Array.from({ length: 1_025 }, () => [1, 1]), failed: [] }],
    "FRAME_MALFORMED",
  ],
  [
    "a receipt for a range that goes backwards",
    [{ t: "done", k: 1, epoch: "e", ok: [[2, 1]], failed: [] }],
    "FRAME_MALFORMED",
  ],
  ["a draft of over 64 KiB", [draft({ text: "x".repeat(65_537) })], "FRAME_MALFORMED"],
  ["a draft before its beginning", [draft({ at: -1 })], "FRAME_MALFORMED"],
  ["a draft without an id", [draft({ id: "" })], "FRAME_MALFORMED"],
  ["no JSON", ["hello?\n"], "FRAME_MALFORMED"],
  ["a line without an end", ["x".repeat(262_145)], "FRAME_TOO_LARGE"],
])("%s ends the connection of its sender and nobody else's", async (_, frames, code) => {
  await using scene = await createScene();
  const { burrow, bob, ann, heard, zed } = scene;
  await zed.join(bob);
  zed.say(...frames, { t: "ping" });
  await burrow.settle(20); // the longest of them take several chunks
  expect([zed.isClosed, zed.farewell]).toEqual([true, code]);
  expect(zed.all("pong")).toEqual([]); // nothing behind it was looked at
  await expectUndisturbed(burrow, ann, heard);
});

test.each([
  ["an acknowledgement of what was never sent", { t: "ack", epoch: "", n: 2, w: 9 }],
  ["an acknowledgement below an earlier one", { t: "ack", epoch: "", n: 0, w: 9 }],
  ["an acknowledgement in an epoch that never was", { t: "ack", epoch: "never", n: 1, w: 9 }],
])("%s ends the connection, and what it was about is kept", async (_, ack) => {
  await using scene = await createScene();
  const { burrow, bob, ann, heard, zed } = scene;
  await zed.join(bob);
  await Promise.all([bob.send(zed.id, "one"), burrow.settle()]);
  const epoch = zed.all("start")[0]?.["epoch"];
  zed.say({ t: "ack", epoch, n: 1, w: 9 });
  zed.say({ ...ack, epoch: ack.epoch || epoch });
  await burrow.settle();
  expect([zed.isClosed, zed.farewell]).toEqual([true, "PROTOCOL_VIOLATION"]);
  expect(lines(await bob.history(zed.id))).toEqual(["bob: one (delivered)"]);
  await expectUndisturbed(burrow, ann, heard);
});

test.each([
  ["a message before ready", [msg(1)]],
  ["an acknowledgement before ready", [{ t: "ack", epoch: "e", n: 0, w: 9 }]],
])("%s ends the connection", async (_, frames) => {
  await using scene = await createScene();
  const { burrow, bob, ann, heard, zed } = scene;
  await zed.meet(bob);
  zed.say(...frames);
  await burrow.settle();
  expect([zed.isClosed, zed.farewell]).toEqual([true, "PROTOCOL_VIOLATION"]);
  await expectUndisturbed(burrow, ann, heard);
});

test("a draft before hello ends the connection", async () => {
  await using scene = await createScene();
  const { burrow, bob, ann, heard, zed } = scene;
  await zed.dial(bob);
  zed.say(draft());
  await burrow.settle();
  expect([zed.isClosed, zed.farewell]).toEqual([true, "PROTOCOL_VIOLATION"]);
  await expectUndisturbed(burrow, ann, heard);
});

test("a message before start ends the connection", async () => {
  await using scene = await createScene();
  const { burrow, bob, zed } = scene;
  await zed.meet(bob);
  zed.say({ t: "ready", have: null, w: 9 });
  await burrow.settle();
  zed.say(msg(1));
  await burrow.settle();
  expect([zed.isClosed, zed.farewell]).toEqual([true, "PROTOCOL_VIOLATION"]);
});

test("what came before the fault stays, is handled once, and is not asked for again", async () => {
  await using scene = await createScene();
  const { burrow, bob, heard, zed } = scene;
  await zed.join(bob);
  zed.say(...numbered(17));
  await burrow.settle();
  zed.heard.length = 0;
  await zed.join(bob, { conn: "c2" });
  expect(zed.all("ready")).toMatchObject([{ have: { epoch: "e1", n: 16, id: "id16" } }]);
  expect(heard).toHaveLength(16);
});

test("the same message under another number is acknowledged and not handled again", async () => {
  await using scene = await createScene();
  const { burrow, bob, heard, zed } = scene;
  await zed.join(bob);
  zed.say(msg(1), msg(2, { id: "id1" }), msg(3));
  await burrow.settle();
  expect(heard).toEqual(["text 1", "text 3"]);
  expect(zed.all("ack").at(-1)).toMatchObject({ n: 3 });
});

test("receipts for what was never acknowledged, never sent, or never written are not believed", async () => {
  await using scene = await createScene();
  const { burrow, bob, ann, heard, zed } = scene;
  await zed.join(bob);
  await Promise.all([bob.send(zed.id, "one"), burrow.settle()]);
  const epoch = zed.all("start")[0]?.["epoch"];
  const lie = { t: "done", k: 1, epoch, ok: [[1, Number.MAX_SAFE_INTEGER]], failed: [[7, "no"]] };
  zed.say(lie, { ...lie, k: 2, epoch: "never" });
  await burrow.settle();
  expect(lines(await bob.history(zed.id))).toEqual(["bob: one (sent)"]);
  zed.say({ t: "ack", epoch, n: 1, w: 9 });
  await burrow.settle();
  expect(lines(await bob.history(zed.id))).toEqual(["bob: one (delivered)"]);
  await expectUndisturbed(burrow, ann, heard);
});

test("who reads messages and never acknowledges them is sent no more than it has granted", async () => {
  await using scene = await createScene();
  const { burrow, bob, ann, heard, zed } = scene;
  await zed.join(bob, { w: 3 });
  await Promise.all([...Array.from({ length: 10 }, (_, i) => bob.send(zed.id, `m${i}`)), burrow.settle()]);
  expect(zed.all("msg")).toHaveLength(3);
  await expectUndisturbed(burrow, ann, heard);
});

test("a grant without bounds, in numbers that no counter reaches, is no harm", async () => {
  await using scene = await createScene();
  const { burrow, bob, zed } = scene;
  await zed.join(bob, { w: Number.MAX_SAFE_INTEGER });
  await Promise.all([...Array.from({ length: 10 }, (_, i) => bob.send(zed.id, `m${i}`)), burrow.settle()]);
  expect(zed.all("msg").map(({ n }) => n)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
});

test("100,000 pings at once end the connection, and hold nobody up", async () => {
  await using scene = await createScene();
  const { burrow, bob, ann, heard, zed } = scene;
  await zed.join(bob);
  zed.say('{"t":"ping"}\n'.repeat(100_000));
  await expectUndisturbed(burrow, ann, heard);
  await burrow.settle(200);
  expect(zed.all("pong").length).toBeLessThanOrEqual(5_000);
  expect([zed.isClosed, zed.farewell]).toEqual([true, "RATE_LIMITED"]);
});

test("100,000 drafts at once end the connection, and what was shown of them is taken back", async () => {
  await using scene = await createScene();
  const { burrow, bob, ann, heard, zed } = scene;
  const shown: string[] = [];
  bob.on("draft", ({ id, text }) => void shown.push(`${id}: ${text}`));
  await zed.join(bob);
  await Promise.all([bob.send(zed.id, "hello"), burrow.settle()]); // from now on it is no stranger
  zed.say(...Array.from({ length: 100_000 }, (_, i) => draft({ id: `d${i}` })));
  await expectUndisturbed(burrow, ann, heard);
  await burrow.settle(200);
  expect([zed.isClosed, zed.farewell]).toEqual([true, "RATE_LIMITED"]);
  const four = ["d0", "d1", "d2", "d3"];
  expect(shown).toEqual([...four.map((id) => `${id}: hm`), ...four.map((id) => `${id}: `)]);
});

test("drafts of a stranger, with gaps, or under ids that were never heard of, are shown to nobody and harm nothing", async () => {
  await using scene = await createScene();
  const { burrow, bob, ann, heard, zed } = scene;
  const shown: string[] = [];
  bob.on("draft", ({ id, text }) => void shown.push(`${id}: ${text}`));
  await zed.join(bob);
  zed.say(draft());
  await burrow.settle();
  await Promise.all([bob.send(zed.id, "hello"), burrow.settle()]);
  zed.say(draft({ at: 1 }), draft({ id: "d2" }), draft({ id: "d2", at: 9 }), draft({ id: "never", text: "" }));
  zed.say(
    draft({ id: "d2", at: Number.MAX_SAFE_INTEGER }),
    msg(1, { id: "d2", text: "hm?" }),
    draft({ id: "d2", at: 2 }),
  );
  await burrow.settle();
  expect([shown, zed.isClosed, heard]).toEqual([["d2: hm"], false, ["hm?"]]);
  await expectUndisturbed(burrow, ann, heard);
});

test("who connects again and again has one connection, and takes none from others", async () => {
  await using scene = await createScene();
  const { burrow, bob, ann, heard } = scene;
  const crowd = Array.from({ length: 300 }, () => new RawPeer(burrow, "zed"));
  for (const [i, raw] of crowd.entries()) await raw.join(bob, { conn: `c${i}` });
  expect(crowd.filter(({ isClosed }) => !isClosed)).toHaveLength(1);
  await expectUndisturbed(burrow, ann, heard);
});

test("a name in a hello is a claim: who bears another's name gets nothing that is meant for the other", async () => {
  await using scene = await createScene();
  const { burrow, bob, ann, zed } = scene;
  await zed.meet(bob, { name: "ann" });
  const heardByAnn = hear(ann);
  await Promise.all([bob.send("ann", "for ann alone"), burrow.settle()]);
  expect(heardByAnn).toEqual(["for ann alone"]);
  expect(zed.all("msg")).toEqual([]);
});

test("a text that is half a character, or a terminal's command, is kept as it came", async () => {
  await using scene = await createScene();
  const { burrow, bob, heard, zed } = scene;
  await zed.join(bob);
  zed.say(msg(1, { text: "\u001b[2J\u0000end" }), '{"t":"msg","n":2,"id":"b","at":1,"text":"\\ud83d"}\n', msg(3));
  await burrow.settle();
  expect(heard[0]).toBe("\u001b[2J\u0000end");
  expect(heard).toHaveLength(3);
  expect(zed.isClosed).toBe(false);
  expect((await bob.history(zed.id)).map(({ text }) => text)[0]).toBe("\u001b[2J\u0000end");
});

test("a stranger's failed connections leave its session as it was", async () => {
  await using scene = await createScene();
  const { burrow, bob, heard, zed } = scene;
  for (let n = 1; n <= 5; n++) {
    zed.heard.length = 0;
    await zed.join(bob, { conn: `c${n}` });
    zed.say(msg(n), msg(n + 7));
    await burrow.settle();
    expect(zed.farewell).toBe("PROTOCOL_VIOLATION");
  }
  expect(heard).toEqual([1, 2, 3, 4, 5].map((n) => `text ${n}`));
});

test("a message beyond the credit ends the connection, and those within it are kept", async () => {
  await using scene = await createScene();
  const { burrow, bob, heard, zed } = scene;
  await zed.join(bob);
  zed.say(...numbered(16)); // MAX_STRANGER_CREDIT
  zed.say(msg(17));
  await burrow.settle(5);
  expect(zed.farewell).toBe("PROTOCOL_VIOLATION");
  expect(heard.length).toBeLessThanOrEqual(16);
});

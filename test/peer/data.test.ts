import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Peer } from "../../src/peer/peer.ts";
import type { MessageData } from "../../src/wire/data.ts";
import { createBurrow, hear, type Burrow } from "./burrow.ts";
import { RawPeer } from "./raw-peer.ts";

let folder: string;
beforeEach(async () => void (folder = await mkdtemp(join(tmpdir(), "warren-data-"))));
afterEach(() => rm(folder, { recursive: true }));

const path = (name: string): string => join(folder, `${name}.db`);

async function close(burrow: Burrow, peer: Peer): Promise<void> {
  const closed = peer.close();
  await burrow.settle(1_000);
  await closed;
}

async function send(burrow: Burrow, peer: Peer, text: string, data?: MessageData, re?: string): Promise<unknown> {
  const options = { ...(data && { data }), ...(re !== undefined && { re }) };
  const sending = peer.send("bob", text, options).catch((error: { code: string }) => error.code);
  await burrow.settle();
  return await sending;
}

test("the data of a message is kept through restarts of both, and arrives with its text", async () => {
  await using burrow = createBurrow();
  let ann = await burrow.open("ann", { path: path("ann") });
  let bob = await burrow.open("bob", { path: path("bob"), port: 7 });
  await burrow.introduce(ann, bob);
  burrow.network.cut();
  await send(burrow, ann, "a text", { shop: { items: [1, "two", null] } });
  await send(burrow, ann, "no data");
  await close(burrow, ann);
  ann = await burrow.open("ann", { path: path("ann") });
  await burrow.settle(1_000); // bob has nobody who takes messages: they wait in his inbox
  await close(burrow, bob);
  bob = await burrow.open("bob", { path: path("bob"), port: 7 });
  const heard: unknown[] = [];
  bob.on("message", ({ text, data }) => void heard.push([text, data]));
  await burrow.settle(1_000);
  const both = [
    ["a text", { shop: { items: [1, "two", null] } }],
    ["no data", undefined],
  ];
  expect(heard).toEqual(both);
  for (const [peer, other] of [
    [ann, "bob"],
    [bob, "ann"],
  ] as const) {
    expect((await peer.history(other)).map(({ text, data }) => [text, data])).toEqual(both);
  }
});

test("data goes along when what is unacknowledged is numbered anew", async () => {
  await using burrow = createBurrow();
  let ann = await burrow.open("ann", { path: path("ann") });
  const raw = new RawPeer(burrow, "raw");
  await raw.join(ann, { w: 0 });
  const sent = ann.send(raw.id, "a text", { data: { a: 1 } });
  await burrow.settle();
  await sent;
  raw.hangUp();
  await close(burrow, ann);
  ann = await burrow.open("ann", { path: path("ann") });
  await raw.meet(ann, { conn: "c2" });
  raw.say({ t: "ready", have: { epoch: "of-another-life", n: 7, id: "x" }, w: 9 });
  await burrow.settle();
  expect(raw.all("msg")).toMatchObject([{ n: 1, text: "a text", data: { a: 1 } }]);
});

test("what the other side would refuse is refused before it is sent", async () => {
  await using burrow = createBurrow();
  const [ann, bob] = [await burrow.open("ann"), await burrow.open("bob")];
  await burrow.introduce(ann, bob);
  expect(await send(burrow, ann, "a", { a: "x".repeat(32_768) })).toBe("MESSAGE_TOO_LARGE");
  expect(await send(burrow, ann, "a", { a: 1n })).toBe("FRAME_MALFORMED");
  expect(await send(burrow, ann, "", { a: 1 })).toBe("MESSAGE_EMPTY");
  expect(await send(burrow, ann, "a", undefined, "no id")).toBe("FRAME_MALFORMED");
});

test("a text that would not fit into a line together with its data, or because of its bytes, is refused", async () => {
  await using burrow = createBurrow();
  const [ann, bob] = [await burrow.open("ann"), await burrow.open("bob")];
  await burrow.introduce(ann, bob);
  const heard = hear(bob);
  const control = "\u0001".repeat(40_000); // six bytes each on the wire
  expect(await send(burrow, ann, control, { a: "x".repeat(30_000) })).toBe("MESSAGE_TOO_LARGE");
  expect(await send(burrow, ann, control + "€".repeat(8_500))).toBe("MESSAGE_TOO_LARGE");
  await send(burrow, ann, control, { a: "x".repeat(20_000) });
  expect(heard).toEqual([control]);
});

test("a stranger with data over the limit is sent away", async () => {
  await using burrow = createBurrow();
  const ann = await burrow.open("ann");
  for (const data of [[], "x", null, { a: "x".repeat(32_768) }, `${"[".repeat(40)}${"]".repeat(40)}`]) {
    const raw = await new RawPeer(burrow, "raw").join(ann);
    const deep = typeof data === "string" && data.startsWith("[") ? { a: JSON.parse(data) as unknown } : data;
    raw.say({ t: "msg", n: 1, id: "m.1", at: 1, text: "hi", data: deep });
    await burrow.settle();
    expect(raw.farewell).toBe("FRAME_MALFORMED");
  }
});

import { afterEach, beforeEach, expect, test } from "bun:test";
import { statSync } from "node:fs";
import { cp, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { WarrenError } from "../../src/base/errors.ts";
import type { Peer } from "../../src/peer/peer.ts";
import { createBurrow, hear, testId, type Burrow } from "./burrow.ts";

const MIB = 2 ** 20;
/** Until the next look, and all its steps. */
const LOOK_MS = 15_000;

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "warren-retention-"));
});
afterEach(() => rm(folder, { recursive: true }));

const path = (name: string): string => join(folder, `${name}.db`);

async function keep(burrow: Burrow, peer: Peer, limit: string): Promise<void> {
  const kept = peer.retention.keep(limit);
  await burrow.settle();
  await kept;
}

/** Two who have written to each other: neither is a stranger, who has to be slow. */
async function acquaint(burrow: Burrow, a: Peer, b: Peer): Promise<void> {
  await burrow.introduce(a, b);
  const sent = Promise.all([a.send(b.name, "hello"), b.send(a.name, "hello")]);
  await burrow.settle();
  await sent;
}

/** Says so many messages of 10 kB. */
async function sayMuch(burrow: Burrow, from: Peer, to: string, count: number): Promise<void> {
  const sent = Array.from({ length: count }, (_, i) => from.send(to, `${to} ${i} ${"x".repeat(10_000)}`));
  await burrow.settle(200);
  await Promise.all(sent);
}

async function close(burrow: Burrow, peer: Peer): Promise<void> {
  const closed = peer.close();
  for (let i = 0; i < 8; i++) await burrow.world.clock.advance(1_000);
  await closed;
}

const oldest = async (peer: Peer, whom: string): Promise<string | undefined> =>
  (await peer.history(whom, { limit: 10_000 }))[0]?.text.slice(0, 7).trim();

test("much more than the bound is said, and the file stays within it, at both sides", async () => {
  await using burrow = createBurrow();
  const ann = await burrow.open("ann", { path: path("ann") });
  const bob = await burrow.open("bob", { path: path("bob"), port: 7 });
  await acquaint(burrow, ann, bob);
  const heard = hear(bob);
  await keep(burrow, ann, "1 MiB");
  await keep(burrow, bob, "1 MiB");
  for (let round = 0; round < 10; round++) {
    await sayMuch(burrow, ann, "bob", 60);
    await burrow.settle(LOOK_MS);
    expect(ann.retention.bytes).toBeLessThanOrEqual(MIB);
    expect(bob.retention.bytes).toBeLessThanOrEqual(MIB);
  }
  expect(heard).toHaveLength(601);
  const kept = await bob.history("ann", { limit: 1_000 });
  expect(kept.at(-1)?.text).toStartWith("bob 59 ");
  expect(bob.retention.forgotten(ann.id) + kept.length).toBe(602);
  await Promise.all([close(burrow, ann), close(burrow, bob)]);
  for (const name of ["ann", "bob"]) expect(statSync(path(name)).size).toBeLessThanOrEqual(MIB);
});

test("the oldest go first, over all conversations", async () => {
  await using burrow = createBurrow();
  const ann = await burrow.open("ann");
  for (const name of ["bob", "zed"]) {
    const other = await burrow.open(name, { port: 7 });
    await acquaint(burrow, ann, other);
    hear(other);
    await sayMuch(burrow, ann, name, name === "bob" ? 150 : 50);
  }
  await keep(burrow, ann, "1 MiB");
  await burrow.settle(LOOK_MS);
  expect(ann.retention.forgotten()).toBeGreaterThan(50);
  expect(ann.retention.forgotten()).toBe(ann.retention.forgotten(testId("bob")));
  expect(await oldest(ann, "zed")).toBe("hello");
});

test("of a bound that is lowered the file becomes shorter, and what is left is whole", async () => {
  await using burrow = createBurrow();
  const ann = await burrow.open("ann", { path: path("ann") });
  const bob = await burrow.open("bob", { port: 7 });
  await acquaint(burrow, ann, bob);
  hear(bob);
  await sayMuch(burrow, ann, "bob", 500);
  await keep(burrow, ann, "2 MiB");
  await burrow.settle(LOOK_MS);
  await close(burrow, ann);
  expect(statSync(path("ann")).size).toBeLessThanOrEqual(2 * MIB);
  const again = await burrow.open("ann", { path: path("ann") });
  expect(again.retention.limit).toBe("2 MiB");
  expect(again.retention.bytes).toBeGreaterThan(1.75 * MIB); // no more has gone than had to
  const [unread, ...texts] = (await again.history(bob.id, { limit: 1_000 })).map(({ text }) => text.slice(0, 7));
  expect(unread).toBe("hello"); // nobody has taken it yet
  expect([texts[0], texts.at(-1)]).toEqual([`bob ${500 - texts.length}`, "bob 499"]);
});

test("below the bound nothing is written", async () => {
  await using burrow = createBurrow();
  const ann = await burrow.open("ann");
  await keep(burrow, ann, "1 MiB");
  await burrow.settle(100);
  const before = burrow.commitsOf(ann);
  await burrow.settle(59_000 - burrow.world.clock.steady());
  expect(burrow.commitsOf(ann)).toBe(before);
});

test("what is too small, or no size, is refused, and what was said before holds", async () => {
  await using burrow = createBurrow();
  const ann = await burrow.open("ann");
  for (const limit of ["1 KiB", "0 MiB", "1", "1 mb", "", "everything"]) {
    const error = await ann.retention.keep(limit).catch((failure: unknown) => failure);
    expect(error).toMatchObject({ code: "USAGE" });
  }
  expect(ann.retention.limit).toBe("1 GiB");
  await keep(burrow, ann, "all");
  expect(ann.retention.limit).toBe("all");
});

test("a receiver whose disk went back further than its sender's history is told how many are lost, and goes on", async () => {
  await using burrow = createBurrow();
  const ann = await burrow.open("ann");
  let bob = await burrow.open("bob", { path: path("bob"), port: 7 });
  await acquaint(burrow, ann, bob);
  hear(bob);
  await sayMuch(burrow, ann, "bob", 10);
  await close(burrow, bob);
  await cp(path("bob"), path("backup"));
  bob = await burrow.open("bob", { path: path("bob"), port: 7 });
  hear(bob);
  await burrow.settle(31_000);
  await sayMuch(burrow, ann, "bob", 150);
  await keep(burrow, ann, "1 MiB");
  await burrow.settle(LOOK_MS);
  expect(ann.retention.forgotten()).toBeGreaterThan(10); // the message that the old disk of bob ends with is among them
  await close(burrow, bob);
  await rm(`${path("bob")}-wal`, { force: true });
  await cp(path("backup"), path("bob"));
  bob = await burrow.open("bob", { path: path("bob"), port: 7 });
  const heard = hear(bob);
  const notices: WarrenError[] = [];
  bob.on("notice", (notice) => void notices.push(notice));
  await sayMuch(burrow, ann, "bob", 1);
  await burrow.settle(31_000);
  expect(heard).toHaveLength(1);
  expect(notices.map(({ message }) => message)).toEqual([
    "150 messages of ann are lost: they were here once, and ann no longer holds them",
  ]);
});

test("a message that is no longer kept is not explained as if it had never been", async () => {
  await using burrow = createBurrow();
  const ann = await burrow.open("ann");
  const bob = await burrow.open("bob", { port: 7 });
  await acquaint(burrow, ann, bob);
  hear(bob);
  expect(() => ann.traces.explain("a.1")).toThrow(/or was sent from here: /);
  await sayMuch(burrow, ann, "bob", 150);
  await keep(burrow, ann, "1 MiB");
  await burrow.settle(LOOK_MS);
  expect(() => ann.traces.explain("a.1")).toThrow("or was sent from here, or it is no longer kept: ");
});

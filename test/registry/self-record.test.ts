import { expect, test } from "bun:test";
import { createIdentity } from "../../src/identity/identity.ts";
import { openRecord } from "../../src/registry/record.ts";
import { SelfRecord } from "../../src/registry/self-record.ts";
import { ManualClock } from "../../src/testing/manual-clock.ts";
import { describeSelf, makeRecord } from "./setting.ts";

const ann = await createIdentity();

function begin(memory = new Map<string, string>()) {
  const clock = new ManualClock();
  const self = new SelfRecord(ann, memory, clock);
  const sequence = async (): Promise<number> => (await openRecord((await self.sign()).record)).seq;
  return { clock, memory, self, sequence };
}

test("the same words keep their record; new ones get a higher number, across restarts", async () => {
  const { self, sequence, memory } = begin();
  expect(self.describe(describeSelf(ann, "ann"))).toBe(true);
  expect([await sequence(), await sequence()]).toEqual([1, 1]);
  expect(self.describe(describeSelf(ann, "ann"))).toBe(false);
  expect(self.describe(describeSelf(ann, "fox"))).toBe(true);
  expect(await sequence()).toBe(2);
  const later = begin(memory);
  later.self.describe(describeSelf(ann, "fox"));
  expect(await later.sequence()).toBe(3);
});

test("a record is renewed at half of its time to live", async () => {
  const { self, sequence, clock } = begin();
  self.describe(describeSelf(ann, "ann"));
  await sequence();
  await clock.advance(43_200_000);
  expect([self.isAging, await sequence()]).toEqual([false, 1]);
  await clock.advance(1);
  expect([self.isAging, await sequence()]).toEqual([true, 2]);
});

test("it goes above a number that somebody has seen, and never below its own", async () => {
  const { self, sequence } = begin();
  self.describe(describeSelf(ann, "ann"));
  const seen = (seq: number): Promise<string> => makeRecord(ann, { name: "ann", seq });
  expect(await self.goAbove(await seen(9))).toBe(true);
  expect(await sequence()).toBe(10);
  expect(await self.goAbove(await seen(3))).toBe(false);
  expect(await sequence()).toBe(10);
  expect(await self.goAbove(await seen(10))).toBe(true); // by a copy of this key: its words are others
  expect(await sequence()).toBe(11);
});

test("of too many addresses the first ones are said, and of too large a card what it is about", async () => {
  const { self } = begin();
  const addresses = Array.from({ length: 20 }, (_, n) => ({ host: "192.0.2.1", port: n + 1 }));
  const card = { about: "x".repeat(600), commands: [] };
  self.describe(describeSelf(ann, "ann", { addresses, card }));
  const { record, problem } = await self.sign();
  expect(problem).toMatchObject({ code: "RECORD_INVALID" });
  const body = await openRecord(record);
  expect(body.addresses).toEqual(addresses.slice(0, 16));
  expect(body.card).toEqual({ about: "x".repeat(200), commands: [] });
});

import { expect, test } from "bun:test";
import { createIdentity } from "../../src/identity/identity.ts";
import { Roster, type Leaseholder, type Listed } from "../../src/registry/roster.ts";
import { ManualClock } from "../../src/testing/manual-clock.ts";
import { describeSelf } from "./setting.ts";

const ann = await createIdentity();
const listed: Listed = {
  body: { ...describeSelf(ann, "ann"), seq: 1, ttl: 100 },
  record: "ann/1",
  grant: "",
  since: 0,
  stay: 1,
  notAfter: 0,
};

function holder(): Leaseholder {
  return { dismiss() {}, renew() {} };
}

test("a lost connection leaves the peer its grace period, and the end of an older one changes nothing", async () => {
  const clock = new ManualClock();
  const roster = new Roster(clock, "h");
  const [older, newer] = [holder(), holder()];
  roster.arrive(listed, older);
  roster.arrive(listed, newer);
  roster.lose(ann.id, older, 1_000);
  await clock.advance(1_000);
  expect(roster.overdue()).toEqual([]);
  roster.lose(ann.id, newer, 1_000);
  await clock.advance(999);
  expect(roster.overdue()).toEqual([]);
  await clock.advance(1);
  expect(roster.overdue()).toEqual([ann.id]);
});

test("who is waited for can be given the time anew; who is here is not concerned", async () => {
  const clock = new ManualClock();
  const roster = new Roster(clock, "h");
  roster.arrive(listed, undefined, { waitMs: 1_000 });
  await clock.advance(900);
  roster.waitAnew(1_000);
  await clock.advance(900);
  expect(roster.overdue()).toEqual([]);
  roster.arrive(listed, holder());
  roster.waitAnew(1_000);
  await clock.advance(1_000);
  expect(roster.overdue()).toEqual([]);
});

test("a record ends with its time to live, and begins anew when it is shown again", async () => {
  const clock = new ManualClock();
  const roster = new Roster(clock, "h");
  const here = holder();
  roster.arrive(listed, here);
  await clock.advance(99_000);
  roster.arrive(listed, here);
  await clock.advance(99_000);
  expect(roster.overdue()).toEqual([]);
  await clock.advance(1_000);
  expect(roster.overdue()).toEqual([ann.id]);
});

test("watchers are told once a turn, until they stop", async () => {
  const clock = new ManualClock();
  const roster = new Roster(clock, "h");
  let told = 0;
  const stop = roster.watch(() => told++);
  roster.arrive(listed, holder());
  roster.leave(ann.id);
  await clock.settle();
  expect(told).toBe(1);
  stop();
  roster.arrive(listed, holder());
  await clock.settle();
  expect(told).toBe(1);
});

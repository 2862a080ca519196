import { expect, test } from "bun:test";
import { createIdentity } from "../../src/identity/identity.ts";
import type { ServerFrame } from "../../src/registry/frames.ts";
import { Roster, type Leaseholder, type Listed } from "../../src/registry/roster.ts";
import { Subscription } from "../../src/registry/subscription.ts";
import { ManualClock } from "../../src/testing/manual-clock.ts";
import { describeSelf } from "./setting.ts";

const ids = await Promise.all(Array.from({ length: 6 }, () => createIdentity()));
const holder: Leaseholder = { dismiss() {}, renew() {} };

function listed(n: number, seq = 1): Listed {
  const who = ids[n];
  if (!who) throw new Error(`there is no peer ${n}`);
  const body = { ...describeSelf(who, `peer${n}`), seq, ttl: 3_600 };
  return { body, record: `${n}/${seq}`, grant: "", since: 0, stay: seq, notAfter: 0 };
}

/** A reader that takes `room` frames, and more when it is told to. */
function reader(roster: Roster, clock: ManualClock, room = Infinity, after?: string) {
  const told: string[] = [];
  const send = (frame: ServerFrame): boolean => {
    told.push(frame.t === "peer" ? `${frame.online ? "+" : "-"}${frame.record}` : frame.t);
    return told.length < room;
  };
  const subscription = new Subscription(roster, clock, after, send);
  return { told, subscription, makeRoom: (more: number) => ((room = told.length + more), subscription.resume()) };
}

function world() {
  const clock = new ManualClock();
  return { clock, roster: new Roster(clock, "h") };
}

test("everybody, a marker, then what changes", async () => {
  const { clock, roster } = world();
  roster.arrive(listed(0), holder);
  const { told } = reader(roster, clock);
  expect(told).toEqual(["snapshot", "+0/1", "synced"]);
  roster.arrive(listed(1), holder);
  roster.arrive(listed(0), holder); // nothing new
  roster.arrive(listed(0, 2), holder);
  roster.leave(listed(1).body.id);
  await clock.settle();
  expect(told.slice(3)).toEqual(["+0/2", "-1/1"]); // what came and went within a turn is told as it ended
});

test("for a slow reader nothing is kept but its place: it gets what is true when it has room again", async () => {
  const { clock, roster } = world();
  for (let n = 0; n < 4; n++) roster.arrive(listed(n), holder);
  const { told, makeRoom } = reader(roster, clock, 2);
  expect(told).toEqual(["snapshot", "+0/1"]);
  roster.leave(listed(1).body.id);
  roster.arrive(listed(2, 2), holder);
  roster.arrive(listed(4), holder);
  await clock.settle();
  expect(told).toHaveLength(2);
  makeRoom(Infinity);
  expect(told.slice(2)).toEqual(["+2/2", "+3/1", "-1/1", "+2/2", "+4/1", "synced"]);
});

test("a reader that fell behind the log gets a new snapshot", async () => {
  const { clock, roster } = world();
  roster.arrive(listed(0), holder);
  const { told, makeRoom } = reader(roster, clock, 1);
  for (let seq = 2; seq < 9_000; seq++) roster.arrive(listed(0, seq), holder);
  await clock.settle();
  makeRoom(Infinity);
  expect(told).toEqual(["snapshot", "snapshot", "+0/8999", "synced"]);
});

test("when the roster's history has broken off, its readers get a new snapshot, wherever they were", async () => {
  const { clock, roster } = world();
  roster.arrive(listed(0), holder);
  const { told } = reader(roster, clock);
  roster.restart("g", 0);
  roster.arrive(listed(1), holder, { position: 1 });
  await clock.settle();
  expect(told.slice(3)).toEqual(["snapshot", "+0/1", "+1/1", "synced"]);
});

test("a closed subscription is told nothing more", async () => {
  const { clock, roster } = world();
  const { told, subscription } = reader(roster, clock);
  subscription[Symbol.dispose]();
  roster.arrive(listed(0), holder);
  await clock.settle();
  expect(told).toEqual(["snapshot", "synced"]);
});

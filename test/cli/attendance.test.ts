import { expect, test } from "bun:test";
import type { PeerId, PeerInfo } from "../../src/base/ids.ts";
import { Attendance } from "../../src/cli/attendance.ts";
import type { UserInfo } from "../../src/peer/message.ts";
import { ManualClock } from "../../src/testing/manual-clock.ts";

const person = (name: string): PeerInfo => ({ id: name.repeat(5) as PeerId, name, kind: "person" });
const [ann, bob, carl] = [person("ann"), person("bob"), person("carl")];

function user(peer: PeerInfo, online: boolean, self = false): UserInfo {
  return { ...peer, online, self, addresses: [] };
}

function begin() {
  const clock = new ManualClock();
  const told: string[] = [];
  const attendance = new Attendance(clock, (text) => told.push(text));
  attendance.begin([user(ann, true, true), user(bob, true), user(carl, false)]);
  return { clock, told, attendance };
}

test("who is there at the beginning is known and not told; oneself is nobody else", async () => {
  const { clock, told, attendance } = begin();
  attendance.changed(bob, true); // its entry changed
  await clock.advance(1_000);
  expect(told).toEqual([]);
  expect(attendance.names).toEqual(["bob", "carl"]);
  expect(attendance.presentNames).toEqual(["bob"]);
});

test("who comes and goes is told in bunches, each once", async () => {
  const { clock, told, attendance } = begin();
  attendance.changed(carl, true);
  attendance.changed(ann, true);
  attendance.changed(carl, true);
  attendance.changed(bob, false);
  attendance.changed(bob, false);
  await clock.advance(1_000);
  expect(told).toEqual(["carl, ann are online", "bob went offline"]);
});

import { expect, test } from "bun:test";
import { type Allow, Guard } from "../../src/bot/guard.ts";
import { ann, bob, commandsHost, FakePeer } from "./fake-peer.ts";

interface Call {
  readonly from: typeof ann;
}

function guard(allow: Allow<Call> | undefined) {
  const peer = new FakePeer();
  const host = commandsHost(peer);
  const subject = new Guard<Call>('"roll"', allow, host);
  const admits = async (from = ann): Promise<boolean> => await subject.admits({ from });
  return { peer, host, admits, subject };
}

test("an id, one of several ids, or nothing at all lets in", async () => {
  expect(await guard(undefined).admits()).toBe(true);
  expect([await guard(ann.id).admits(), await guard(ann.id).admits(bob)]).toEqual([true, false]);
  expect([await guard([ann.id, bob.id]).admits(bob), await guard([]).admits()]).toEqual([true, false]);
});

test("a name lets nobody in: it is refused at once", () => {
  expect(() => guard("ann")).toThrow('allow: "ann" is not a peer id; names can be given to anybody');
  expect(() => guard([ann.id, "bob"])).toThrow('"bob" is not a peer id');
});

test("a group lets its members in, those of the moment; one that is not there lets in nobody", async () => {
  const { host, admits } = guard({ group: "staff" });
  expect(await admits()).toBe(false);
  await host.group("staff").add(ann.id);
  expect([await admits(), await admits(bob)]).toEqual([true, false]);
  expect(() => guard({ group: "the staff" })).toThrow("a group's name is");
});

test("a function lets in by saying true, and nothing else", async () => {
  expect(await guard(({ from }) => from.name === "ann").admits()).toBe(true);
  expect(await guard(() => Promise.resolve(true)).admits()).toBe(true);
  expect(await guard(() => Promise.resolve(false)).admits()).toBe(false);
  // @ts-expect-error -- a guard that says "yes"
  expect(await guard(() => "yes").admits()).toBe(false);
});

test("a guard that throws or rejects denies, and the failure is told", async () => {
  const throws = guard(() => {
    throw new Error("no list");
  });
  const rejects = guard(() => Promise.reject(new Error("no net")));
  expect([await throws.admits(), await rejects.admits()]).toEqual([false, false]);
  expect([...throws.host.failures, ...rejects.host.failures]).toEqual([
    'the guard of "roll" denied ann: no list',
    'the guard of "roll" denied ann: no net',
  ]);
});

test("a guard that hangs denies after 5 s, and leaves no timer behind where it does not", async () => {
  const { peer, host, admits } = guard(() => new Promise(() => {}));
  const answers: boolean[] = [];
  const asked = admits().then((answer) => answers.push(answer));
  await peer.clock.advance(4_999);
  expect(answers).toEqual([]);
  await peer.clock.advance(1);
  await asked;
  expect([answers, host.failures]).toEqual([[false], ['the guard of "roll" denied ann: it did not decide within 5 s']]);
  const quick = guard(() => Promise.resolve(true));
  expect([await quick.admits(), quick.peer.clock.untilNext]).toEqual([true, undefined]);
});

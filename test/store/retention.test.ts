import { expect, test } from "bun:test";
import { openStore, type Store } from "../../src/store/store.ts";
import { ManualClock } from "../../src/testing/manual-clock.ts";
import { testId } from "../peer/burrow.ts";

const ALL = Number.MAX_SAFE_INTEGER;

/** Everything here is said to and heard of one peer. */
class Conversation implements Disposable {
  readonly store: Store = openStore(":memory:", new ManualClock());
  readonly #row = this.store.contacts.add(testId("bob"), "bob", "person", this.store.outgoing.openEpoch("e1"));
  readonly n = this.#row.n;
  epoch = this.#row.outEpoch;
  #place = 0;

  say(...numbers: number[]): void {
    for (const seq of numbers) {
      const more = { at: 0, born: 0, hops: 0, room: null, re: null, text: "x", data: null };
      this.store.outgoing.append(this.n, this.epoch, { seq, id: `a.${seq}`, place: ++this.#place, ...more });
    }
  }

  hear(id: string): number {
    const more = { at: 0, hops: 0, room: null, re: null, text: "x", data: null };
    this.store.incoming.add({ peer: this.n, place: ++this.#place, id, ...more });
    return this.#place;
  }

  acknowledge(upTo: number): void {
    this.store.contacts.saveOut(this.n, this.epoch, upTo, upTo);
  }

  handled(first: number, last: number): void {
    this.store.outgoing.settle(this.n, this.epoch, first, last, "handled", null);
  }

  forget(upTo = ALL, limit = ALL): number {
    return this.store.retention.forget(this.n, 0, upTo, limit);
  }

  get said(): number[] {
    return this.store.outgoing.after(this.n, this.epoch, 0, ALL).map(({ seq }) => seq);
  }

  get heard(): string[] {
    return this.store.incoming
      .newest(this.n, ALL)
      .map(({ id }) => id)
      .reverse();
  }

  [Symbol.dispose](): void {
    this.store[Symbol.dispose]();
  }
}

test("what is not acknowledged stays, and so does the newest that is", () => {
  using talk = new Conversation();
  talk.say(1, 2, 3, 4, 5);
  talk.acknowledge(3);
  talk.handled(1, 3);
  expect(talk.forget()).toBe(2);
  expect(talk.said).toEqual([3, 4, 5]);
  expect(talk.store.retention.forgotten(talk.n)).toBe(2);
});

test("a message whose receipt has not come stays, until as many are behind it as a receiver lets wait", () => {
  using talk = new Conversation();
  talk.say(...Array.from({ length: 2_100 }, (_, i) => i + 1));
  talk.handled(1, 3);
  talk.acknowledge(9);
  expect(talk.forget()).toBe(3);
  talk.acknowledge(2_100);
  talk.forget();
  expect(talk.said[0]).toBe(2_100 - 2_048 + 1);
});

test("what waits to be handled or was set aside stays, until its user wants to see it no more", () => {
  using talk = new Conversation();
  const { incoming } = talk.store;
  talk.hear("a.1");
  const waiting = { peer: talk.n, place: talk.hear("a.2"), epoch: "e", seq: 2, attempts: 1 };
  incoming.wait(waiting.place, talk.n, "e", 2, 0);
  const dead = { ...waiting, place: talk.hear("a.3"), seq: 3 };
  incoming.bury(dead, "no", 0);
  talk.hear("a.4");
  expect(talk.forget()).toBe(2);
  expect(talk.heard).toEqual(["a.2", "a.3"]);
  incoming.dropDead(dead.place);
  incoming.finish(waiting.place);
  expect(talk.forget()).toBe(2);
  expect(incoming.reasonOfDeath(dead.place)).toBeUndefined();
});

test("only what lies up to a place goes, and no more than asked for", () => {
  using talk = new Conversation();
  talk.hear("a.1");
  talk.say(1, 2, 3);
  talk.acknowledge(3);
  talk.handled(1, 3);
  talk.hear("a.2");
  expect(talk.store.retention.oldest(talk.n, 0)).toBe(1);
  expect(talk.forget(2)).toBe(2);
  expect([talk.heard, talk.said]).toEqual([["a.2"], [2, 3]]);
  expect(talk.store.retention.oldest(talk.n, 0)).toBe(3);
  expect(talk.forget(ALL, 1)).toBe(1);
  expect([talk.heard, talk.said]).toEqual([[], [2, 3]]);
});

test("what became of a message goes with it, and what comes later is still noted", () => {
  using talk = new Conversation();
  talk.say(1, 2, 3);
  talk.acknowledge(3);
  const { outgoing } = talk.store;
  const first = { epoch: talk.epoch, first: 1, last: 2, state: "handled", reason: null } as const;
  const newest = outgoing.settleNext(talk.n, undefined, first);
  expect(talk.forget()).toBe(2);
  expect(outgoing.outcomeOf(talk.n, talk.epoch, 1)).toBeUndefined();
  outgoing.settleNext(talk.n, newest, { ...first, first: 3, last: 3 });
  expect(outgoing.outcomeOf(talk.n, talk.epoch, 3)).toMatchObject({ state: "handled" });
});

test("an epoch goes with the last message of it; one that was opened just now is not touched", () => {
  using talk = new Conversation();
  const { outgoing } = talk.store;
  talk.say(1, 2, 3, 4, 5);
  talk.acknowledge(3);
  talk.handled(1, 1);
  const before = talk.epoch;
  talk.epoch = outgoing.openEpoch("e2"); // as a session does it: its row names the new epoch before the commit
  outgoing.renumber(talk.n, before, 3, talk.epoch);
  talk.handled(1, 1);
  expect(talk.forget()).toBe(1);
  expect(talk.said).toEqual([1, 2]);
  talk.acknowledge(0);
  expect(talk.forget(ALL, 1)).toBe(1);
  expect(outgoing.epochNumber("e1")).toBe(before); // a message of it is still there
  expect(talk.forget()).toBe(1);
  expect([outgoing.epochNumber("e1"), outgoing.epochNumber("e2")]).toEqual([undefined, talk.epoch]);
  expect(talk.said).toEqual([1, 2]);
});

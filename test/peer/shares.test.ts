import { expect, test } from "bun:test";
import { MAX_SHARE, Shares } from "../../src/peer/shares.ts";

function fill(shares: Shares, peer: number): void {
  for (let n = 0; n < MAX_SHARE; n++) {
    expect(shares.hasRoom(peer)).toBe(true);
    shares.take(peer);
  }
}

test("a peer has room for 256, and what it takes is not taken from another", () => {
  const shares = new Shares();
  fill(shares, 1);
  expect([shares.hasRoom(1), shares.hasRoom(2)]).toEqual([false, true]);
});

test("once something was left on disk, all that follows is, until three quarters are done and it is looked again", () => {
  const shares = new Shares();
  fill(shares, 1);
  expect(shares.hasRoom(1)).toBe(false);
  const answers = Array.from({ length: (MAX_SHARE * 3) / 4 }, () => [shares.give(1), shares.hasRoom(1)]);
  const last = answers.pop();
  expect(answers.every(([isNext, hasRoom]) => isNext === false && hasRoom === false)).toBe(true);
  expect(last).toEqual([true, false]);
  shares.lookAgain();
  expect(shares.hasRoom(1)).toBe(true);
});

test("nobody is asked to look again where nothing was left on disk", () => {
  const shares = new Shares();
  fill(shares, 1);
  expect(Array.from({ length: MAX_SHARE }, () => shares.give(1)).includes(true)).toBe(false);
});

test("what is forgotten makes room", () => {
  const shares = new Shares();
  fill(shares, 1);
  expect(shares.hasRoom(1)).toBe(false);
  shares.clear();
  expect(shares.hasRoom(1)).toBe(true);
});

import { expect, test } from "bun:test";
import { StartingLine, START_WITHIN_MS } from "../../src/bot/starting-line.ts";
import { ManualClock } from "../../src/testing/manual-clock.ts";

function open(room: number) {
  const clock = new ManualClock();
  const line = new StartingLine(clock, room);
  const begun: number[] = [];
  const join = (n: number) => {
    const place = line.join(() => void begun.push(n));
    line.advance();
    return place;
  };
  return { clock, begun, places: [0, 1, 2, 3, 4].map(join) };
}

test("so many begin at a time, the others in their order as places are left", () => {
  const { begun, places } = open(2);
  expect(begun).toEqual([0, 1]);
  places[1]?.[Symbol.dispose]();
  places[1]?.[Symbol.dispose](); // twice is once
  expect(begun).toEqual([0, 1, 2]);
  places[3]?.[Symbol.dispose](); // it is not wanted any more, before it has begun
  places[0]?.[Symbol.dispose]();
  expect(begun).toEqual([0, 1, 2, 4]);
});

test("who is never up holds up the others for five seconds", async () => {
  const { begun, clock } = open(2);
  await clock.advance(START_WITHIN_MS - 1);
  expect(begun).toEqual([0, 1]);
  await clock.advance(1);
  expect(begun).toEqual([0, 1, 2, 3]);
});

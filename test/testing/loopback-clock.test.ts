import { expect, test } from "bun:test";
import { LoopbackClock } from "../../src/testing/loopback-clock.ts";

test("it goes on only when what is on the wire has arrived, and then does what that set off", async () => {
  let onTheWire = 0;
  const seen: string[] = [];
  const clock = new LoopbackClock(() => onTheWire === 0);
  clock.after(1_000, () => {
    onTheWire++;
    setImmediate(() => {
      onTheWire--;
      seen.push(`arrived at ${clock.steady()}`);
      clock.soon(() => seen.push(`answered at ${clock.steady()}`));
    });
  });
  clock.after(1_001, () => seen.push("the next second"));
  await clock.advance(2_000);
  expect(seen).toEqual(["arrived at 1000", "answered at 1000", "the next second"]);
});

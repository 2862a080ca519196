import { expect, test } from "bun:test";
import { Cooldown } from "../../src/bot/cooldown.ts";
import { ManualClock } from "../../src/testing/manual-clock.ts";

test("so many in so much time go through; then one answer says how long to wait, and silence follows", async () => {
  const clock = new ManualClock();
  const cooldown = new Cooldown(clock, { max: 2, perMs: 10_000 });
  expect(cooldown.admit("ann")).toEqual({ kind: "go" });
  await clock.advance(4_000);
  expect(cooldown.admit("ann")).toEqual({ kind: "go" });
  expect(cooldown.admit("ann")).toEqual({ kind: "wait", ms: 6_000 });
  expect(cooldown.admit("ann")).toMatchObject({ kind: "silent" });
  expect(cooldown.admit("bob")).toEqual({ kind: "go" });
  await clock.advance(6_000);
  expect(cooldown.admit("ann")).toEqual({ kind: "go" });
  expect(cooldown.admit("ann")).toEqual({ kind: "wait", ms: 4_000 });
});

test("strangers without number cannot fill the memory", () => {
  const cooldown = new Cooldown(new ManualClock(), { max: 1, perMs: 10_000 });
  for (let n = 0; n <= 10_000; n++) cooldown.admit(`stranger ${n}`);
  expect(cooldown.admit("stranger 10000")).toMatchObject({ kind: "wait" });
  expect(cooldown.admit("stranger 0")).toEqual({ kind: "go" }); // the oldest was forgotten
});

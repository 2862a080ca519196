import { expect, test } from "bun:test";
import { BotsOff } from "../../src/cli/bots-off.ts";
import { ManualClock } from "../../src/testing/manual-clock.ts";

function gather() {
  const lines: string[] = [];
  const clock = new ManualClock();
  return {
    lines,
    clock,
    bots: new BotsOff(clock, "off until configured: see docs/bots.md", (line) => void lines.push(line)),
  };
}

test("one bot that is off is told of with what it needs", async () => {
  const { lines, clock, bots } = gather();
  bots.add("webhook", "off until configured: set token");
  await clock.advance(1_000);
  expect(lines).toEqual([]);
  await clock.advance(1_000);
  expect(lines).toEqual(["webhook is off until configured: set token"]);
});

test("several that are off share a line, and whoever comes later has one of its own", async () => {
  const { lines, clock, bots } = gather();
  bots.add("webhook", "off");
  await clock.advance(1_000);
  bots.add("assistant", "off");
  await clock.advance(1_000);
  bots.add("watch", "off");
  await clock.advance(2_000);
  bots.add("weather", "off until configured: set place");
  await clock.advance(2_000);
  expect(lines).toEqual([
    "assistant, watch and webhook are off until configured: see docs/bots.md",
    "weather is off until configured: set place",
  ]);
});

test("nothing is told after the end", async () => {
  const { lines, clock, bots } = gather();
  bots.add("webhook", "off");
  bots[Symbol.dispose]();
  await clock.advance(2_000);
  expect(lines).toEqual([]);
});

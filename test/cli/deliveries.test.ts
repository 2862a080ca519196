import { expect, test } from "bun:test";
import type { PeerId, PeerInfo } from "../../src/base/ids.ts";
import { Deliveries } from "../../src/cli/deliveries.ts";
import type { ReceiptEvent } from "../../src/cli/events.ts";
import { createPaint } from "../../src/cli/paint.ts";
import type { Screen } from "../../src/cli/screen.ts";
import type { MessageState } from "../../src/peer/message.ts";
import { ManualClock } from "../../src/testing/manual-clock.ts";

const BOB: PeerInfo = { id: "b".repeat(52) as PeerId, name: "bob", kind: "person" };

function setUp() {
  const clock = new ManualClock();
  const marks: string[] = [];
  const told: string[] = [];
  const tell = (text: string): void => void told.push(text);
  const screen = { print: () => ({ mark: (_: number, cells: string) => marks.push(cells) }) } as unknown as Screen;
  const deliveries = new Deliveries({ screen, paint: createPaint(false), clock, note: tell, warn: tell });
  return { clock, marks, told, deliveries };
}

function receipt(id: string, state: MessageState, reason: string | null = null): ReceiptEvent {
  return { event: "receipt", id, to: BOB, state, reason };
}

test("the mark of a message follows it to its last state", async () => {
  const { clock, marks, told, deliveries } = setUp();
  deliveries.said(receipt("m1", "queued"), "hi");
  for (const state of ["sent", "delivered", "handled", "handled"] as const) deliveries.reached(receipt("m1", state));
  await clock.advance(10_000);
  expect(marks).toEqual(["· ", "✓ ", "✓✓"]);
  expect(told).toEqual([]);
});

test("a receiver who is away is told of once, until there is news of it", async () => {
  const { clock, told, deliveries } = setUp();
  for (const id of ["m1", "m2"]) deliveries.said(receipt(id, "queued"), "hi");
  await clock.advance(2_000);
  expect(told).toEqual(["kept until bob is online"]);
  deliveries.isBack(BOB);
  deliveries.said(receipt("m3", "queued"), "hi");
  await clock.advance(2_000);
  expect(told.length).toBe(2);
});

test("what arrives from before this chat is told in one line, and a refusal with its reason", async () => {
  const { clock, told, deliveries } = setUp();
  for (const id of ["old1", "old2"]) deliveries.reached(receipt(id, "delivered"));
  deliveries.reached(receipt("m1", "failed", "no such command"));
  await clock.advance(1_000);
  expect(told).toEqual(["bob did not take it: no such command", "what you said before has reached bob"]);
});

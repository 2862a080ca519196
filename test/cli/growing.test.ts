import { expect, test } from "bun:test";
import { Growing } from "../../src/cli/growing.ts";
import { createPaint } from "../../src/cli/paint.ts";
import type { MessageDraft } from "../../src/peer/message.ts";
import { ManualClock } from "../../src/testing/manual-clock.ts";
import { ann, bob } from "../bot/fake-peer.ts";

/** What is shown at the foot of the chat, each time that it is drawn; without the time of day. */
function open() {
  const clock = new ManualClock();
  const pictures: string[][] = [];
  const screen = { float: (lines: readonly string[]) => void pictures.push(lines.map((line) => line.slice(9))) };
  return { clock, pictures, growing: new Growing({ screen, paint: createPaint(false), clock }) };
}

const draft = (text: string, more: Partial<MessageDraft> = {}): MessageDraft => ({ id: "d", from: bob, text, ...more });

test("texts are shown as they grow, one below the other, and no longer when they are said or given up", () => {
  const { growing, pictures, clock } = open();
  growing.grown(draft("Hel"));
  growing.said(bob.id, "d");
  growing.said(bob.id, "d"); // of one of which nothing was shown, nothing is drawn
  clock.skip(1_000);
  expect(pictures).toEqual([["bob  Hel▍"], []]);
});

test("who writes fast is drawn every 80 ms, the last state always", async () => {
  const { growing, pictures, clock } = open();
  for (let n = 1; n <= 100; n++) {
    growing.grown(draft("x".repeat(n)));
    await clock.advance(4);
  }
  expect(pictures).toHaveLength(6);
  await clock.advance(80);
  expect(pictures.at(-1)).toEqual([`bob  ${"x".repeat(100)}▍`]);
  const drawn = pictures.length;
  await clock.advance(10_000);
  expect(pictures).toHaveLength(drawn);
});

test("several are shown in the order in which they began, and one of the same id of another author is another", async () => {
  const { growing, pictures, clock } = open();
  for (const text of ["one", "one more"]) {
    growing.grown(draft(text));
    growing.grown(draft("two", { from: ann, room: "lab" }));
    await clock.advance(100);
  }
  growing.grown(draft(""));
  await clock.advance(100);
  expect(pictures.slice(-2)).toEqual([["bob  one more▍", "ann in lab  two▍"], ["ann in lab  two▍"]]);
  growing.clear();
  expect(pictures.at(-1)).toEqual([]);
});

test("what would drive a terminal is shown, not sent", () => {
  const { growing, pictures } = open();
  growing.grown(draft("a\u001b[2J\nb", { from: { ...bob, name: "b\u0007b" } }));
  expect(pictures).toEqual([["b\\u0007b  a\\u001b[2J\nb▍"]]);
});

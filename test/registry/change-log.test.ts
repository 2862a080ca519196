import { expect, test } from "bun:test";
import * as fc from "fast-check";
import { ChangeLog } from "../../src/registry/change-log.ts";

test("from any cursor that still counts, every later change comes, each subject once, in the order of its latest", () => {
  const subjects = Array.from({ length: 5 }, (_, n) => ({ n }));
  const sample = fc.property(fc.array(fc.nat(4), { maxLength: 60 }), fc.nat(60), (changes, from) => {
    const log = new ChangeLog<{ n: number }>("h");
    for (const n of changes) log.add(subjects[n] ?? { n });
    const start = Math.min(from, log.head);
    const told = [];
    for (let position = start + 1; position <= log.head; position++) told.push(log.at(position)?.n ?? []);
    const later = changes.slice(start);
    const latest = later.filter((n, index) => later.lastIndexOf(n) === index);
    expect(told.flat()).toEqual(latest);
  });
  fc.assert(sample, { numRuns: 200 });
});

test("a cursor of another history, from the future or from too long ago stands for nothing", () => {
  const log = new ChangeLog<object>("h");
  const early = log.cursorOf(log.head);
  const subject = {};
  for (let n = 0; n < 8_192; n++) log.add(subject);
  expect(log.positionOf(early)).toBe(0);
  log.add(subject);
  expect(log.positionOf(early)).toBeUndefined();
  expect(log.positionOf(log.cursorOf(log.head))).toBe(8_193);
  expect(log.positionOf(log.cursorOf(log.head + 1))).toBeUndefined();
  for (const text of ["g.1", "h.", "h.-1", "h.1e3", "h", "", "h.1.5x"]) expect(log.positionOf(text)).toBeUndefined();
});

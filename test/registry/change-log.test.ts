import { expect, test } from "bun:test";
import * as fc from "fast-check";
import { ChangeLog } from "../../src/registry/change-log.ts";

test("from any cursor that still counts, every later change comes, each subject once, in the order of its latest", () => {
  const subjects = Array.from({ length: 5 }, (_, n) => ({ n }));
  const steps = fc.array(fc.record({ n: fc.nat(4), step: fc.integer({ min: 1, max: 3 }) }), { maxLength: 60 });
  const sample = fc.property(steps, fc.nat(60), (changes, from) => {
    const log = new ChangeLog<{ n: number }>("h", 7);
    for (const { n, step } of changes) log.add(subjects[n] ?? { n }, log.head + step);
    const start = from + 7;
    const told = [];
    for (let change = log.after(start); change; change = log.after(change.position)) told.push(change.subject.n);
    let position = 7;
    const later = changes.filter(({ step }) => (position += step) > start).map(({ n }) => n);
    expect(told).toEqual(later.filter((n, index) => later.lastIndexOf(n) === index));
  });
  fc.assert(sample, { numRuns: 200 });
});

test("a change at a place that has been told already is not told again", () => {
  const log = new ChangeLog<object>("h", 5);
  log.add({}, 5);
  expect([log.head, log.after(0)]).toEqual([5, undefined]);
  log.add({}, 9);
  log.add({}, 8);
  expect([log.head, log.after(0)?.position, log.after(9)]).toEqual([9, 9, undefined]);
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

import { expect, test } from "bun:test";
import { differences } from "../../src/testing/differences.ts";

const lines = (text: string): string[] => text.split("");

test("what is gone and what is new, where it is", () => {
  expect(differences(lines("abc"), lines("abc"))).toEqual([]);
  expect(differences(lines("abcd"), lines("axcd"))).toEqual(["- b", "+ x"]);
  expect(differences(lines("abc"), lines("ac"))).toEqual(["- b"]);
  expect(differences(lines("ac"), lines("abcc"))).toEqual(["+ b", "+ c"]);
  expect(differences([], lines("a"))).toEqual(["+ a"]);
  expect(differences(lines("abxcd"), lines("bcyd"))).toEqual(["- a", "- x", "+ y"]);
});

test("two long lists that have nothing in common are told as a whole", () => {
  const [one, other] = ["old", "new"].map((word) => Array.from({ length: 3_000 }, (_, n) => `${word} ${n}`));
  const told = differences(one ?? [], other ?? []);
  expect([told.length, told[0], told[3_000]]).toEqual([6_000, "- old 0", "+ new 0"]);
});

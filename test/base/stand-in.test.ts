import { expect, test } from "bun:test";
import { standIn } from "../../src/base/stand-in.ts";

class Counter {
  #count = 0;
  readonly name = "counter";
  add(): number {
    return ++this.#count;
  }
}

test("what is replaced is the other one's, and the rest works on the original", () => {
  const counter = new Counter();
  const other = standIn(counter, { name: "stand-in" });
  expect([other.name, counter.name]).toEqual(["stand-in", "counter"]);
  expect([other.add(), counter.add(), other instanceof Counter]).toEqual([1, 2, true]);
});

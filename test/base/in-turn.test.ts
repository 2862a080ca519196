import { expect, test } from "bun:test";
import { inTurn } from "../../src/base/in-turn.ts";

const follow = (act: () => unknown): unknown =>
  inTurn(
    act,
    (given) => `gave ${String(given)}`,
    (error) => `threw ${String(error)}`,
  );

function fail(): never {
  throw new RangeError("3");
}

test("what is done at once is followed at once", () => {
  expect(follow(() => 1)).toBe("gave 1");
  expect(follow(() => null)).toBe("gave null");
  expect(follow(fail)).toBe("threw RangeError: 3");
});

test("what is promised is followed when it is there", async () => {
  expect(await follow(() => Promise.resolve(1))).toBe("gave 1");
  expect(await follow(() => Promise.try(fail))).toBe("threw RangeError: 3");
});

test("whatever await would wait for is a promise", async () => {
  // eslint-disable-next-line unicorn/no-thenable -- it is what a query builder is
  const query = { then: (found: (rows: string) => void) => found("rows") };
  expect(await follow(() => query)).toBe("gave rows");
});

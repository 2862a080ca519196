import { expect, test } from "bun:test";
import { type Layer, runOnion } from "../../src/bot/onion.ts";

test("a message goes inwards through next() and comes back out", async () => {
  const seen: string[] = [];
  const around =
    (name: string): Layer<string> =>
    async (message, next) => {
      seen.push(`${name} in ${message}`);
      await next();
      seen.push(`${name} out`);
    };
  await runOnion([around("a"), around("b")], "hi");
  expect(seen).toEqual(["a in hi", "b in hi", "b out", "a out"]);
});

test("who does not call next() keeps the message", async () => {
  const seen: string[] = [];
  await runOnion<string>([() => seen.push("a"), () => seen.push("b")], "hi");
  expect(seen).toEqual(["a"]);
});

test("calling next() twice is an error, and an error of an inner layer comes out through the outer ones", async () => {
  expect(runOnion([twice], "hi")).rejects.toThrow("next() was called twice");
  expect(runOnion([(_, next) => next(), fails], "hi")).rejects.toThrow("inner");
});

test("layers that give no promise are done at once", () => {
  const seen: string[] = [];
  expect(runOnion([(_, next) => next(), () => void seen.push("a"), () => seen.push("b")], "hi")).toBeUndefined();
  expect(seen).toEqual(["a"]);
  expect(runOnion([(_, next) => next(), async () => {}], "hi")).toBeInstanceOf(Promise);
});

test("a layer that hands a message on and does not wait is waited for with what is inside of it", async () => {
  const seen: string[] = [];
  const inside = Promise.withResolvers<void>();
  const slow: Layer<string> = async () => {
    await inside.promise;
    seen.push("inside");
  };
  const done = runOnion([(_, next) => void next(), slow], "hi");
  inside.resolve();
  await done;
  expect(seen).toEqual(["inside"]);
  // eslint-disable-next-line unicorn/no-thenable -- it is what a query builder is
  await runOnion([() => ({ then: (found: () => void) => (seen.push("asked"), found()) })], "hi");
  expect(seen).toEqual(["inside", "asked"]);
});

const twice: Layer<string> = async (_, next) => {
  await next();
  await next();
};

const fails: Layer<string> = () => {
  throw new Error("inner");
};

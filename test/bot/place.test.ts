import { expect, test } from "bun:test";
import { describeWithPlace } from "../../src/bot/place.ts";
import { definePlugin } from "../../src/bot/plugin.ts";

const thrownBy = (act: () => unknown): Promise<unknown> => Promise.try(act).catch((error: unknown) => error);

test("an error is placed in the code of who wrote it, not in Warren's that this code called", async () => {
  const ofWarren = await thrownBy(() => {
    definePlugin({ name: "Dice!", about: "rolls dice", setup() {} });
  });
  expect(describeWithPlace(ofWarren)).toMatch(/^not a plugin: name: .* \(place\.test\.ts:9:\d+\)$/);
  const later = await thrownBy(async () => {
    await Promise.resolve();
    throw new Error("no dice");
  });
  expect(describeWithPlace(later)).toMatch(/^no dice \(place\.test\.ts:14:\d+\)$/);
});

test("an error that Warren made of another one is placed where that came from", async () => {
  const cause = await thrownBy(() => {
    throw new Error("no key");
  });
  const error = new Error("setup failed: no key", { cause });
  error.stack = "";
  expect(describeWithPlace(error)).toMatch(/^setup failed: no key \(place\.test\.ts:21:\d+\)$/);
});

test("what has no place is told without one", () => {
  const error = new Error("no dice");
  error.stack = `Error: no dice\n    at ${import.meta.dir}/node_modules/dice/index.js:1:2\n    at roll (native:1:11)`;
  expect([error, "no dice", undefined].map(describeWithPlace)).toEqual(["no dice", "no dice", "undefined"]);
});

import { expect, test } from "bun:test";
import { openTable } from "../../src/peer/tables.ts";
import { openStore } from "../../src/store/store.ts";
import { ManualClock } from "../../src/testing/manual-clock.ts";

const refusal = (storing: Promise<unknown>): Promise<unknown> =>
  storing.catch((error) => `${error.code} ${error.message}`);

const refused = (what: string, way: string): string =>
  `VALUE_INVALID store "dice/best", key "ann": ${what} is no JSON and was not stored: ${way}`;

test("what is no JSON is not stored, and the error says what it was: above all what nobody awaited", async () => {
  using store = openStore(":memory:", new ManualClock());
  const table = openTable<unknown>(store, "dice/best");
  const refusals = [
    await refusal(table.set("ann", undefined)),
    await refusal(table.set("ann", () => 1)),
    await refusal(table.set("ann", Promise.resolve(1))),
    await refusal(table.update("ann", () => Promise.resolve(1))),
  ];
  expect(refusals).toEqual([
    refused("undefined", "delete() takes an entry out"),
    refused("a function", "delete() takes an entry out"),
    refused("a promise", "await it"),
    refused("a promise", "await it"),
  ]);
  expect(table.has("ann")).toBe(false);
});

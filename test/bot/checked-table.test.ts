import { expect, test } from "bun:test";
import { z } from "zod";
import { checkedTable } from "../../src/bot/checked-table.ts";
import type { Table } from "../../src/peer/tables.ts";
import { definePlugin } from "../../src/bot/plugin.ts";
import { createTestWarren } from "../../src/testing/kit.ts";
import { memoryTable } from "./fake-peer.ts";

const schema = z.object({ count: z.number().min(0), best: z.number().default(0) });
type Score = z.output<typeof schema>;

/** The table as the bot sees it, and the one below it. */
function scores() {
  const below = memoryTable();
  return { below, table: checkedTable(below as Table<Score>, "scores", schema) };
}
const rejected = async (promise: Promise<unknown>): Promise<string> =>
  await promise.then(
    () => "done",
    (error: unknown) => String(error),
  );

test("values that fit go in and come out, in the order of their keys", async () => {
  const { table } = scores();
  await table.set("b", { count: 1, best: 2 });
  expect(await table.update("a", (before) => ({ count: (before?.count ?? 6) + 1, best: 0 }))).toEqual({
    count: 7,
    best: 0,
  });
  expect([table.has("a"), table.has("c"), table.get("c")]).toEqual([true, false, undefined]);
  expect(table.keys()).toEqual(["a", "b"]);
  expect([...table.entries("b")]).toEqual([["b", { count: 1, best: 2 }]]);
  await table.delete("a");
  expect(table.keys()).toEqual(["b"]);
});

test("a value that does not fit is not stored, and the error names store, key and path", async () => {
  const { table } = scores();
  const message =
    'WarrenError: store "scores", key "ann": this value does not fit the schema and was not stored: count: Too small: expected number to be >=0';
  expect(await rejected(table.set("ann", { count: -1, best: 0 }))).toBe(message);
  expect(await rejected(table.update("ann", () => ({ count: -1, best: 0 })))).toBe(message);
  expect(table.has("ann")).toBe(false);
});

test("an old value gets the defaults of today; one that does not fit any more says what can be done", async () => {
  const { table, below } = scores();
  await below.set("old", { count: 3 });
  expect(table.get("old")).toEqual({ count: 3, best: 0 });
  await below.set("bad", "three");
  expect(() => table.get("bad")).toThrow(
    'store "scores", key "bad": the stored value does not fit the schema (any more): Invalid input: expected object, received string; set() it anew, delete() it, or let the schema take it',
  );
  expect(() => [...table.entries()]).toThrow('key "bad"');
  expect(await rejected(table.update("bad", () => ({ count: 0, best: 0 })))).toContain("(any more)");
  expect(table.keys()).toEqual(["bad", "old"]); // by which it is found and taken away
  await table.set("bad", { count: 0, best: 0 });
  expect(table.get("bad")).toEqual({ count: 0, best: 0 });
});

test("a bot's store takes its type from the schema, and the real table does the same", async () => {
  const plugin = definePlugin({
    name: "score",
    about: "counts",
    setup(bot) {
      const table = bot.store("scores", { schema });
      bot.on("message", async ({ text, reply }) => {
        const said = await table
          .update(text, (old) => ({ count: (old?.count ?? 0) + Number(text), best: 9 }))
          .catch(String);
        await reply(`${JSON.stringify(said)} ${table.has(text)} ${table.keys().join()}`);
      });
    },
  });
  await using warren = await createTestWarren({ plugins: [plugin] });
  const ann = warren.person("ann");
  for (const text of ["2", "10", "-1"]) await ann.says(text, { to: "score" });
  expect(ann.heard.slice(0, 2)).toEqual(['{"count":2,"best":9} true 2', '{"count":10,"best":9} true 10,2']);
  expect(ann.heard[2]).toMatch(/does not fit.*false 10,2$/);
});

/** Checked table: a table of a bot whose values fit a schema, when they are written and when they are read. */
import type { z } from "zod";
import { WarrenError } from "../base/errors.ts";
import type { Table } from "../peer/tables.ts";

/**
 * The same table, looked through `schema`. Values are kept as they are given; what is read is what the schema makes of it,
 * so that a key which the schema has gained since, with a default, is there. All of it throws or rejects with
 * `VALUE_INVALID`.
 */
export function checkedTable<Value>(table: Table<Value>, name: string, schema: z.ZodType<Value>): Table<Value> {
  const wrong = (key: string, problem: string): WarrenError =>
    new WarrenError("VALUE_INVALID", `store "${name}", key "${key}": ${problem}`);

  const checked = (key: string, value: Value): Value => {
    const parsed = schema.safeParse(value);
    if (parsed.success) return value;
    throw wrong(key, `this value does not fit the schema and was not stored: ${describe(parsed.error)}`);
  };
  const read = (key: string, value: Value): Value => {
    const parsed = schema.safeParse(value);
    if (parsed.success) return parsed.data;
    const way = "set() it anew, delete() it, or let the schema take it";
    throw wrong(key, `the stored value does not fit the schema (any more): ${describe(parsed.error)}; ${way}`);
  };

  return {
    get(key) {
      const value = table.get(key);
      return value === undefined ? undefined : read(key, value);
    },
    has: (key) => table.has(key),
    // oxlint-disable-next-line require-await -- what is wrong is told by the promise, as all that fails here
    set: async (key, value) => table.set(key, checked(key, value)),
    update: (key, change) =>
      table.update(key, (before) => checked(key, change(before === undefined ? undefined : read(key, before)))),
    delete: (key) => table.delete(key),
    keys: (prefix) => table.keys(prefix),
    *entries(prefix) {
      for (const [key, value] of table.entries(prefix)) yield [key, read(key, value)];
    },
  };
}

function describe({ issues: [first] }: z.ZodError): string {
  const place = first?.path.length ? `${first.path.join(".")}: ` : "";
  return place + (first?.message ?? "it is refused");
}

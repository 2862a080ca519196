/** Tables: durable key-value pairs of one owner. A change made by a handler is an effect of it: done once. */
import { WarrenError } from "../base/errors.ts";
import type { Store } from "../store/store.ts";
import { HandlerRun } from "./handler-run.ts";

/** Values are JSON; what cannot be said in JSON is lost on the way. A value of which nothing is left is refused: `VALUE_INVALID`. */
export interface Table<Value> {
  get(key: string): Value | undefined;
  has(key: string): boolean;
  /** Changes are on disk when the promise resolves; inside a handler, when they are sure to be committed with it. */
  set(key: string, value: Value): Promise<void>;
  /** Reads, changes and writes with nothing in between. Resolves with the new value. */
  update(key: string, change: (value: Value | undefined) => Value): Promise<Value>;
  delete(key: string): Promise<void>;
  /** The keys that begin with `prefix`, in their order. */
  keys(prefix?: string): string[];
  /** Those whose key begins with `prefix`, in the order of the keys (by their UTF-8 bytes). */
  entries(prefix?: string): IterableIterator<[key: string, value: Value]>;
}

export function openTable<Value>(store: Store, name: string): Table<Value> {
  const { db, entries } = store;
  const parse = (json: string): Value => JSON.parse(json) as Value;

  const write = (key: string, value: unknown): string => {
    const json: string | undefined = value instanceof Promise ? undefined : JSON.stringify(value); // of a promise it is {}
    if (json !== undefined) return json;
    const what = value instanceof Promise ? "a promise" : value === undefined ? "undefined" : `a ${typeof value}`;
    const way = value instanceof Promise ? "await it" : "delete() takes an entry out";
    throw new WarrenError(
      "VALUE_INVALID",
      `store "${name}", key "${key}": ${what} is no JSON and was not stored: ${way}`,
    );
  };

  /** Does `change` once in the life of a handler's message; outside of handlers, now. */
  async function once<Result>(key: string, change: () => Result): Promise<Result> {
    const run = HandlerRun.current();
    const effect = run?.nameNext(`table:${name}/${key}`) ?? "";
    const done = run?.recall(effect);
    if (done) return done.result as Result;
    const result = change();
    run?.record(effect, result);
    if (!run) await db.committed();
    return result;
  }

  return {
    get(key) {
      const json = entries.get(name, key);
      return json === undefined ? undefined : parse(json);
    },
    has: (key) => entries.get(name, key) !== undefined,
    set: (key, value) => once(key, () => entries.set(name, key, write(key, value))),
    update: (key, change) =>
      once(key, () => {
        const before = entries.get(name, key);
        const value = change(before === undefined ? undefined : parse(before));
        entries.set(name, key, write(key, value));
        return value;
      }),
    delete: (key) => once(key, () => entries.delete(name, key)),
    keys: (prefix = "") => entries.list(name, prefix).map(({ key }) => key),
    *entries(prefix = "") {
      for (const { key, value } of entries.list(name, prefix)) yield [key, parse(value)];
    },
  };
}

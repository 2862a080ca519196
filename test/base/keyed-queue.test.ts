import { expect, test } from "bun:test";
import { KeyedQueue } from "../../src/base/keyed-queue.ts";

/** Tasks that say when they begin, and end when they are told to. */
function createTasks() {
  const queue = new KeyedQueue<string>((task) => void setImmediate(task));
  const begun: string[] = [];
  const gates = new Map<string, () => void>();
  const add = (key: string, name: string): void => {
    const gate = Promise.withResolvers<void>();
    gates.set(name, gate.resolve);
    queue.add(key, () => {
      begun.push(name);
      return gate.promise;
    });
  };
  const end = async (name: string): Promise<void> => {
    gates.get(name)?.();
    await new Promise((resolve) => setImmediate(resolve));
  };
  return { queue, begun, add, end };
}

test("tasks of one key run one after another, in order", async () => {
  const { add, begun, end } = createTasks();
  for (const name of ["a1", "a2", "a3"]) add("a", name);
  expect(begun).toEqual(["a1"]);
  await end("a2"); // it has not begun
  expect(begun).toEqual(["a1"]);
  await end("a1");
  expect(begun).toEqual(["a1", "a2", "a3"]);
});

test("tasks of different keys do not wait for each other", async () => {
  const { add, begun, end } = createTasks();
  for (const name of ["a1", "a2", "b1", "b2"]) add(name.charAt(0), name);
  expect(begun).toEqual(["a1", "b1"]);
  await end("b1");
  expect(begun).toEqual(["a1", "b1", "b2"]);
});

test("a task that needs no waiting ends before add returns, and what waited for it is done in order and without growing the stack", async () => {
  const queue = new KeyedQueue<string>((task) => void setImmediate(task));
  const ran: number[] = [];
  queue.add("a", () => {
    for (let n = 1; n <= 100; n++) queue.add("a", () => void ran.push(n));
    expect(ran).toEqual([]); // its own end comes first
  });
  expect(ran).toHaveLength(100);
  const all = Promise.withResolvers<void>();
  queue.add("a", () => {
    for (let n = 101; n <= 100_000; n++) queue.add("a", () => void ran.push(n));
    queue.add("a", all.resolve);
  });
  await all.promise;
  expect(ran).toEqual(Array.from({ length: 100_000 }, (_, n) => n + 1));
});

test("a key that was worked off begins anew", async () => {
  const { add, begun, end } = createTasks();
  add("a", "a1");
  await end("a1");
  add("a", "a2");
  expect(begun).toEqual(["a1", "a2"]);
});

test("clearing forgets what has not begun, and what runs goes on", async () => {
  const { queue, add, begun, end } = createTasks();
  for (const name of ["a1", "a2", "b1"]) add(name.charAt(0), name);
  queue.clear();
  await end("a1");
  expect(begun).toEqual(["a1", "b1"]);
  add("a", "a3");
  expect(begun).toEqual(["a1", "b1", "a3"]);
});

test("of thousands of tasks that waited, others get their turn after 256", async () => {
  const { queue, add, end } = createTasks();
  add("a", "first");
  const begun: number[] = [];
  for (let n = 0; n < 2_000; n++)
    queue.add("a", () => (n % 2 === 0 ? void begun.push(n) : Promise.resolve(void begun.push(n))));
  const seen: number[] = [];
  const look = (): void => {
    seen.push(begun.length);
    if (begun.length < 2_000) setImmediate(look);
  };
  setImmediate(look);
  await end("first");
  while (begun.length < 2_000) await new Promise((resolve) => setImmediate(resolve));
  expect(begun).toEqual(Array.from({ length: 2_000 }, (_, n) => n));
  const inOneTurn = seen.map((count, turn) => count - (seen[turn - 1] ?? 0));
  expect(Math.max(...inOneTurn)).toBeLessThanOrEqual(2 * 256);
});

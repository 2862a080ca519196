import { expect, test } from "bun:test";
import { Scope } from "../../src/base/scope.ts";

test("what was opened last is closed first, one after another", async () => {
  const closed: string[] = [];
  const scope = new Scope();
  scope.defer(() => closed.push("first"));
  scope.use({
    async [Symbol.asyncDispose]() {
      closed.push("second begins");
      await new Promise((resolve) => setImmediate(resolve));
      closed.push("second");
    },
  });
  scope.use({ [Symbol.dispose]: () => void closed.push("third") });
  await scope.close();
  expect(closed).toEqual(["third", "second begins", "second", "first"]);
});

test("closing twice closes once, and both wait for the end", async () => {
  let closed = 0;
  const scope = new Scope();
  scope.defer(() => void closed++);
  await Promise.all([scope.close(), scope.close()]);
  await scope[Symbol.asyncDispose]();
  expect(closed).toBe(1);
});

test("all closers run, whatever some of them throw; the failures are thrown in the end", async () => {
  const closed: string[] = [];
  const scope = new Scope();
  scope.defer(() => closed.push("last"));
  scope.defer(() => {
    throw new Error("one");
  });
  scope.defer(() => Promise.reject(new Error("two")));
  const error = await scope.close().catch((thrown: unknown) => thrown);
  expect(closed).toEqual(["last"]);
  expect((error as AggregateError).errors.map(String)).toEqual(["Error: two", "Error: one"]);
  const single = new Scope();
  single.defer(() => {
    throw new Error("alone");
  });
  expect(await single.close().catch(String)).toBe("Error: alone");
});

test("a closer can be taken back", async () => {
  const closed: string[] = [];
  const scope = new Scope();
  const keep = scope.defer(() => closed.push("kept"));
  scope.defer(() => closed.push("closed"));
  keep();
  await scope.close();
  expect(closed).toEqual(["closed"]);
});

test("the signal is aborted before anything is closed", async () => {
  const scope = new Scope();
  const seen: boolean[] = [];
  scope.defer(() => seen.push(scope.signal.aborted, scope.isClosed));
  expect([scope.signal.aborted, scope.isClosed]).toEqual([false, false]);
  await scope.close();
  expect(seen).toEqual([true, true]);
});

test("what is registered too late is closed at once, and the end waits for it", async () => {
  const closed: string[] = [];
  const scope = new Scope();
  scope.defer(async () => {
    await new Promise((resolve) => setImmediate(resolve));
    scope.defer(() => closed.push("late"));
    closed.push("first");
  });
  await scope.close();
  scope.use({ [Symbol.dispose]: () => void closed.push("latest") });
  await scope.close();
  expect(closed).toEqual(["first", "late", "latest"]);
});

test("what the very first closer registers is closed too", async () => {
  const closed: string[] = [];
  const scope = new Scope();
  scope.defer(() => {
    scope.defer(() => closed.push("late"));
    closed.push("first");
  });
  await scope.close();
  expect(closed).toEqual(["first", "late"]);
});

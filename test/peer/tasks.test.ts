import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Peer } from "../../src/peer/peer.ts";
import { createBurrow, hear, type Burrow } from "./burrow.ts";

let folder: string;
beforeEach(async () => void (folder = await mkdtemp(join(tmpdir(), "warren-tasks-"))));
afterEach(() => rm(folder, { recursive: true }));

async function pair(burrow: Burrow): Promise<{ ann: Peer; bob: Peer; heard: string[] }> {
  const ann = await burrow.open("ann");
  const bob = await burrow.open("bob", { path: join(folder, "bob.db"), port: 7 });
  await burrow.introduce(ann, bob);
  return { ann, bob, heard: hear(ann) };
}

test("a task that a crash interrupts goes on in the next run, and does nothing twice", async () => {
  await using burrow = createBurrow();
  const { bob, heard } = await pair(burrow);
  const calls: string[] = [];
  const work = async (peer: Peer, hangs: boolean): Promise<string> =>
    await peer.tasks.perform("bake", 0, async (run) => {
      await peer.send("ann", "one");
      await peer.table<number>("counts").update("baked", (count = 0) => count + 1);
      await peer.effect("oven", () => void calls.push("oven"));
      run.record("half", true);
      await peer.send("ann", "two");
      if (hangs) await new Promise(() => {});
      await run.within("last", () => peer.send("ann", "three"));
      return "done";
    });
  work(bob, true).catch(() => {});
  await burrow.settle();
  const again = await burrow.crash("bob");
  const result = work(again, false);
  await burrow.settle(60_000);
  expect(await result).toBe("done");
  expect(heard).toEqual(["one", "two", "three"]);
  expect(calls).toEqual(["oven"]);
  expect(again.table<number>("counts").get("baked")).toBe(1);
});

test("a task that is forgotten begins anew", async () => {
  await using burrow = createBurrow();
  const { bob, heard } = await pair(burrow);
  const greet = (): Promise<unknown> => bob.tasks.perform("greet", 0, () => bob.send("ann", "hello"));
  await Promise.all([greet(), burrow.settle()]);
  await Promise.all([greet(), burrow.settle()]);
  bob.tasks.forget("greet");
  await Promise.all([greet(), burrow.settle()]);
  expect(heard).toEqual(["hello", "hello"]);
});

test("steps are found by their names, whatever comes between them", async () => {
  await using burrow = createBurrow();
  const { bob, heard } = await pair(burrow);
  const say = (steps: readonly string[]): Promise<unknown> =>
    bob.tasks.perform("steps", 0, async (run) => {
      for (const step of steps) await run.within(step, () => bob.send("ann", step));
    });
  await Promise.all([say(["a", "c"]), burrow.settle()]);
  await Promise.all([say(["a", "b", "c", "d"]), burrow.settle()]);
  expect(heard).toEqual(["a", "c", "b", "d"]);
});

test("a commit that fails gives every run up: what it still tries fails, and the next run does it", async () => {
  await using burrow = createBurrow();
  const { bob, heard } = await pair(burrow);
  const late = Promise.withResolvers<void>();
  let lateError: unknown;
  const first = bob.tasks.perform("pay", 0, async (run) => {
    run.record("begun", true);
    await late.promise;
    await bob.send("ann", "paid").catch((error: unknown) => (lateError = error));
  });
  const end = first.catch((error: unknown) => error);
  burrow.failNextCommit(bob);
  await burrow.settle(1);
  expect(await end).toMatchObject({ code: "STORE_FAILED" });
  late.resolve();
  await burrow.settle(1);
  expect(lateError).toMatchObject({ code: "STORE_FAILED" });
  const second = bob.tasks.perform("pay", 0, async (run) => {
    expect(run.recall("begun")).toBeUndefined();
    await bob.send("ann", "paid");
  });
  await Promise.all([second, burrow.settle(60_000)]);
  expect(heard).toEqual(["paid"]);
});

test("a run that has failed does nothing more beside the next one", async () => {
  await using burrow = createBurrow();
  const { bob, heard } = await pair(burrow);
  const late = Promise.withResolvers<void>();
  let stray: Promise<unknown> = Promise.resolve();
  const failing = bob.tasks.perform("mail", 0, () => {
    stray = late.promise.then(() => bob.send("ann", "stray"));
    throw new Error("no stamps");
  });
  expect(await failing.catch((error: unknown) => error)).toMatchObject({ message: "no stamps" });
  late.resolve();
  expect(await stray.catch((error: unknown) => error)).toMatchObject({ code: "CLOSED" });
  await burrow.settle();
  expect(heard).toEqual([]);
});

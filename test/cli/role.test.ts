import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { takeLock } from "../../src/base/file-lock.ts";
import { systemWorld } from "../../src/base/world.ts";
import { Role, ROLE_LOCK } from "../../src/cli/role.ts";
import { ManualClock } from "../../src/testing/manual-clock.ts";

let home = "";
beforeEach(async () => void (home = await mkdtemp(join(tmpdir(), "warren-role-"))));
afterEach(() => rm(home, { recursive: true }));

function candidate(clock: ManualClock, registryAnswers: () => boolean = () => true) {
  const done: string[] = [];
  const role = new Role({
    home,
    world: { ...systemWorld, clock },
    ensureRegistry: async () => {
      done.push("registry");
      return registryAnswers();
    },
    startBots: () => done.push("bots"),
  });
  return { role, done };
}

test("the lock is one holder's until it is given back", () => {
  const first = takeLock(home, ROLE_LOCK);
  expect(first).toBeDefined();
  expect(takeLock(home, ROLE_LOCK)).toBeUndefined();
  first?.[Symbol.dispose]();
  using second = takeLock(home, ROLE_LOCK);
  expect(second).toBeDefined();
});

test("a home that cannot be written is an error that names the way out", () => {
  expect(() => takeLock("/dev/null/home", ROLE_LOCK)).toThrow("--home");
});

test("the first takes the role at once, the second within a second of its end", async () => {
  const clock = new ManualClock();
  const first = candidate(clock);
  const second = candidate(clock);
  await first.role.start();
  await second.role.start();
  expect(first.done).toEqual(["registry", "bots"]);
  expect([first.role.isHeld, second.role.isHeld]).toEqual([true, false]);
  first.role[Symbol.dispose]();
  await clock.advance(1_000);
  expect(second.done).toEqual(["registry", "bots"]);
  second.role[Symbol.dispose]();
  await clock.advance(10_000);
  expect(second.role.isHeld).toBe(true); // it was held to its end, and is not taken again after it
  using free = takeLock(home, ROLE_LOCK);
  expect(free).toBeDefined();
});

test("a lost registry is a reason to look at once", async () => {
  const clock = new ManualClock();
  const first = candidate(clock);
  const second = candidate(clock);
  await first.role.start();
  await second.role.start();
  first.role[Symbol.dispose]();
  second.role.registryLost();
  await clock.settle();
  expect(second.role.isHeld).toBe(true);
  second.role[Symbol.dispose]();
});

test("the holder tries again until there is a registry, and starts the bots once", async () => {
  const clock = new ManualClock();
  let answers = false;
  const { role, done } = candidate(clock, () => answers);
  await role.start();
  await clock.advance(1_000);
  answers = true;
  await clock.advance(1_000);
  await clock.advance(5_000);
  expect(done).toEqual(["registry", "bots", "registry", "registry"]);
  role[Symbol.dispose]();
});

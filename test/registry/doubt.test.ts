import { expect, test } from "bun:test";
import { silentLog } from "../../src/base/log.ts";
import { createIdentity, type Identity } from "../../src/identity/identity.ts";
import { Doubt, DOUBT_MS } from "../../src/registry/doubt.ts";
import type { Registry } from "../../src/registry/server.ts";
import { ManualClock } from "../../src/testing/manual-clock.ts";
import {
  makeRecord,
  openRegistry,
  RawSession,
  socketWorld,
  someTurns,
  watchedClient,
  type SocketWorld,
} from "./setting.ts";

const crowd = await Promise.all(Array.from({ length: 25 }, () => createIdentity()));

async function arrive(registry: Registry, identities: readonly Identity[]): Promise<RawSession[]> {
  return await Promise.all(
    identities.map(async (identity, i) => {
      const session = new RawSession(registry.url);
      await session.logIn(identity, { record: await makeRecord(identity, { name: `peer-${i}` }) });
      return session;
    }),
  );
}

async function view(registry: Registry): Promise<{ online: number; stale?: true }> {
  const { online, stale } = (await (await fetch(`${registry.url}/v1/registry`)).json()) as {
    online: number;
    stale?: true;
  };
  return { online, ...(stale && { stale }) };
}

/** The sessions break; the registry has noticed it when this resolves. */
async function lose(world: SocketWorld, sessions: readonly RawSession[]): Promise<void> {
  for (const session of sessions) session[Symbol.dispose]();
  await someTurns(100);
  await world.clock.advance(11_000); // the grace period
}

test("when too many are lost at once nobody is called offline for two minutes, and what is told is marked as stale", async () => {
  const world = socketWorld();
  await using registry = await openRegistry({ world });
  const sessions = await arrive(registry, crowd);
  await using reader = await watchedClient({ url: registry.url, name: "reader", world });
  await reader.until("connected");
  await lose(world, sessions);
  expect(await view(registry)).toEqual({ online: 26, stale: true });
  expect(await (await fetch(`${registry.url}/v1/peers?limit=1`)).json()).toMatchObject({ stale: true });
  await reader.until("notice REGISTRY_STALE");
  for (let second = 0; second < 130; second += 5) {
    await world.clock.advance(5_000);
    await someTurns(2); // for the reader's signs of life
  }
  await someTurns(100);
  expect(await view(registry)).toEqual({ online: 1 });
});

test("when they are back nothing has happened", async () => {
  const world = socketWorld();
  await using registry = await openRegistry({ world });
  await lose(world, await arrive(registry, crowd));
  expect(await view(registry)).toEqual({ online: 25, stale: true });
  using watcher = new RawSession(registry.url);
  const reader = await createIdentity();
  await watcher.logIn(reader, { record: await makeRecord(reader, { name: "reader" }) });
  watcher.send({ t: "subscribe" });
  expect((await watcher.until("synced"))[0]).toEqual({ t: "view", stale: true });
  await arrive(registry, crowd);
  await world.clock.advance(1_000);
  expect(await view(registry)).toEqual({ online: 26 });
  expect((await watcher.until("view")).at(-1)).toEqual({ t: "view", stale: false });
});

test("a few may always go at once, and so may a small part of many", async () => {
  const world = socketWorld();
  await using registry = await openRegistry({ world });
  await lose(world, await arrive(registry, crowd.slice(0, 19)));
  await someTurns(50);
  expect(await view(registry)).toEqual({ online: 0 });
  const doubt = new Doubt(new ManualClock(), silentLog);
  doubt.weigh({ size: 1_000, missing: 150 }, true);
  expect(doubt.isActive).toBe(false);
  doubt.weigh({ size: 1_000, missing: 151 }, false); // nobody's time is over: nothing is to be decided
  expect(doubt.isActive).toBe(false);
  doubt.weigh({ size: 1_000, missing: 151 }, true);
  expect(doubt.isActive).toBe(true);
});

test("a doubt that was in vain does not begin again at once", async () => {
  const clock = new ManualClock();
  const doubt = new Doubt(clock, silentLog);
  const half = { size: 100, missing: 50 };
  doubt.weigh(half, true);
  await clock.advance(DOUBT_MS);
  doubt.weigh(half, true);
  expect(doubt.isActive).toBe(false);
  doubt.weigh(half, true);
  expect(doubt.isActive).toBe(false);
  await clock.advance(DOUBT_MS);
  doubt.weigh(half, true);
  expect(doubt.isActive).toBe(true);
});

import { expect, test } from "bun:test";
import { createIdentity } from "../../src/identity/identity.ts";
import { LateClient, type LateClientOptions } from "../../src/registry/late-client.ts";
import { describeSelf, openRegistry, socketWorld, turnUntil, watchedClient } from "./setting.ts";

async function setUp() {
  const world = socketWorld();
  const registry = await openRegistry({ world });
  const identity = await createIdentity();
  const memory = new Map<string, string>();
  const client = (more: Partial<LateClientOptions> = {}): LateClient =>
    new LateClient({ url: registry.url, identity, memory, world, ...more });
  const announce = (late: LateClient): void => late.announce(describeSelf(identity, "ann"));
  return { world, registry, client, announce };
}

function connected(late: LateClient): Promise<void> {
  return new Promise((resolve) => void late.on("connected", () => resolve()));
}

test("it registers, tells what it learns, and says goodbye, as a client does that was there at once", async () => {
  const { world, registry, client, announce } = await setUp();
  await using _ = registry;
  await using ben = await watchedClient({ url: registry.url, name: "ben", world });
  await turnUntil(world, ben.until("connected"));
  {
    await using ann = client();
    const seen: string[] = [];
    ann.on("online", (entry) => seen.push(entry.name));
    const end = ann.on("online", () => seen.push("never"));
    end();
    announce(ann);
    await turnUntil(world, connected(ann));
    expect(ann.isConnected).toBe(true);
    expect(seen).toEqual(["ben"]);
    expect([...ann.entries()]).toMatchObject([{ name: "ben", online: true }]);
    await turnUntil(world, ben.until("online ann"));
  }
  await turnUntil(world, ben.until("offline ann"));
});

test("a name that was granted before waits; who is gone by then was never seen", async () => {
  const { world, registry, client, announce } = await setUp();
  await using _ = registry;
  {
    await using first = client({ registerAfterMs: 500 });
    announce(first);
    await turnUntil(world, connected(first)); // at once: the name is new
  }
  await using ben = await watchedClient({ url: registry.url, name: "ben", world });
  await turnUntil(world, ben.until("connected"));
  {
    await using short = client({ registerAfterMs: 500 });
    announce(short);
    expect(await short.find({ name: "ben" })).toMatchObject([{ name: "ben" }]); // asking shows nobody
    await world.clock.advance(499);
  }
  await using long = client({ registerAfterMs: 500 });
  announce(long);
  await world.clock.advance(500);
  await turnUntil(world, ben.until("online ann"));
  expect(ben.told).toEqual(["connected", "online ann"]);
});

test("what is no registry's address is refused before anything is loaded", async () => {
  const { registry, client } = await setUp();
  await using _ = registry;
  expect(() => client({ url: "here/there" })).toThrow("is not a registry");
});

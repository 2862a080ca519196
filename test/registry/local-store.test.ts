import { expect, test } from "bun:test";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Database } from "bun:sqlite";
import { systemClock } from "../../src/base/world.ts";
import { createIdentity } from "../../src/identity/identity.ts";
import { DEFAULT_LIMITS } from "../../src/registry/limits.ts";
import { LocalStore } from "../../src/registry/local-store.ts";
import { SocketClock, temporaryFolder } from "./setting.ts";
import { followed, register, storeContract, type Place } from "./store-contract.ts";

async function settle(): Promise<Place> {
  const folder = await temporaryFolder();
  const clock = new SocketClock();
  return {
    clock,
    open: (limits) => LocalStore.open(folder.path, clock, limits),
    [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
  };
}

await storeContract("on this machine's disk", settle);

test("after more than a blink those who were online are not waited for", async () => {
  await using place = await settle();
  const ann = await createIdentity();
  {
    const { store } = await followed(place);
    await using _ = store;
    await register(store, ann, { name: "ann" });
    await store.tick();
  }
  place.clock.jump(121_000);
  const { store } = await followed(place);
  await using _ = store;
  expect(store.get(ann.id)?.stay).toBe(0);
});

test("a damaged file and one of a newer Warren are said to be so, and left as they are", async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, "registry.sqlite");
  await writeFile(path, "not a database, though long enough to be looked at as one".repeat(40));
  expect(LocalStore.open(folder.path, systemClock, DEFAULT_LIMITS)).rejects.toMatchObject({
    code: "STORE_CORRUPT",
  });
  await using newer = await temporaryFolder();
  const db = new Database(join(newer.path, "registry.sqlite"), { create: true });
  db.run("PRAGMA user_version = 99");
  db.close();
  expect(LocalStore.open(newer.path, systemClock, DEFAULT_LIMITS)).rejects.toMatchObject({
    code: "STORE_NEWER",
  });
});

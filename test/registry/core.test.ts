import { expect, test } from "bun:test";
import { silentLog } from "../../src/base/log.ts";
import { createIdentity } from "../../src/identity/identity.ts";
import { RegistryCore } from "../../src/registry/core.ts";
import { DEFAULT_LIMITS } from "../../src/registry/limits.ts";
import { LocalStore } from "../../src/registry/local-store.ts";
import { makeRecord, socketWorld, temporaryFolder } from "./setting.ts";

test("what is told between a peer's going and its being on disk does not pass for what is told after", async () => {
  await using folder = await temporaryFolder();
  const world = socketWorld();
  await using store = await LocalStore.open(folder.path, world, DEFAULT_LIMITS);
  const identity = await createIdentity();
  const core = new RegistryCore({ identity, store, world, log: silentLog, limits: DEFAULT_LIMITS });
  await core.resume();
  const ann = await createIdentity();
  await core.admit({ id: ann.id, record: await makeRecord(ann, { name: "ann" }) }, { dismiss() {}, renew() {} });
  const editions = new Map([[core.edition, (await core.peers({ online: true, limit: 9 })).length]]);
  const left = core.leave(ann.id);
  editions.set(core.edition, (await core.peers({ online: true, limit: 9 })).length); // still as the disk has it
  await left;
  editions.set(core.edition, (await core.peers({ online: true, limit: 9 })).length);
  expect([...editions.values()]).toEqual([1, 0]);
});

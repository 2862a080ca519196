import { createIdentity } from "../../src/identity/identity.ts";
import { DEFAULT_LIMITS } from "../../src/registry/limits.ts";
import { LocalDoor } from "../../src/registry/local-door.ts";
import { LocalStore } from "../../src/registry/local-store.ts";
import { doorContract } from "./door-contract.ts";
import { describeSelf, socketWorld, temporaryFolder } from "./setting.ts";
import { anyHolder } from "./store-contract.ts";

await doorContract("a door on this machine's disk", async () => {
  const folder = await temporaryFolder();
  const world = socketWorld();
  const somebody = await createIdentity();
  return {
    clock: world.clock,
    open: () => LocalDoor.open(folder.path, world),
    async holdName(id, name) {
      await using store = await LocalStore.open(folder.path, world, DEFAULT_LIMITS);
      const body = { ...describeSelf(somebody, name), id, seq: 1, ttl: 3_600 };
      await store.register({ body, record: "", holder: anyHolder });
    },
    async until(isSo) {
      if (!isSo()) throw new Error("what is in the database is so at once");
      await Promise.resolve();
    },
    [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
  };
});

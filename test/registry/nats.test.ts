import { afterAll } from "bun:test";
import { silentLog } from "../../src/base/log.ts";
import { createIdentity } from "../../src/identity/identity.ts";
import { natsStore } from "../../src/registry/nats.ts";
import { NatsServer, NATS_SERVER, NO_NATS_SERVER } from "./nats-server.ts";
import { socketWorld } from "./setting.ts";
import { storeContract, type Place } from "./store-contract.ts";

const identity = await createIdentity();

if (NATS_SERVER === undefined) console.log(`the store on NATS: ${NO_NATS_SERVER}`);
else {
  const server = await NatsServer.start();
  afterAll(() => server[Symbol.asyncDispose]());
  let places = 0;

  const settle = async (): Promise<Place> => {
    const world = socketWorld();
    const open = natsStore({ servers: server.address, name: `place${places++}`, timeOf: () => world.clock.now() });
    return await Promise.resolve({
      clock: world.clock,
      open: (limits) => open({ identity, world, log: silentLog, limits }),
      [Symbol.asyncDispose]: () => Promise.resolve(),
    });
  };

  await storeContract("on NATS", settle);
}

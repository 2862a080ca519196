import { expect, test } from "bun:test";
import { NATS_SERVER, NO_NATS_SERVER } from "../registry/nats-server.ts";
import { temporaryFolder } from "../registry/setting.ts";
import { Clustering } from "./clustering.ts";

if (NATS_SERVER === undefined) console.log(`a registry of three processes on three servers: ${NO_NATS_SERVER}`);

test.skipIf(NATS_SERVER === undefined)(
  "a registry and a server of its store are killed, and nobody is lost, told as gone, or given another's name",
  async () => {
    await using folder = await temporaryFolder();
    await using cluster = new Clustering({
      folder: folder.path,
      peers: 40,
      leaseMs: 20_000,
      level: "error",
      say: () => {},
    });
    await cluster.begin();
    await cluster.round(0);
    expect(await cluster.faults()).toEqual([]);
  },
  60_000,
);

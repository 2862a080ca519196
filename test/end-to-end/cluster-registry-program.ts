/** One process of the cluster test's registry: with a key that is given, and limits that one machine's crowd does not meet. */
import { createLog, stderrSink, type LogLevel } from "../../src/base/log.ts";
import { readIdentity } from "../../src/identity/identity.ts";
import { natsStore } from "../../src/registry/nats.ts";
import { startRegistry } from "../../src/registry/server.ts";

export interface ClusterRegistryOptions {
  readonly port: number;
  readonly servers: string;
  readonly keyFile: string;
  readonly leaseMs: number;
  /** The least of its log that is shown. */
  readonly level: LogLevel;
}

const options = JSON.parse(process.argv[2] ?? "") as ClusterRegistryOptions;
const { port, servers, keyFile, leaseMs, level } = options;
const many = 1_000_000;
await startRegistry({
  port,
  folder: "",
  identity: await readIdentity(keyFile),
  openStore: natsStore({ servers, leaseMs }),
  dialsBack: false,
  log: createLog(`registry ${port}`, stderrSink(level)),
  limits: {
    sessionsPerMinute: many,
    requestsPerMinute: many,
    maxUnknownPerAddress: many,
    graceMs: 10_000,
    restartGraceMs: 45_000,
  },
});
process.stdout.write("ready\n");

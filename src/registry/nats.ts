/** NATS: a registry's store on a server or a cluster of NATS JetStream. Loaded only when `--store` asks for it. */
import { connect } from "@nats-io/transport-node";
import { describeError, WarrenError } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import { parseNatsServers, type NatsAddress } from "./nats-address.ts";
import { NatsJournal, type NatsClient } from "./nats-journal.ts";
import { SharedStore, type SharedStoreOptions } from "./shared-store.ts";
import type { StoreOpener } from "./store.ts";

const CONNECT_MS = 5_000;
/** A server that answers two of these in a row with nothing is left for another one. */
const PING_MS = 2_000;
const RECONNECT_MS = 500;
/** What a cluster keeps of everything: it goes on with one of three servers gone. */
const CLUSTER_REPLICAS = 3;

export interface NatsOptions {
  /** `nats://host:4222`, several with commas between; `tls://` for TLS; `user:password@` or `token@` before the first host. */
  servers: string;
  /** Tells several registries on one server apart. */
  name?: string | undefined;
  /** Default: 3 on a cluster, 1 on a single server. */
  replicas?: number | undefined;
  leaseMs?: number | undefined;
  timeOf?: SharedStoreOptions["timeOf"];
  /** Told once what the store is, for people. */
  onReady?: ((text: string) => void) | undefined;
}

/** @throws {WarrenError} from the opener: `STORE_UNREACHABLE`, `STORE_FOREIGN` */
export function natsStore(options: NatsOptions): StoreOpener {
  const address = parseNatsServers(options.servers);
  const { name = "warren", leaseMs, timeOf, onReady } = options;
  return async ({ identity, world, log, limits }) => {
    const client = await dial(address);
    try {
      const { info } = client;
      if (!info?.jetstream && !info?.cluster) {
        const text = `the NATS server at ${address.servers.join(", ")} has no JetStream: start it with -js`;
        throw new WarrenError("STORE_UNREACHABLE", text);
      }
      const replicas = options.replicas ?? (info?.cluster === undefined ? 1 : CLUSTER_REPLICAS);
      const { clock } = world;
      const [names, directory] = await Promise.all([
        NatsJournal.open({ client, bucket: `${name}-names`, replicas, clock, log }),
        NatsJournal.open({ client, bucket: `${name}-directory`, replicas, clock, log }),
      ]);
      void watchConnection(client, log, [names, directory]);
      const store = await SharedStore.open({
        directory,
        names,
        registry: identity.id,
        world,
        log,
        limits,
        leaseMs,
        timeOf,
        onClose: () => client.close(),
      });
      onReady?.(
        `${name} at ${address.servers.join(", ")} (NATS ${info?.version}, ${replicas === 1 ? "1 replica" : `${replicas} replicas`})`,
      );
      return store;
    } catch (error) {
      await client.close();
      throw error;
    }
  };
}

async function dial({ servers, usesTls, ...secrets }: NatsAddress): Promise<NatsClient> {
  try {
    return await connect({
      servers: [...servers],
      name: "warren registry",
      timeout: CONNECT_MS,
      maxReconnectAttempts: -1,
      reconnectTimeWait: RECONNECT_MS,
      pingInterval: PING_MS,
      maxPingOut: 2,
      ignoreAuthErrorAbort: true, // a server that restarts with its accounts not there yet
      ...(usesTls && { tls: {} }),
      ...secrets,
    });
  } catch (error) {
    const text = `no NATS server answers at ${servers.join(", ")} (${describeError(error)}): start one, or check --store`;
    throw new WarrenError("STORE_UNREACHABLE", text, { cause: error });
  }
}

async function watchConnection(client: NatsClient, log: Log, journals: readonly NatsJournal[]): Promise<void> {
  for await (const status of client.status()) {
    if (status.type === "disconnect") {
      log.warn(`the connection to the shared store broke`);
      for (const journal of journals) journal.interrupt();
    }
    if (status.type === "reconnect") log.warn(`the shared store is connected again: ${status.server}`);
    if (status.type === "error") log.warn(`the shared store complains: ${describeError(status.error)}`);
  }
}

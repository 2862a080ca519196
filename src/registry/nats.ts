/** NATS: a registry's store on a server or a cluster of NATS JetStream. Loaded only when `--store` asks for it. */
import { AuthorizationError, connect } from "@nats-io/transport-node";
import { describeError, WarrenError } from "../base/errors.ts";
import type { PeerId } from "../base/ids.ts";
import type { Log } from "../base/log.ts";
import type { World } from "../base/world.ts";
import { DEFAULT_STORE_NAME, parseNatsServers, type NatsAddress } from "./nats-address.ts";
import { NatsJournal, type NatsClient } from "./nats-journal.ts";
import { SharedDoor } from "./shared-door.ts";
import { SharedNames } from "./shared-names.ts";
import { SharedStore, type SharedStoreOptions } from "./shared-store.ts";
import type { StoreOpener } from "./store.ts";
import { Tables } from "./tables.ts";

const CONNECT_MS = 5_000;
/** A server that answers two of these in a row with nothing is left for another one. */
const PING_MS = 2_000;
const RECONNECT_MS = 500;
/** What a cluster keeps of everything: it goes on with one of three servers gone. */
const CLUSTER_REPLICAS = 3;

/** A bucket is the store's name with one of these. */
type StorePart = "names" | "directory" | "door";

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
  const { name = DEFAULT_STORE_NAME, leaseMs, timeOf, onReady } = options;
  return async ({ identity, world, log, limits }) => {
    const { client, version, replicas } = await connectNats(address, options.replicas);
    try {
      const { clock } = world;
      const open = (part: StorePart): Promise<NatsJournal> =>
        NatsJournal.open({ client, bucket: `${name}-${part}`, replicas, clock, log });
      const [names, directory, door] = await Promise.all([open("names"), open("directory"), open("door")]);
      void watchConnection(client, log, [names, directory, door]);
      const store = await SharedStore.open({
        directory,
        names,
        door,
        registry: identity.id,
        world,
        log,
        limits,
        leaseMs,
        timeOf,
        onClose: () => client.close(),
      });
      const copies = replicas === 1 ? "1 replica" : `${replicas} replicas`;
      onReady?.(`${name} at ${address.servers.join(", ")} (NATS ${version}, ${copies})`);
      return store;
    } catch (error) {
      await client.close();
      throw error;
    }
  };
}

/** A registry's door from beside its processes, for its operator. */
export interface NatsDoor extends AsyncDisposable {
  readonly registry: PeerId;
  readonly door: SharedDoor;
}

/** @throws {WarrenError} `STORE_UNREACHABLE`; `USAGE` where no registry has run yet */
export async function openNatsDoor(options: NatsOptions, world: World, log: Log): Promise<NatsDoor> {
  const { name = DEFAULT_STORE_NAME } = options;
  const { client, replicas } = await connectNats(parseNatsServers(options.servers), options.replicas);
  const { clock } = world;
  await using opened = new AsyncDisposableStack();
  opened.defer(() => client.close());
  const open = async (part: StorePart, mustExist = false): Promise<NatsJournal> =>
    opened.use(await NatsJournal.open({ client, bucket: `${name}-${part}`, replicas, clock, log, mustExist }));
  const tables = Tables.inMemory();
  opened.defer(() => tables.close());
  const names = new SharedNames({ journal: await open("names", true), tables, clock, log, lease: { owner: "" } });
  const registry = await names.owner();
  if (!registry)
    throw new WarrenError("USAGE", `no registry has run on the store ${name} yet: start its first process`);
  const holders = async (): Promise<Iterable<PeerId>> => {
    if (!names.isCurrent) await names.load();
    return tables.holders();
  };
  const door = new SharedDoor({ journal: await open("door"), world, log, holders });
  await door.load();
  const held = opened.move();
  return { registry, door, [Symbol.asyncDispose]: () => held.disposeAsync() };
}

/** @throws {WarrenError} `STORE_UNREACHABLE` */
async function connectNats(address: NatsAddress, replicas: number | undefined) {
  const client = await dial(address);
  const { info } = client;
  if (info?.jetstream || info?.cluster) {
    return { client, version: info.version, replicas: replicas ?? (info.cluster === undefined ? 1 : CLUSTER_REPLICAS) };
  }
  await client.close();
  const text = `the NATS server at ${address.servers.join(", ")} has no JetStream: start it with -js`;
  throw new WarrenError("STORE_UNREACHABLE", text);
}

async function dial({ servers, usesTls, ...secrets }: NatsAddress): Promise<NatsClient> {
  const options = {
    servers: [...servers],
    name: "warren registry",
    timeout: CONNECT_MS,
    maxReconnectAttempts: -1,
    reconnectTimeWait: RECONNECT_MS,
    pingInterval: PING_MS,
    maxPingOut: 2,
    ...(usesTls && { tls: {} }),
    ...secrets,
  };
  try {
    // Once to be told of a wrong password: the connection that lasts would try it for ever.
    await (await connect(options)).close();
    return await connect({ ...options, ignoreAuthErrorAbort: true }); // a server that restarts with its accounts not there yet
  } catch (error) {
    const where = servers.join(", ");
    const text =
      error instanceof AuthorizationError
        ? `NATS at ${where} does not let us in (${describeError(error)}): check the user and the password in --store or WARREN_STORE`
        : `no NATS server answers at ${where} (${describeError(error)}): start one, or check --store`;
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

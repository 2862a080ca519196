/** Peers in a simulated world, for the tests of the peer: opened in a line, stopped, crashed, started again. */
import { cp } from "node:fs/promises";
import type { PeerId, PeerKind } from "../../src/base/ids.ts";
import { type Log, silentLog } from "../../src/base/log.ts";
import { encodePeerId } from "../../src/identity/peer-id.ts";
import type { HistoryEntry, IncomingMessage } from "../../src/peer/message.ts";
import { Peer } from "../../src/peer/peer.ts";
import { openStore, type Store } from "../../src/store/store.ts";
import { failNextCommit } from "../../src/testing/failing-commit.ts";
import { SimulatedNetwork } from "../../src/testing/simulated-network.ts";
import { createSimulatedWorld, type SimulatedWorld } from "../../src/testing/world.ts";

interface OpenOptions {
  log?: Log;
  kind?: PeerKind;
  path?: string;
  port?: number;
}

export interface Burrow extends AsyncDisposable {
  readonly world: SimulatedWorld;
  readonly network: SimulatedNetwork;
  open(name: string, options?: OpenOptions): Promise<Peer>;
  /** What a kill -9 leaves of a peer that has a file: its database as it is on disk now, opened by another process. */
  crash(name: string): Promise<Peer>;
  /** Gives both peers the other's address and name, as a registry would. */
  introduce(a: Peer, b: Peer): Promise<void>;
  /** Makes the peer's next commit fail, as a full disk does. */
  failNextCommit(peer: Peer): void;
  /** Takes the peer off the network as a kill -9 does: nothing of it runs on that anybody could notice. */
  vanish(name: string): void;
  /** How many transactions the peer has committed. */
  commitsOf(peer: Peer): number;
  /** Lets enough time pass for a dial, a message and its receipt. */
  settle(ms?: number): Promise<void>;
}

/** Ids whose order is that of the names. */
export function testId(name: string): PeerId {
  return encodePeerId(Buffer.alloc(32, name));
}

export function createBurrow(seed = 1): Burrow {
  const world = createSimulatedWorld(seed);
  const network = new SimulatedNetwork({ clock: world.clock });
  const peers: Peer[] = [];
  const stores = new Map<Peer, Store>();
  const commits = new Map<Peer, number>();
  const opened = new Map<string, OpenOptions>();
  return {
    world,
    network,
    async open(name, options = {}) {
      const { kind = "person", path = ":memory:", port = 0, log = silentLog } = options;
      opened.set(name, options);
      const id = testId(name);
      const store = openStore(path, world.clock);
      const transport = network.transport(id, name);
      const peer = await Peer.open({
        info: { id, name, kind },
        store,
        transport,
        world,
        log,
        host: name,
        port,
      });
      peers.push(peer);
      stores.set(peer, store);
      store.db.beforeCommit(() => void commits.set(peer, (commits.get(peer) ?? 0) + 1));
      return peer;
    },
    async crash(name) {
      const { path = "", ...options } = opened.get(name) ?? {};
      const copy = `${path}-${crypto.randomUUID()}`;
      for (const file of ["", "-wal"]) await cp(path + file, copy + file);
      network.vanish(testId(name));
      return await this.open(name, { ...options, path: copy });
    },
    async introduce(a, b) {
      const meet = a.resolve(`${b.name}:${b.port}`);
      await this.settle(20);
      await meet;
      await this.settle(20);
      await Promise.all([a.pin(b.name, b.id), b.pin(a.name, a.id), world.clock.settle()]);
    },
    failNextCommit(peer) {
      const store = stores.get(peer);
      if (store) failNextCommit(store.db);
    },
    vanish: (name) => network.vanish(testId(name)),
    commitsOf: (peer) => commits.get(peer) ?? 0,
    settle: (ms = 50) => world.clock.advance(ms),
    async [Symbol.asyncDispose]() {
      const closed = Promise.all(peers.map((peer) => peer.close()));
      for (let i = 0; i < 12; i++) await world.clock.advance(1_000);
      await closed;
    },
  };
}

/** Collects what arrives at a peer. */
export function hear(peer: Peer): string[] {
  const heard: string[] = [];
  peer.on("message", ({ text }: IncomingMessage) => void heard.push(text));
  return heard;
}

export function lines(history: readonly HistoryEntry[]): string[] {
  return history.map(({ from, text, state }) => `${from.name}: ${text} (${state})`);
}

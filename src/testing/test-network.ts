/** Test network: what the peers of a kit are connected by, simulated or real. */
import type { PeerId, PeerKind } from "../base/ids.ts";
import { encodePeerId } from "../identity/peer-id.ts";
import type { Transport } from "../peer/link.ts";
import type { ManualClock } from "./manual-clock.ts";
import { SimulatedNetwork } from "./simulated-network.ts";

/** `loopback`: TLS over TCP on this machine, with keys and databases on disk. */
export const TEST_NETWORKS = ["simulated", "loopback"] as const;
export type TestNetworkName = (typeof TEST_NETWORKS)[number];

/** One process of a peer that is about to start. */
export interface TestProcess {
  readonly name: string;
  readonly kind: PeerKind;
  /** 32 bytes, the same for each process of one peer. */
  readonly key: Uint8Array;
  /** What the process before it had on disk. */
  readonly disk?: Uint8Array | undefined;
}

/** What it gets. */
export interface TestPlace {
  readonly id: PeerId;
  readonly host: string;
  readonly transport: Transport;
  /** Where its database is, or what is in it. */
  readonly store: string | Uint8Array;
}

export interface TestNetwork extends Disposable {
  readonly clock: ManualClock;
  /** How much is on its way; 0 when nothing more will arrive by itself. */
  readonly inFlight: number;
  join(process: TestProcess): Promise<TestPlace>;
  /** Takes every process of a peer away without a word, as a power cut or a kill -9 does. */
  vanish(id: PeerId): void;
}

/** Queues in one process: nothing leaves it, and nothing is on disk. What is sent takes `latencyMs`. */
export function simulatedTestNetwork(clock: ManualClock, latencyMs = 1): TestNetwork {
  const network = new SimulatedNetwork({ clock, latency: () => latencyMs });
  return {
    clock,
    get inFlight() {
      return network.inFlight;
    },
    // oxlint-disable-next-line require-await -- the real one has files to read
    async join({ name, key, disk = ":memory:" }) {
      const id = encodePeerId(key); // nobody signs anything here
      return { id, host: name, transport: network.transport(id, name), store: disk };
    },
    vanish: (id) => network.vanish(id),
    [Symbol.dispose]() {},
  };
}

/** A network without a network: links between peers in one process, on the clock of the simulation, that break to order. */
import { WarrenError } from "../base/errors.ts";
import { formatAddress, type Address, type PeerId } from "../base/ids.ts";
import type { Clock } from "../base/world.ts";
import type { DialOptions, Link, Listener, ListenOptions, Transport } from "../peer/link.ts";
import { SimulatedLink } from "./simulated-link.ts";

export interface SimulatedNetworkOptions {
  clock: Clock;
  /** Ms that a chunk takes, asked anew for each; chunks of one link never overtake each other. */
  latency?: () => number;
}

/** Which pairs of peers; asked in both orders. */
type Which = (a: PeerId, b: PeerId) => boolean;

export class SimulatedNetwork {
  readonly #clock: Clock;
  readonly #latency: () => number;
  readonly #places = new Map<string, SimulatedTransport>();
  readonly #links = new Set<SimulatedLink>(); // one end of each
  #isBlocked: Which = () => false;
  #nextPort = 10_000;
  #inFlight = 0;

  constructor({ clock, latency = () => 1 }: SimulatedNetworkOptions) {
    this.#clock = clock;
    this.#latency = latency;
  }

  /** How many chunks, closings and dials are on their way. */
  get inFlight(): number {
    return this.#inFlight;
  }

  /** The network as seen by one process of the peer `id` on the machine `host`. */
  transport(id: PeerId, host: string): SimulatedTransport {
    return new SimulatedTransport(this, id, host);
  }

  /**
   * Breaks the links for which `which` holds, and both ends notice. Of the chunk that was next to arrive, `share` of the
   * bytes still do; the rest of what is on its way is lost.
   */
  cut(which: Which = () => true, share = 0): number {
    return this.#each(which, (link) => link.cut(share));
  }

  /** From now on nothing arrives on these links any more, in one direction or both, and nobody notices: half-open. */
  silence(which: Which, isOneWay = false): number {
    return this.#each(which, (link) => link.silence(isOneWay));
  }

  /** Until told otherwise, nothing gets through between these: links fall silent, dials are never answered. */
  partition(isBlocked: Which): void {
    this.#isBlocked = (a, b) => isBlocked(a, b) || isBlocked(b, a);
    this.silence(this.#isBlocked);
  }

  /** Takes every process of a peer away without a word, as a power cut or a kill -9 does. */
  vanish(id: PeerId): void {
    for (const transport of new Set(this.#places.values())) if (transport.id === id) transport.kill();
    this.cut((a, b) => a === id || b === id);
  }

  now(): number {
    return this.#clock.steady();
  }

  later(task: () => void, ms = this.#latency()): void {
    this.#inFlight++;
    this.#clock.after(ms, () => {
      this.#inFlight--;
      task();
    });
  }

  soon(task: () => void): void {
    this.#clock.soon(task);
  }

  forget(link: SimulatedLink): void {
    this.#links.delete(link);
  }

  /** @throws {WarrenError} `PORT_IN_USE` */
  place(transport: SimulatedTransport, host: string, port: number): { port: number; key: string } {
    const given = port || this.#nextPort++;
    const key = formatAddress({ host, port: given });
    if (this.#places.has(key))
      throw new WarrenError("PORT_IN_USE", `port ${port} is in use: choose another with --port`);
    this.#places.set(key, transport);
    return { port: given, key };
  }

  unplace(key: string): void {
    this.#places.delete(key);
  }

  reach(from: SimulatedTransport, address: Address, { expect, signal }: DialOptions): Promise<Link> {
    return new Promise((resolve, reject) => {
      const stop = (): void => {
        if (from.isAlive) reject(signal.reason);
      };
      if (signal.aborted) return stop();
      signal.addEventListener("abort", stop, { once: true });
      this.later(() => {
        signal.removeEventListener("abort", stop);
        if (signal.aborted || !from.isAlive) return;
        const to = this.#places.get(formatAddress(address));
        if (to && this.#isBlocked(from.id, to.id)) return signal.addEventListener("abort", stop, { once: true });
        const error = refusal(from, to, address, expect);
        if (error || !to) return reject(error);
        const near = new SimulatedLink(this, from, to.id, address, true);
        const far = new SimulatedLink(this, to, from.id, { host: from.host, port: 1 }, false);
        near.join(far);
        this.#links.add(near);
        to.accept(far);
        resolve(near);
      });
    });
  }

  #each(which: Which, act: (link: SimulatedLink) => void): number {
    const found = [...this.#links].filter((link) => which(link.peer, link.far.peer) || which(link.far.peer, link.peer));
    for (const link of found) act(link);
    return found.length;
  }
}

/** The transport of one process. Once it is killed, nothing of the process reaches the network, or the other way round. */
export class SimulatedTransport implements Transport {
  readonly #network: SimulatedNetwork;
  readonly id: PeerId;
  readonly host: string;
  readonly #keys: string[] = [];
  #heardAt = -Infinity;
  #accept: ((link: Link) => void) | undefined;
  #isAlive = true;

  constructor(network: SimulatedNetwork, id: PeerId, host: string) {
    this.#network = network;
    this.id = id;
    this.host = host;
  }

  get isAlive(): boolean {
    return this.#isAlive;
  }

  /** When something last arrived at this process, in steady ms. */
  get heardAt(): number {
    return this.#heardAt;
  }

  heard(): void {
    this.#heardAt = this.#network.now();
  }

  kill(): void {
    this.#isAlive = false;
    for (const key of this.#keys) this.#network.unplace(key);
  }

  accept(link: SimulatedLink): void {
    if (this.#isAlive) this.#accept?.(link);
  }

  // oxlint-disable-next-line require-await -- a transport's methods are asynchronous
  async listen({ port }: ListenOptions, accept: (link: Link) => void): Promise<Listener> {
    const { port: given, key } = this.#network.place(this, this.host, port);
    this.#accept = accept;
    this.#keys.push(key);
    // oxlint-disable-next-line require-await -- see above
    return { port: given, [Symbol.asyncDispose]: async () => this.#network.unplace(key) };
  }

  dial(address: Address, options: DialOptions): Promise<Link> {
    return this.#network.reach(this, address, options);
  }

  addresses(_: string, port: number): Address[] {
    return [{ host: this.host, port }];
  }
}

function refusal(
  from: SimulatedTransport,
  to: SimulatedTransport | undefined,
  address: Address,
  expect: PeerId | undefined,
): WarrenError | undefined {
  const where = formatAddress(address);
  if (!to) return new WarrenError("PEER_UNREACHABLE", `nobody listens at ${where}`);
  if (to.id === from.id) return new WarrenError("PEER_IS_SELF", `${where} is this peer itself`);
  if (expect && to.id !== expect) return new WarrenError("PEER_MISMATCH", `another key is at ${where}`);
  return undefined;
}

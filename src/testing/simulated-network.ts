/** A network without a network: links between peers in one process, on the clock of the simulation. */
import { WarrenError } from "../base/errors.ts";
import { formatAddress, type Address, type PeerId } from "../base/ids.ts";
import type { Clock } from "../base/world.ts";
import type { DialOptions, Link, LinkHandler, Listener, ListenOptions, Transport } from "../peer/link.ts";

/** Bytes that a link takes before it is full, as the buffers of a socket do. */
const WINDOW_BYTES = 65_536;

export interface SimulatedNetworkOptions {
  clock: Clock;
  /** Ms that a chunk takes, asked anew for each; chunks of one link never overtake each other. */
  latency?: () => number;
}

interface Place {
  readonly id: PeerId;
  readonly accept: (link: Link) => void;
}

export class SimulatedNetwork {
  readonly #clock: Clock;
  readonly #latency: () => number;
  readonly #places = new Map<string, Place>();
  readonly #links = new Set<SimulatedLink>();
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

  /** The network as seen by the machine `host` of the peer `id`. */
  transport(id: PeerId, host: string): Transport {
    return {
      listen: (options, accept) => this.#listen(id, host, options, accept),
      dial: (address, options) => this.#dial(id, host, address, options),
      addresses: (_, port) => [{ host, port }],
    };
  }

  /** Breaks every link for which `which` holds; what is on its way is lost, and both ends notice. */
  cut(which: (a: PeerId, b: PeerId) => boolean = () => true): void {
    for (const link of this.#links) if (which(link.peer, link.far.peer)) link.cut();
  }

  /** Takes a peer away without a word: its links break, nobody listens where it did, and it reaches nobody any more. */
  vanish(id: PeerId): void {
    for (const [key, place] of this.#places) if (place.id === id) this.#places.delete(key);
    this.cut((a, b) => a === id || b === id);
  }

  later(task: () => void, ms = this.#latency()): void {
    this.#inFlight++;
    this.#clock.after(ms, () => {
      this.#inFlight--;
      task();
    });
  }

  forget(link: SimulatedLink): void {
    this.#links.delete(link);
  }

  // oxlint-disable-next-line require-await -- a transport's methods are asynchronous
  async #listen(id: PeerId, host: string, options: ListenOptions, accept: (link: Link) => void): Promise<Listener> {
    const port = options.port || this.#nextPort++;
    const key = formatAddress({ host, port });
    if (this.#places.has(key))
      throw new WarrenError("PORT_IN_USE", `port ${port} is in use: choose another with --port`);
    this.#places.set(key, { id, accept });
    // oxlint-disable-next-line require-await -- see above
    return { port, [Symbol.asyncDispose]: async () => void this.#places.delete(key) };
  }

  #dial(id: PeerId, host: string, address: Address, { expect, signal }: DialOptions): Promise<Link> {
    return new Promise((resolve, reject) => {
      this.later(() => {
        const place = this.#places.get(formatAddress(address));
        if (signal.aborted) return reject(signal.reason);
        if (!place) return reject(new WarrenError("PEER_UNREACHABLE", `nobody listens at ${formatAddress(address)}`));
        if (place.id === id)
          return reject(new WarrenError("PEER_IS_SELF", `${formatAddress(address)} is this peer itself`));
        if (expect && place.id !== expect)
          return reject(new WarrenError("PEER_MISMATCH", `another key is at ${formatAddress(address)}`));
        const near = new SimulatedLink(this, place.id, address, true);
        const far = new SimulatedLink(this, id, { host, port: 1 }, false);
        near.join(far);
        this.#links.add(near).add(far);
        place.accept(far);
        resolve(near);
      });
    });
  }
}

class SimulatedLink implements Link {
  readonly #network: SimulatedNetwork;
  #far: SimulatedLink | undefined;
  #handler: LinkHandler | undefined;
  #room = WINDOW_BYTES;
  #isFull = false;
  #isClosed = false;
  readonly peer: PeerId;
  readonly remote: Address;
  readonly dialled: boolean;
  #queue: (() => void)[] = []; // on their way to the other end, in order

  constructor(network: SimulatedNetwork, peer: PeerId, remote: Address, dialled: boolean) {
    this.#network = network;
    this.peer = peer;
    this.remote = remote;
    this.dialled = dialled;
  }

  get far(): SimulatedLink {
    if (!this.#far) throw new Error("a simulated link has two ends");
    return this.#far;
  }

  join(far: SimulatedLink): void {
    this.#far = far;
    far.#far = this;
  }

  open(handler: LinkHandler): void {
    this.#handler = handler;
    if (this.#isClosed) queueMicrotask(() => handler.closed());
  }

  write(bytes: Uint8Array): number {
    if (this.#isClosed) return -1;
    const taken = Math.min(bytes.byteLength, this.#room);
    if (taken < bytes.byteLength) this.#isFull = true;
    if (taken === 0) return 0;
    const chunk = bytes.slice(0, taken);
    this.#room -= taken;
    this.#send(() => {
      this.far.#receive(chunk);
      this.#room += taken;
      if (this.#isFull && !this.#isClosed) {
        this.#isFull = false;
        this.#handler?.drain();
      }
    });
    return taken;
  }

  end(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#network.forget(this);
    this.#send(() => this.far.#close());
  }

  terminate(): void {
    this.end();
  }

  /** The path is gone: nothing that is on its way arrives, and both ends notice. */
  cut(): void {
    this.#queue = [];
    this.far.#queue = [];
    this.#close();
    this.far.#close();
  }

  #send(task: () => void): void {
    this.#queue.push(task);
    this.#network.later(() => this.#queue.shift()?.());
  }

  #receive(chunk: Uint8Array): void {
    // The listening side opens its end at once and waits for the dialler to speak: nothing comes too early.
    if (!this.#isClosed) this.#handler?.data(chunk);
  }

  #close(): void {
    this.#network.forget(this);
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#handler?.closed();
  }
}

/** One end of a link in the simulated network: a queue of chunks on their way to the other end. */
import type { Address, PeerId } from "../base/ids.ts";
import type { Link, LinkHandler } from "../peer/link.ts";

/** Bytes that a link takes before it is full, as the buffers of a socket do. */
const WINDOW_BYTES = 65_536;

/** What a link needs of its network. */
interface Carrier {
  /** Does something after the time that a chunk takes. */
  later(task: () => void): void;
  /** Does something with the next turn of the event loop. */
  soon(task: () => void): void;
  forget(link: SimulatedLink): void;
}

/** The process that an end belongs to; nothing reaches it once it is dead. */
interface Owner {
  readonly isAlive: boolean;
  /** Something arrives. */
  heard(): void;
}

export class SimulatedLink implements Link {
  readonly peer: PeerId;
  readonly remote: Address;
  readonly dialled: boolean;
  readonly #network: Carrier;
  readonly #owner: Owner;
  #far: SimulatedLink | undefined;
  #handler: LinkHandler | undefined;
  #room = WINDOW_BYTES;
  #isFull = false;
  #isClosed = false;
  #isPaused = false;
  #missed = 0; // arrivals since then, to be made up for
  #isSilent = false; // nothing that is sent here arrives
  #queue: (Uint8Array | "end")[] = []; // on their way to the other end, in order

  constructor(network: Carrier, owner: Owner, peer: PeerId, remote: Address, dialled: boolean) {
    this.#network = network;
    this.#owner = owner;
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
    this.#room -= taken;
    this.#send(bytes.slice(0, taken));
    return taken;
  }

  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    this.#isPaused = false;
    this.#network.soon(() => this.#makeUp());
  }

  end(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#send("end");
  }

  terminate(): void {
    this.end();
  }

  cut(share: number): void {
    const [mine, theirs] = [this.#nextArrival, this.far.#nextArrival];
    this.#queue = [];
    this.far.#queue = [];
    this.far.#receive(mine.subarray(0, Math.floor(mine.byteLength * share)));
    this.#receive(theirs.subarray(0, Math.floor(theirs.byteLength * share)));
    this.#close();
    this.far.#close();
  }

  silence(isOneWay: boolean): void {
    this.#isSilent = true;
    if (!isOneWay) this.far.#isSilent = true;
  }

  /** The chunk that would arrive next at the other end. On a silent link none will, also not a part of one behind a lost one. */
  get #nextArrival(): Uint8Array {
    const [next] = this.#queue;
    return this.#isSilent || !(next instanceof Uint8Array) ? new Uint8Array() : next;
  }

  #send(piece: Uint8Array | "end"): void {
    this.#queue.push(piece);
    this.#network.later(() => this.#deliver());
  }

  #makeUp(): void {
    for (; this.#missed > 0 && !this.#isPaused; this.#missed--) this.far.#deliver();
  }

  #deliver(): void {
    if (this.far.#isPaused) return void this.far.#missed++;
    const piece = this.#queue.shift();
    if (piece === undefined || this.#isSilent) return;
    if (piece === "end") return this.far.#close();
    this.far.#receive(piece);
    this.#room += piece.byteLength;
    if (!this.#isFull || this.#isClosed) return;
    this.#isFull = false;
    if (this.#owner.isAlive) this.#handler?.drain();
  }

  /** The listening side opens its end at once and waits for the dialler to speak: nothing comes too early. */
  #receive(chunk: Uint8Array): void {
    if (this.#isClosed || !this.#owner.isAlive || chunk.byteLength === 0) return;
    this.#owner.heard();
    this.#handler?.data(chunk);
  }

  #close(): void {
    this.#network.forget(this);
    this.#network.forget(this.far);
    if (this.#isClosed) return;
    this.#isClosed = true;
    if (this.#owner.isAlive) this.#handler?.closed();
  }
}

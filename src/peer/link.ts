/** What carries bytes between two peers whose keys are proved: TLS over TCP in the world, queues in the simulation. */
import type { Address, PeerId } from "../base/ids.ts";

/** One authenticated stream of bytes in both directions. All methods are harmless once it is closed. */
export interface Link {
  /** Whose key is at the other end. */
  readonly peer: PeerId;
  /** The address of the other end; its port is the one it listens at only if we dialled. */
  readonly remote: Address;
  /** The port of this end, where there are ports. */
  readonly localPort?: number;
  readonly dialled: boolean;
  /** Says who takes what arrives; nothing is delivered before it returns. Called once, by an acceptor at once. */
  open(handler: LinkHandler): void;
  /** Takes as much as there is room for and returns how many bytes that was; the rest is to be written after `drain`. */
  write(bytes: Uint8Array): number;
  /** Reads no more, so that the other side feels it. What was read before may still come, and after it the end. */
  pause(): void;
  resume(): void;
  /** Closes after what was taken by `write`. */
  end(): void;
  /** Closes now; nothing more is delivered. */
  terminate(): void;
}

/** Synchronous, called in order; `closed` is the last call, exactly once, unless we ended or terminated the link ourselves. */
export interface LinkHandler {
  /** The chunk is only valid during the call. */
  data(chunk: Uint8Array): void;
  drain(): void;
  closed(): void;
}

export interface ListenOptions {
  host: string;
  /** 0 is any free port. */
  port: number;
}

export interface Listener extends AsyncDisposable {
  readonly port: number;
}

export interface DialOptions {
  /** Whose key must be there; anybody's but our own if absent. */
  expect: PeerId | undefined;
  signal: AbortSignal;
}

export interface Transport {
  /** @throws {WarrenError} `PORT_IN_USE`, `HOST_UNAVAILABLE` */
  listen(options: ListenOptions, accept: (link: Link) => void): Promise<Listener>;
  /** @throws {WarrenError} `PEER_UNREACHABLE`, `PEER_MISMATCH`, `PEER_IS_SELF`, `PEER_REFUSED` */
  dial(address: Address, options: DialOptions): Promise<Link>;
  /** The addresses that others may reach a listener on `host` at; loopback only if that is all there is. */
  addresses(host: string, port: number): Address[];
}

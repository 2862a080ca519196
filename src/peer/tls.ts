/** TLS: the transport of the world. Mutual TLS 1.3; who is at the other end is decided here, by its key alone. */
import { networkInterfaces } from "node:os";
import type { Socket, TCPSocketListener } from "bun";
import { describeError, WarrenError } from "../base/errors.ts";
import { formatAddress, type Address, type PeerId } from "../base/ids.ts";
import { ownerOf, plainAddress, RateLimit } from "../base/rate.ts";
import type { Clock } from "../base/world.ts";
import type { Identity } from "../identity/identity.ts";
import { idShownBy } from "../identity/shown-key.ts";
import type { DialOptions, Link, LinkHandler, Listener, ListenOptions, Transport } from "./link.ts";

/** ALPN wants its wire format: a length byte before the name. A plain string is silently ignored. */
const ALPN = Buffer.from("\x08warren/1");
export const HANDSHAKE_WITHIN_MS = 10_000;
/** Connections whose handshake is not done: in all, and from one address that is not this machine. */
export const MAX_SHAKING = 512;
export const MAX_SHAKING_PER_HOST = 10;
/** Connections from one address that is not this machine: at once, and how many more each second. */
export const MAX_CONNECTS_PER_HOST = 10;
export const MAX_CONNECTS_PER_HOST_PER_S = 5;

/** What hangs on a socket: its link, from the handshake on. */
interface Slot {
  link: TlsLink | undefined;
  /** Called once, with the link or with the reason why there is none. */
  readonly settle: (result: TlsLink | WarrenError) => void;
}

const NOT_ADMITTED: Slot = { link: undefined, settle: () => {} };

export interface TlsOptions {
  readonly identity: Identity;
  readonly clock: Clock;
}

export function createTlsTransport({ identity, clock }: TlsOptions): Transport {
  const credentials = {
    key: identity.keyPem,
    cert: identity.certificatePem,
    ALPNProtocols: ALPN,
    rejectUnauthorized: false,
  };
  const shaking = new Map<string, number>(); // by host; no zeros
  let shakingCount = 0;
  const connects = new RateLimit(clock, { burst: MAX_CONNECTS_PER_HOST, perSecond: MAX_CONNECTS_PER_HOST_PER_S });

  function admit(host: string): boolean {
    const count = (shaking.get(host) ?? 0) + 1;
    if (shakingCount >= MAX_SHAKING || (!isLoopback(host) && !isPatient(host, count))) return false;
    shaking.set(host, count);
    shakingCount++;
    return true;
  }

  function isPatient(host: string, count: number): boolean {
    return count <= MAX_SHAKING_PER_HOST && connects.take(ownerOf(plainAddress(host))) === 0;
  }

  function release(host: string): void {
    const count = (shaking.get(host) ?? 0) - 1;
    if (count > 0) shaking.set(host, count);
    else shaking.delete(host);
    shakingCount--;
  }

  // oxlint-disable-next-line require-await -- a transport's methods are asynchronous, and so its errors are rejections
  async function listen({ host, port }: ListenOptions, accept: (link: Link) => void): Promise<Listener> {
    const sockets = new Set<Socket<Slot>>(); // whose handshake is not done
    let server: TCPSocketListener<Slot>;
    try {
      server = Bun.listen<Slot>({
        hostname: host,
        port,
        tls: { ...credentials, requestCert: true },
        socket: {
          ...socketHandlers(identity.id, undefined, false),
          open(socket) {
            const from = addressOf(socket);
            socket.data = NOT_ADMITTED; // terminate() calls the other handlers before it returns
            if (from === undefined || !admit(from)) {
              socket.terminate();
              return;
            }
            sockets.add(socket);
            // A stranger may connect and never speak TLS: `open` comes, `handshake` never would.
            const limit = clock.after(HANDSHAKE_WITHIN_MS, () => socket.terminate());
            socket.data = {
              link: undefined,
              settle(result) {
                limit[Symbol.dispose]();
                if (sockets.delete(socket)) release(from);
                if (result instanceof TlsLink) accept(result);
              },
            };
          },
        },
      });
    } catch (error) {
      throw listenFailure(host, port, error);
    }
    return {
      port: server.port,
      // oxlint-disable-next-line require-await -- see above
      async [Symbol.asyncDispose]() {
        server.stop(); // connections that were accepted go on
        for (const socket of sockets) socket.terminate();
      },
    };
  }

  function dial(address: Address, { expect, signal }: DialOptions): Promise<Link> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason);
      let socket: Socket<Slot> | undefined;
      const stop = (): void => {
        reject(signal.reason);
        socket?.terminate();
      };
      signal.addEventListener("abort", stop, { once: true });
      const slot: Slot = {
        link: undefined,
        settle(result) {
          signal.removeEventListener("abort", stop);
          if (result instanceof TlsLink) resolve(result);
          else reject(result);
        },
      };
      const unreachable = (error: unknown): void => {
        const message = `${formatAddress(address)} cannot be reached (${describeError(error)})`;
        slot.settle(new WarrenError("PEER_UNREACHABLE", message, { cause: error }));
      };
      Bun.connect<Slot>({
        hostname: address.host,
        port: address.port,
        data: slot,
        tls: { ...credentials, serverName: expect ? `${expect}.warren` : "warren" },
        socket: {
          ...socketHandlers(identity.id, expect, true),
          open(opened) {
            socket = opened;
            if (signal.aborted) opened.terminate();
          },
          connectError: (_, error) => unreachable(error),
        },
      }).catch(unreachable);
    });
  }

  return { listen, dial, addresses: listAddresses };
}

/** Handlers are declared once for each listener or dial; the state of a connection hangs on its socket. */
function socketHandlers(self: PeerId, expect: PeerId | undefined, dialled: boolean) {
  return {
    handshake(socket: Socket<Slot>): void {
      const peer = identify(socket, self, expect);
      if (peer instanceof WarrenError) {
        socket.data.settle(peer); // first: terminate() calls `close`, which knows no reason
        socket.terminate(); // after end() bytes of the other side would still be delivered
        return;
      }
      const host = addressOf(socket);
      if (host === undefined) return socket.terminate(); // `close` says that it was closed during the handshake
      const remote = { host: plainAddress(host), port: socket.remotePort };
      const { settle } = socket.data;
      const link = new TlsLink(socket, peer, remote, dialled);
      socket.data = { link, settle: NOT_ADMITTED.settle }; // the first one holds what only a handshake needs
      settle(link);
    },
    data: (socket: Socket<Slot>, chunk: Uint8Array): void => socket.data.link?.onData(chunk),
    drain: (socket: Socket<Slot>): void => socket.data.link?.onDrain(),
    close(socket: Socket<Slot>): void {
      if (socket.data.link) socket.data.link.onClose();
      else socket.data.settle(new WarrenError("PEER_REFUSED", "the connection was closed during the handshake"));
    },
    error(socket: Socket<Slot>, error: Error): void {
      socket.terminate();
      // Of the network or of TLS: whoever sends such bytes has lost the connection, and `close` says so. But a throw in one of
      // our handlers ends up here too, and would go unseen with the socket left open.
      if (!("errno" in error)) reportError(error);
    },
  };
}

/** Undefined, whatever the types of Bun 1.4.5 say, once the other side has gone: the kernel does not know it any more. */
function addressOf(socket: Socket<Slot>): string | undefined {
  return socket.remoteAddress;
}

/** The id of the other side by the key in its certificate; the runtime's own judgement is not asked. */
function identify(socket: Socket<Slot>, self: PeerId, expect: PeerId | undefined): PeerId | WarrenError {
  if (socket.getTLSVersion() !== "TLSv1.3")
    return new WarrenError("PEER_REFUSED", "the other side does not speak TLS 1.3");
  const id = idShownBy(socket.getPeerX509Certificate());
  if (id === undefined) {
    return new WarrenError("PEER_REFUSED", "the other side has shown no Ed25519 certificate: it is no Warren peer");
  }
  if (id === self) return new WarrenError("PEER_IS_SELF", "the other side has this peer's own key");
  if (expect !== undefined && id !== expect) {
    return new WarrenError("PEER_MISMATCH", `another peer is there: ${id}, where ${expect} was expected`);
  }
  return id;
}

class TlsLink implements Link {
  readonly peer: PeerId;
  readonly remote: Address;
  readonly localPort: number;
  readonly dialled: boolean;
  readonly #socket: Socket<Slot>;
  #handler: LinkHandler | undefined;
  #isClosed = false;

  constructor(socket: Socket<Slot>, peer: PeerId, remote: Address, dialled: boolean) {
    this.#socket = socket;
    this.peer = peer;
    this.remote = remote;
    this.localPort = socket.localPort;
    this.dialled = dialled;
  }

  open(handler: LinkHandler): void {
    this.#handler = handler;
    if (this.#isClosed) queueMicrotask(() => handler.closed());
  }

  write(bytes: Uint8Array): number {
    return this.#isClosed ? -1 : this.#socket.write(bytes);
  }

  pause(): void {
    if (!this.#isClosed) this.#socket.pause();
  }

  resume(): void {
    if (!this.#isClosed) this.#socket.resume();
  }

  end(): void {
    this.#leave();
    this.#socket.end();
  }

  terminate(): void {
    this.#leave();
    this.#socket.terminate();
  }

  onData(chunk: Uint8Array): void {
    this.#handler?.data(chunk);
  }

  onDrain(): void {
    this.#handler?.drain();
  }

  onClose(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#handler?.closed();
  }

  /** Nothing more is handed out: after end() bytes still come. */
  #leave(): void {
    this.#isClosed = true;
    this.#handler = undefined;
  }
}

function isLoopback(host: string): boolean {
  const plain = plainAddress(host);
  return plain === "::1" || plain.startsWith("127.");
}

function listAddresses(host: string, port: number): Address[] {
  if (host !== "0.0.0.0" && host !== "::") return [{ host, port }];
  const all = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
  const usable = all.filter(
    ({ internal, address, family }) =>
      !internal && !address.startsWith("fe80:") && (host === "::" || family === "IPv4"),
  );
  const hosts = usable.map(({ address }) => address);
  return (hosts.length > 0 ? hosts : ["127.0.0.1"]).map((address) => ({ host: address, port }));
}

function listenFailure(host: string, port: number, error: unknown): WarrenError {
  if ((error as NodeJS.ErrnoException).code === "EADDRINUSE") {
    const message = `port ${port} is in use by another program: choose another with --port, or 0 for any free one`;
    return new WarrenError("PORT_IN_USE", message, { cause: error });
  }
  const message = `cannot listen on ${formatAddress({ host, port })} (${describeError(error)}): give an address of this machine with --host`;
  return new WarrenError("HOST_UNAVAILABLE", message, { cause: error });
}

/** Loopback: the network of a kit whose peers have real keys, files and TLS connections, all of them in this process. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { identityFolder } from "../base/home.ts";
import type { Address, PeerId } from "../base/ids.ts";
import { systemClock } from "../base/world.ts";
import { openIdentity } from "../identity/identity.ts";
import type { DialOptions, Link, Listener, ListenOptions, Transport } from "../peer/link.ts";
import { createTlsTransport } from "../peer/tls.ts";
import { CountedLink } from "./counted-link.ts";
import { outsideOfBots } from "./leaks.ts";
import { LoopbackClock } from "./loopback-clock.ts";
import type { TestNetwork, TestPlace, TestProcess } from "./test-network.ts";

const HOST = "127.0.0.1";
const PKCS8_BEFORE_KEY = Buffer.from("302e020100300506032b657004220420", "hex"); // RFC 8410 §7: Ed25519, 32 bytes follow

/** The two ends of a connection, as far as they are known. */
interface Wire {
  near?: CountedLink;
  far?: CountedLink;
}

export class LoopbackNetwork implements TestNetwork {
  readonly clock = new LoopbackClock(() => this.inFlight === 0);
  readonly #home = mkdtempSync(join(tmpdir(), "warren-test-")); // mode 700
  readonly #processes = new Set<LoopbackTransport>();
  readonly #wires = new Map<string, Wire>(); // by the two ports
  #begun = 0; // dials and openings that have not ended
  #databases = 0;

  get inFlight(): number {
    let count = this.#begun;
    for (const [key, wire] of this.#wires) {
      const onItsWay = countOn(wire);
      if (onItsWay === undefined) this.#wires.delete(key);
      else count += onItsWay;
    }
    return count;
  }

  async join({ name, kind, key, disk }: TestProcess): Promise<TestPlace> {
    const folder = identityFolder(this.#home, kind, name);
    mkdirSync(folder, { recursive: true });
    if (!disk) writeFileSync(join(folder, "key.pem"), pemOf(key), { mode: 0o600 });
    // A process that was killed has its file still open, and what is left of it may look there.
    const store = join(folder, `peer-${++this.#databases}.db`);
    if (disk) writeFileSync(store, disk);
    const identity = await this.during(openIdentity(folder));
    const transport = new LoopbackTransport(this, identity.id, createTlsTransport({ identity, clock: systemClock }));
    this.#processes.add(transport);
    return { id: identity.id, host: HOST, transport, store };
  }

  vanish(id: PeerId): void {
    for (const one of this.#processes) if (one.id === id) this.#end(one);
  }

  [Symbol.dispose](): void {
    for (const one of this.#processes) this.#end(one);
    rmSync(this.#home, { recursive: true, force: true });
  }

  /** What has no bytes to count is on its way until its promise is settled. */
  async during<Result>(promise: Promise<Result>): Promise<Result> {
    this.#begun++;
    try {
      return await promise;
    } finally {
      this.#begun--;
    }
  }

  strung(end: CountedLink, localPort: number): void {
    const [dialler, listener] = end.dialled ? [localPort, end.remote.port] : [end.remote.port, localPort];
    const key = `${dialler} ${listener}`;
    this.#wires.set(key, { ...this.#wires.get(key), [end.dialled ? "near" : "far"]: end });
  }

  #end(transport: LoopbackTransport): void {
    this.#processes.delete(transport);
    transport.kill();
  }
}

/** The real transport of one process, whose connections are counted. */
class LoopbackTransport implements Transport {
  readonly id: PeerId;
  readonly #network: LoopbackNetwork;
  readonly #tls: Transport;
  readonly #ends = new Set<CountedLink>();
  readonly #listeners = new Set<Listener>();
  #isAlive = true;

  constructor(network: LoopbackNetwork, id: PeerId, tls: Transport) {
    this.id = id;
    this.#network = network;
    this.#tls = tls;
  }

  async listen(options: ListenOptions, accept: (link: Link) => void): Promise<Listener> {
    const listener = await this.#tls.listen(options, (link) => {
      if (this.#isAlive) accept(this.#count(link, listener.port));
      else link.terminate();
    });
    this.#listeners.add(listener);
    return listener;
  }

  async dial(address: Address, options: DialOptions): Promise<Link> {
    const dialling = outsideOfBots(() => this.#tls.dial(address, options)); // though a bot is why
    const link = await this.#network.during(dialling);
    return this.#count(link, link.localPort ?? 0);
  }

  addresses(host: string, port: number): Address[] {
    return this.#tls.addresses(host, port);
  }

  kill(): void {
    this.#isAlive = false;
    for (const listener of this.#listeners) void listener[Symbol.asyncDispose]();
    for (const end of this.#ends) end.kill();
  }

  #count(link: Link, localPort: number): CountedLink {
    for (const end of this.#ends) if (end.isClosed) this.#ends.delete(end);
    const end = new CountedLink(link);
    this.#ends.add(end);
    this.#network.strung(end, localPort);
    return end;
  }
}

function pemOf(key: Uint8Array): string {
  const base64 = Buffer.concat([PKCS8_BEFORE_KEY, key]).toString("base64");
  return `-----BEGIN PRIVATE KEY-----\n${base64}\n-----END PRIVATE KEY-----\n`;
}

/** Undefined once nothing can come any more. */
function countOn({ near, far }: Wire): number | undefined {
  if (near?.isClosed !== false && far?.isClosed !== false) return undefined;
  if (!near) return 0; // the dial still counts, or it came from elsewhere
  if (!far || near.isClosed || far.isClosed) return 1; // the other end is about to hear of it
  return near.awaitedFrom(far) + far.awaitedFrom(near);
}

/** What the registry's tests have in common: a world whose time is turned by hand, peers with keys, and raw sessions. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { PeerKind } from "../../src/base/ids.ts";
import { systemWorld, type World } from "../../src/base/world.ts";
import { createIdentity, type Identity } from "../../src/identity/identity.ts";
import { RegistryClient, type RegistryClientOptions } from "../../src/registry/client.ts";
import type { SelfDescription } from "../../src/registry/entry.ts";
import { parseServerFrame, type ServerFrame } from "../../src/registry/frames.ts";
import { openChallenge, signLogin } from "../../src/registry/proof.ts";
import { signRecord, type RecordBody } from "../../src/registry/record.ts";
import { startRegistry, type Registry, type RegistryOptions } from "../../src/registry/server.ts";
import { ManualClock } from "../../src/testing/manual-clock.ts";

/** Time stands still until it is turned; the turns of the event loop, which sockets need, go on by themselves. */
export class SocketClock extends ManualClock {
  #stalled = 0;

  override soon(task: () => void): void {
    setImmediate(task);
  }

  /** Time goes by and nothing runs, as in a process that is stopped. */
  stall(ms: number): void {
    this.#stalled += ms;
  }

  override steady(): number {
    return super.steady() + this.#stalled;
  }
}

export interface SocketWorld extends World {
  readonly clock: SocketClock;
}

export function socketWorld(): SocketWorld {
  return { ...systemWorld, clock: new SocketClock(), random: () => 0 }; // no wait between attempts
}

/** Some turns of the event loop, for sockets that are to do nothing, or to be refused; no time of `world` passes. */
export async function someTurns(count = 20): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setImmediate(resolve));
}

/** Lets what is due now run until `done`; no time passes, so nothing runs out while sockets and threads do their part. */
export async function turnUntil(world: SocketWorld, done: Promise<unknown>): Promise<void> {
  const state = { isDone: false };
  const end = done.then(() => (state.isDone = true));
  while (!state.isDone) await world.clock.advance(0);
  await end;
}

export async function temporaryFolder(): Promise<AsyncDisposable & { path: string }> {
  const path = await mkdtemp(join(tmpdir(), "warren-registry-"));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

/** A registry on a free port; without a folder it gets one that goes with it. */
export async function openRegistry(options: Partial<RegistryOptions> = {}): Promise<Registry> {
  const folder = options.folder === undefined ? await temporaryFolder() : undefined;
  const registry = await startRegistry({ port: 0, folder: folder?.path ?? "", ...options });
  return {
    id: registry.id,
    url: registry.url,
    port: registry.port,
    get isClosed() {
      return registry.isClosed;
    },
    drain: () => registry.drain(),
    async [Symbol.asyncDispose]() {
      await registry[Symbol.asyncDispose]();
      await folder?.[Symbol.asyncDispose]();
    },
  };
}

export function describeSelf(identity: Identity, name: string, more: Partial<SelfDescription> = {}): SelfDescription {
  const addresses = [{ host: "127.0.0.1", port: 9_278 }];
  return { id: identity.id, name, kind: "person", addresses, card: { about: "", commands: [] }, ...more };
}

export function makeRecord(identity: Identity, more: Partial<RecordBody> & { name: string }): Promise<string> {
  const body = { ...describeSelf(identity, more.name), seq: 1, ttl: 3_600, ...more };
  return signRecord(body, identity.privateKey);
}

/** A client with all that it told, in order. */
export interface Watched {
  client: RegistryClient;
  identity: Identity;
  memory: Map<string, string>;
  told: string[];
  /** Resolves once `line` was told (also if it was before). */
  until(line: string): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

export interface WatchedOptions extends Partial<RegistryClientOptions> {
  url: string;
  name: string;
  kind?: PeerKind;
  memory?: Map<string, string>;
}

export async function watchedClient({ name, kind = "person", ...options }: WatchedOptions): Promise<Watched> {
  const identity = options.identity ?? (await createIdentity());
  const memory = options.memory ?? new Map<string, string>();
  const client = new RegistryClient({ ...options, identity, memory });
  const told: string[] = [];
  const waiting = new Set<() => void>();
  const tell = (line: string): void => {
    told.push(line);
    for (const wake of waiting) wake();
    waiting.clear();
  };
  client.on("online", (entry) => tell(`online ${entry.name}`));
  client.on("offline", (entry) => tell(`offline ${entry.name}`));
  client.on("connected", () => tell("connected"));
  client.on("disconnected", () => tell("disconnected"));
  client.on("notice", (error) => tell(`notice ${error.code}`));
  client.announce(describeSelf(identity, name, { kind }));
  return {
    client,
    identity,
    memory,
    told,
    async until(line) {
      while (!told.includes(line)) {
        await new Promise<void>((resolve) => waiting.add(resolve));
      }
    },
    [Symbol.asyncDispose]: () => client[Symbol.asyncDispose](),
  };
}

/** A session spoken by hand, byte for byte if need be. */
export class RawSession implements Disposable {
  readonly #socket: WebSocket;
  readonly #frames: ServerFrame[] = [];
  #wake: (() => void) | undefined;
  #isClosed = false;
  readonly nonce: string;
  readonly url: string;

  constructor(url: string, nonce = systemWorld.token(32)) {
    this.url = url;
    this.nonce = nonce;
    this.#socket = new WebSocket(`${url.replace("http", "ws")}/v1/session?nonce=${nonce}`);
    this.#socket.addEventListener("message", ({ data }) => {
      const frame = parseServerFrame(data);
      if (frame) this.#frames.push(frame);
      this.#wake?.();
    });
    this.#socket.addEventListener("close", () => {
      this.#isClosed = true;
      this.#wake?.();
    });
  }

  /** The next frame, or "closed". */
  async next(): Promise<ServerFrame | { t: "closed" }> {
    for (;;) {
      const frame = this.#frames.shift();
      if (frame) return frame;
      if (this.#isClosed) return { t: "closed" };
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }

  send(frame: object | string | Uint8Array): void {
    const isRaw = typeof frame === "string" || frame instanceof Uint8Array;
    this.#socket.send(isRaw ? frame : JSON.stringify(frame));
  }

  async challenge(): Promise<{ registry: RecordBody["id"]; nonce: string }> {
    const frame = await this.next();
    if (frame.t !== "challenge") throw new Error(`"${frame.t}" instead of a challenge`);
    return await openChallenge(frame.challenge);
  }

  /** Logs in as it should be; what differs is in `more`. Resolves to the answer. */
  async logIn(
    identity: Identity,
    more: {
      record: string;
      grant?: string | undefined;
      origin?: string;
      nonce?: string;
      registry?: RecordBody["id"];
      ifFree?: boolean;
      invite?: string | undefined;
    },
  ): Promise<ServerFrame | { t: "closed" }> {
    const { registry, nonce } = await this.challenge();
    const { record, grant, ifFree, invite, origin = this.url } = more;
    const body = { id: identity.id, registry: more.registry ?? registry, nonce: more.nonce ?? nonce, origin };
    this.send({ t: "login", login: await signLogin(body, identity.privateKey), record, grant, ifFree, invite });
    return await this.next();
  }

  /** Everything up to and with the first frame of kind `kind`. */
  async until(kind: ServerFrame["t"]): Promise<(ServerFrame | { t: "closed" })[]> {
    const frames = [];
    for (;;) {
      const frame = await this.next();
      frames.push(frame);
      if (frame.t === kind || frame.t === "closed") return frames;
    }
  }

  [Symbol.dispose](): void {
    this.#socket.terminate();
  }
}

/**
 * Registry: signed registrations, look-ups, and how soon a subscriber is told. The limits: Ed25519 checks of one core, as each
 * registration has one signature that must be checked; a bare HTTP server that answers the same bytes; a bare WebSocket relay
 * of the same bytes. Neither of these checks, keeps or signs anything.
 */
import { generateKeyPairSync, sign, verify } from "node:crypto";
import { createIdentity, type Identity } from "../src/identity/identity.ts";
import { systemWorld } from "../src/base/world.ts";
import { openChallenge, signLogin } from "../src/registry/proof.ts";
import { signRecord } from "../src/registry/record.ts";
import { startRegistry } from "../src/registry/server.ts";
import { start, temporaryFolder, type Channel, type Child } from "./child.ts";
import { loadHttp } from "./http-load.ts";
import type { Question, Scale } from "./question.ts";

const REGISTRATIONS = 16_000;
const SESSIONS = 16;
/** Records of one session that wait for an answer; a registry takes up to 16. */
const IN_FLIGHT = 8;
const LOOK_UPS = 200_000;
const CONNECTIONS = 64;
const NOTICES = 4_000;
/** No limit of rate is reached: what is measured is the work. */
const UNLIMITED = { sessionsPerMinute: 1e9, requestsPerMinute: 1e9, framesPerMinute: 1e9, maxUnknownPerAddress: 1e6 };

export default {
  name: "registry",
  about: "signed registrations and look-ups a second, and the time from a registration to a subscriber's notice",
  rows: [
    { name: "registrations", unit: "/s", isMoreBetter: true, wanted: 0.7 },
    { name: "look-ups", unit: "/s", isMoreBetter: true, wanted: 0.7 },
    { name: "notice, p50", unit: "µs", isMoreBetter: false, wanted: 1.5 },
    { name: "notice, p99", unit: "µs", isMoreBetter: false, wanted: 2.5 },
  ],
  contenders: [
    { name: "limit", measure: measureLimit },
    { name: "warren", measure: measureWarren },
  ],
} satisfies Question;

interface Noticed {
  readonly p50: number;
  readonly p99: number;
}

async function measureWarren(scale: Scale): Promise<Record<string, number>> {
  await using folder = await temporaryFolder();
  await using registry = start(import.meta.path, "warrenRegistry", { folder: folder.path });
  const url = String(await registry.receive());
  await using client = start(import.meta.path, "warrenClient", { url });
  const perSecond = Number(await ask(client, { register: countOf(REGISTRATIONS, scale) }));
  const path = String(await ask(client, { path: true }));
  const { p50, p99 } = (await ask(client, { notice: countOf(NOTICES, scale) })) as Noticed;
  const lookUps = await measureLookUps(Number(new URL(url).port), path, scale);
  return { registrations: perSecond, "look-ups": lookUps, "notice, p50": p50, "notice, p99": p99 };
}

async function measureLimit(scale: Scale): Promise<Record<string, number>> {
  await using folder = await temporaryFolder();
  await using registry = start(import.meta.path, "warrenRegistry", { folder: folder.path });
  const url = String(await registry.receive());
  await using client = start(import.meta.path, "warrenClient", { url });
  await ask(client, { register: SESSIONS });
  const response = await fetch(url + String(await ask(client, { path: true })));
  const answer = { body: await response.text(), headers: Object.fromEntries(response.headers) };
  await using bare = start(import.meta.path, "bareServer", answer);
  const port = Number(await bare.receive());
  const registrations = Number(await ask(bare, { verify: countOf(REGISTRATIONS, scale) }));
  const lookUps = await measureLookUps(port, "/", scale);
  await using relayed = start(import.meta.path, "bareClient", { port });
  const { p50, p99 } = (await ask(relayed, { notice: countOf(NOTICES, scale) })) as Noticed;
  return { registrations, "look-ups": lookUps, "notice, p50": p50, "notice, p99": p99 };
}

async function measureLookUps(port: number, path: string, scale: Scale): Promise<number> {
  await using load = start(import.meta.path, "lookUps", { port, path });
  const count = countOf(LOOK_UPS, scale);
  await ask(load, Math.ceil(count / 5));
  return (count / Number(await ask(load, count))) * 1_000;
}

function countOf(full: number, scale: Scale): number {
  return Math.max(100, Math.round(full * scale));
}

async function ask(child: Child, question: unknown): Promise<unknown> {
  child.send(question);
  return await child.receive();
}

/** What is asked of the client of a registry, or of the bare server. */
interface Request {
  readonly register?: number;
  readonly path?: true;
  readonly notice?: number;
  readonly verify?: number;
}

/** A session of one peer, spoken as a client speaks it, with records that were signed before. */
class Session {
  readonly identity: Identity;
  readonly name: string;
  readonly #socket: WebSocket;
  readonly #nonce = systemWorld.token(32);
  readonly #origin: string;
  #seq = 0;
  #onRecorded: () => void = () => {};
  onPeer: () => void = () => {};

  constructor(url: string, identity: Identity, name: string) {
    this.#origin = url;
    this.identity = identity;
    this.name = name;
    this.#socket = new WebSocket(`${url.replace("http", "ws")}/v1/session?nonce=${this.#nonce}`);
  }

  /** Resolves when the peer is welcome. */
  logIn(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#socket.addEventListener("close", ({ reason }) => reject(new Error(`the session has ended: ${reason}`)));
      this.#socket.addEventListener("message", ({ data }) => {
        const frame = JSON.parse(String(data)) as { t: string; challenge?: string };
        if (frame.t === "recorded") this.#onRecorded();
        else if (frame.t === "peer") this.onPeer();
        else if (frame.t === "welcome") resolve();
        else if (frame.t === "challenge") this.#answer(frame.challenge ?? "").catch(reject);
        else if (frame.t === "error") reject(new Error(String(data)));
      });
    });
  }

  subscribe(): void {
    this.#socket.send('{"t":"subscribe"}');
  }

  /** Frames for so many registrations. Each record differs from the one before it. */
  async sign(count: number): Promise<string[]> {
    const records: string[] = [];
    for (let n = 0; n < count; n++) records.push(JSON.stringify({ t: "record", record: await this.#record() }));
    return records;
  }

  send(frame: string): void {
    this.#socket.send(frame);
  }

  /** Sends them all, a few at a time. */
  register(frames: readonly string[]): Promise<void> {
    return new Promise((resolve) => {
      let sent = 0;
      let recorded = 0;
      const next = (): void => {
        if (sent < frames.length) this.#socket.send(frames[sent++] ?? "");
      };
      this.#onRecorded = () => {
        if (++recorded === frames.length) resolve();
        next();
      };
      for (let n = 0; n < IN_FLIGHT; n++) next();
    });
  }

  async #answer(challenge: string): Promise<void> {
    const { registry, nonce } = await openChallenge(challenge);
    const { id, privateKey } = this.identity;
    const login = await signLogin({ id, registry, nonce, origin: this.#origin }, privateKey);
    this.#socket.send(JSON.stringify({ t: "login", login, record: await this.#record() }));
  }

  #record(): Promise<string> {
    const { id, privateKey } = this.identity;
    const addresses = [{ host: "127.0.0.1", port: 9_278 }];
    const card = { about: "measures", commands: [] };
    const body = { id, name: this.name, kind: "bot" as const, addresses, card, seq: ++this.#seq, ttl: 3_600 };
    return signRecord(body, privateKey);
  }
}

/** How long each of `count` took, one after another. `tell` begins one, and is given what to call when it was heard. */
async function timeAll(count: number, tell: (n: number, heard: () => void) => void): Promise<Noticed> {
  const took: number[] = [];
  for (let n = 0; n < count; n++) {
    const began = performance.now();
    await new Promise<void>((heard) => tell(n, heard));
    took.push((performance.now() - began) * 1_000);
  }
  const warm = took.slice(Math.floor(count / 5)).sort((one, other) => one - other);
  const at = (share: number): number => warm[Math.floor(warm.length * share)] ?? Number.NaN;
  return { p50: at(0.5), p99: at(0.99) };
}

export const roles = {
  async warrenRegistry(channel: Channel, { folder }: { folder: string }) {
    const registry = await startRegistry({ folder, port: 0, limits: UNLIMITED, dialsBack: false });
    channel.send(registry.url);
    await channel.receive();
  },

  async warrenClient(channel: Channel, { url }: { url: string }) {
    const open = async (name: string): Promise<Session> => {
      const session = new Session(url, await createIdentity(), name);
      await session.logIn();
      return session;
    };
    const sessions = await Promise.all(Array.from({ length: SESSIONS }, (_, n) => open(`peer-${n}`)));
    const register = async (count: number): Promise<number> => {
      const each = Math.ceil(count / SESSIONS);
      const frames = await Promise.all(sessions.map((session) => session.sign(each)));
      const began = performance.now();
      await Promise.all(sessions.map((session, n) => session.register(frames[n] ?? [])));
      return ((each * SESSIONS) / (performance.now() - began)) * 1_000;
    };
    const [teller] = sessions;
    for (;;) {
      const { register: count, path, notice } = (await channel.receive()) as Request;
      if (count !== undefined) {
        await register(Math.ceil(count / 5));
        channel.send(await register(count));
      } else if (path) {
        channel.send(`/v1/peers/${sessions[0]?.identity.id}`);
      } else if (notice !== undefined && teller) {
        const subscriber = await open("subscriber");
        const known = new Set<string>();
        const all = Promise.withResolvers<void>(); // of the snapshot
        subscriber.onPeer = () => known.add(String(known.size)).size > SESSIONS && all.resolve();
        subscriber.subscribe();
        await all.promise;
        const frames = await teller.sign(notice);
        channel.send(
          await timeAll(notice, (n, heard) => {
            subscriber.onPeer = heard;
            teller.send(frames[n] ?? "");
          }),
        );
      }
    }
  },

  async lookUps(channel: Channel, { port, path }: { port: number; path: string }) {
    for (;;) channel.send(await loadHttp(port, path, Number(await channel.receive()), CONNECTIONS));
  },

  async bareServer(channel: Channel, { body, headers }: { body: string; headers: Record<string, string> }) {
    const server = Bun.serve({
      hostname: "127.0.0.1",
      port: 0,
      fetch: (request, self) => (self.upgrade(request) ? undefined : new Response(body, { headers })),
      websocket: {
        open: (socket) => void socket.subscribe("all"),
        message: (_, message) => void server.publish("all", message),
      },
    });
    channel.send(server.port);
    for (;;) {
      const { verify: count = 0 } = (await channel.receive()) as Request;
      const { publicKey, privateKey } = generateKeyPairSync("ed25519");
      const text = Buffer.from(body.slice(0, 700)); // about as long as what a record signs
      const signature = sign(undefined, text, privateKey);
      const began = performance.now();
      for (let n = 0; n < count; n++) if (!verify(undefined, text, publicKey, signature)) throw new Error("it is good");
      channel.send((count / (performance.now() - began)) * 1_000);
    }
  },

  async bareClient(channel: Channel, { port }: { port: number }) {
    const open = async (): Promise<WebSocket> => {
      const socket = new WebSocket(`ws://127.0.0.1:${port}`);
      await new Promise((resolve) => socket.addEventListener("open", resolve, { once: true }));
      return socket;
    };
    const [teller, subscriber] = [await open(), await open()];
    const { notice = 0 } = (await channel.receive()) as Request;
    const frame = JSON.stringify({ t: "record", record: "r".repeat(900) });
    channel.send(
      await timeAll(notice, (_, heard) => {
        subscriber.addEventListener("message", heard, { once: true });
        teller.send(frame);
      }),
    );
    await channel.receive();
  },
};

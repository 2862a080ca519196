/** A registry that does what it likes: it speaks the protocol well, with a key of its own, except where a trick says otherwise. */
import type { ServerWebSocket } from "bun";
import { systemWorld } from "../../src/base/world.ts";
import { createIdentity, type Identity } from "../../src/identity/identity.ts";
import type { PeerFrame, PeerSideFrame } from "../../src/registry/frames.ts";
import { signGrant } from "../../src/registry/grant.ts";
import { signChallenge } from "../../src/registry/proof.ts";
import { openRecord, type RecordBody } from "../../src/registry/record.ts";
import { makeRecord } from "./setting.ts";

/** One connection to it. */
export interface Victim {
  readonly registry: HostileRegistry;
  readonly number: number;
  /** The nonce that was given when it was dialled. */
  readonly dialled: string;
  say(frame: object | string | Uint8Array): void;
  hangUp(): void;
}

type FrameOf<Kind extends PeerSideFrame["t"]> = Extract<PeerSideFrame, { t: Kind }>;

/** What it does instead of what is right. */
export interface Tricks {
  opened?: (victim: Victim) => unknown;
  login?: (victim: Victim, frame: FrameOf<"login">) => unknown;
  subscribe?: (victim: Victim, frame: FrameOf<"subscribe">) => unknown;
  record?: (victim: Victim, frame: FrameOf<"record">) => unknown;
  ping?: (victim: Victim) => unknown;
  /** A question over HTTP, a WebSocket's among them if it returns something. */
  asked?: (url: URL, registry: HostileRegistry) => Response | Promise<Response> | undefined;
}

type Data = Omit<Victim, "say" | "hangUp">;

export class HostileRegistry implements AsyncDisposable {
  readonly key: Identity;
  readonly url: string;
  /** Every frame that it was sent. */
  readonly heard: PeerSideFrame[] = [];
  readonly #tricks: Tricks;
  readonly #server: Bun.Server<Data>;
  #dials = 0;

  static async open(tricks: Tricks = {}, key?: Identity): Promise<HostileRegistry> {
    return new HostileRegistry(tricks, key ?? (await createIdentity()));
  }

  private constructor(tricks: Tricks, key: Identity) {
    this.#tricks = tricks;
    this.key = key;
    this.#server = Bun.serve<Data>({
      port: 0,
      hostname: "127.0.0.1",
      fetch: (request, server) => this.#fetch(request, server),
      websocket: {
        open: (socket) => void this.#open(victimOf(socket)),
        message: (socket, text) => void this.#take(victimOf(socket), JSON.parse(String(text)) as PeerSideFrame),
      },
    });
    this.url = `http://127.0.0.1:${this.#server.port}`;
  }

  /** How often it was dialled. */
  get dials(): number {
    return this.#dials;
  }

  grant(name: string, id: RecordBody["id"], key: Identity = this.key): Promise<string> {
    return signGrant({ registry: this.key.id, name, id, since: 0, notAfter: 1 }, key.privateKey);
  }

  /** What it would say of a peer if it were honest. */
  async entry(who: Identity, more: Partial<RecordBody> & { name: string }): Promise<PeerFrame> {
    const record = await makeRecord(who, more);
    return { t: "peer", online: true, age: 0, record, grant: await this.grant(more.name, who.id) };
  }

  /** The answer to a login as it should be, but for what is in `more`. */
  async welcome(victim: Victim, { record }: { record: string }, more: object = {}): Promise<void> {
    const { name, id } = await openRecord(record);
    victim.say({ t: "welcome", grant: await this.grant(name, id), leaseMs: 40_000, seen: "127.0.0.1", ...more });
  }

  /** Resolves when it has been sent a frame of that kind. */
  async until(kind: PeerSideFrame["t"]): Promise<void> {
    while (!this.heard.some(({ t }) => t === kind)) await new Promise((resolve) => setImmediate(resolve));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.stop(true);
  }

  #fetch(request: Request, server: Bun.Server<Data>): Response | Promise<Response> | undefined {
    const url = new URL(request.url);
    const isDial = url.pathname === "/v1/session";
    if (isDial) this.#dials++;
    const answer = this.#tricks.asked?.(url, this);
    if (answer) return answer;
    if (isDial) {
      const data = { registry: this, number: this.#dials, dialled: url.searchParams.get("nonce") ?? "" };
      return server.upgrade(request, { data }) ? undefined : new Response(null, { status: 400 });
    }
    return Response.json({ registry: this.key.id, peers: [], next: null });
  }

  async #open(victim: Victim): Promise<void> {
    if (this.#tricks.opened) return void (await this.#tricks.opened(victim));
    const body = { registry: this.key.id, nonce: systemWorld.token(32), dialled: victim.dialled };
    victim.say({ t: "challenge", challenge: await signChallenge(body, this.key.privateKey) });
  }

  async #take(victim: Victim, frame: PeerSideFrame): Promise<void> {
    this.heard.push(frame);
    const { login, subscribe, record, ping } = this.#tricks;
    if (frame.t === "login") await (login ? login(victim, frame) : this.welcome(victim, frame));
    if (frame.t === "subscribe") await (subscribe ? subscribe(victim, frame) : tellNobody(victim));
    if (frame.t === "record") await (record ? record(victim, frame) : this.#recorded(victim, frame.record));
    if (frame.t === "ping") await (ping ? ping(victim) : victim.say({ t: "pong" }));
    if (frame.t === "goodbye") victim.say({ t: "bye" });
  }

  async #recorded(victim: Victim, record: string): Promise<void> {
    const { name, id, seq } = await openRecord(record);
    victim.say({ t: "recorded", seq, grant: await this.grant(name, id) });
  }
}

/** Whoever subscribes is told that nobody is online. */
export function tellNobody(victim: Victim): void {
  victim.say({ t: "snapshot" });
  victim.say({ t: "synced", cursor: "h.0" });
}

/** Whoever subscribes is told all of that. */
export function tell(...frames: object[]): (victim: Victim) => void {
  return (victim) => {
    for (const frame of [{ t: "snapshot" }, ...frames, { t: "synced", cursor: "h.0" }]) victim.say(frame);
  };
}

function victimOf(socket: ServerWebSocket<Data>): Victim {
  return {
    ...socket.data,
    say: (frame) =>
      void socket.send(typeof frame === "string" || frame instanceof Uint8Array ? frame : JSON.stringify(frame)),
    hangUp: () => socket.terminate(),
  };
}

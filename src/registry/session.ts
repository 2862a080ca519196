/** A session: one peer's WebSocket, from the challenge to the goodbye, as the registry sees it. */
import { describeError, isWarrenError, WarrenError } from "../base/errors.ts";
import { shortId, type PeerId } from "../base/ids.ts";
import { perMinute, TokenBucket } from "../base/rate.ts";
import type { RegistryCore } from "./core.ts";
import { portsOf, type DialBack } from "./dial-back.ts";
import { encodeFrame, parsePeerSideFrame } from "./frames.ts";
import type { ErrorFrame, LoginFrame, PeerSideFrame, ServerFrame } from "./frames.ts";
import { openGoodbye, openLogin, openRelease, signChallenge } from "./proof.ts";
import { openRecord, type RecordBody } from "./record.ts";
import { refusalAt } from "./refusal.ts";
import type { Leaseholder, Listed } from "./roster.ts";
import { Subscription } from "./subscription.ts";

/** Frames that may wait while one before them is being checked. */
const MAX_WAITING = 16;

/** After too many frames. */
const OVERRUN_MS = 10_000;

const ORDERLY = 1_000; // close codes of RFC 6455 §7.4.1
const GOING_AWAY = 1_001;
const REFUSED = 1_008;

/** What a session needs of a WebSocket. */
export interface Pipe {
  /** Returns whether there is room for more. */
  send(text: string): boolean;
  close(code: number, reason: string): void;
}

export interface SessionOptions {
  core: RegistryCore;
  pipe: Pipe;
  /** The nonce that the peer gave when it dialled. */
  dialled: string;
  /** Where it dialled from. */
  address: string;
  isOwnOrigin: (origin: string) => boolean;
  /** Undefined where nobody is dialled back. */
  dialBack?: DialBack | undefined;
  /** Told once, when the login was accepted. */
  onLogin: () => void;
}

export class PeerSession implements Leaseholder {
  readonly #core: RegistryCore;
  readonly #pipe: Pipe;
  readonly #address: string;
  readonly #isOwnOrigin: (origin: string) => boolean;
  readonly #onLogin: () => void;
  readonly #dialBack: DialBack | undefined;
  readonly #nonce: string;
  readonly #bucket: TokenBucket;
  #deadline: number; // steady; moved on by every frame
  #work = Promise.resolve();
  #waiting = 0;
  #peer: PeerId | undefined; // once logged in
  #subscription: Subscription | undefined;
  #isEnded = false;
  #lookedAt = ""; // the ports that were dialled back
  #refusedWith: ErrorFrame["code"] | undefined;

  constructor({ core, pipe, dialled, address, isOwnOrigin, onLogin, dialBack }: SessionOptions) {
    this.#core = core;
    this.#pipe = pipe;
    this.#address = address;
    this.#isOwnOrigin = isOwnOrigin;
    this.#onLogin = onLogin;
    this.#dialBack = dialBack;
    this.#nonce = core.world.token(32);
    this.#bucket = new TokenBucket(core.world.clock, perMinute(core.limits.framesPerMinute));
    this.#deadline = core.world.clock.steady() + core.limits.loginMs;
    this.#enqueue(async () => {
      const challenge = { registry: core.id, nonce: this.#nonce, dialled };
      this.#send({ t: "challenge", challenge: await signChallenge(challenge, core.identity.privateKey) });
    });
  }

  /** One message from the peer. */
  receive(message: string | Uint8Array): void {
    if (this.#isEnded) return;
    if (this.#bucket.take() > 0) return this.#refuse("RATE_LIMITED", "too many frames");
    if (this.#waiting >= MAX_WAITING) return this.#refuse("RATE_LIMITED", "too many frames at once");
    const { clock } = this.#core.world;
    if (this.#peer) this.#deadline = clock.steady() + this.#core.limits.leaseMs; // a login has no second chance
    try {
      const frame = parsePeerSideFrame(message);
      const opened = frame?.t === "record" && this.#peer ? openRecord(frame.record) : undefined; // beside those before it
      opened?.catch(() => {}); // what is wrong with it is told in its turn
      this.#enqueue(() => this.#handle(frame, opened));
    } catch (error) {
      this.#enqueue(() => Promise.reject(error));
    }
  }

  /** There is room for more again. */
  drain(): void {
    this.#subscription?.resume();
  }

  /** Ends the session if its time is over; `stalledMs` is time in which the registry itself heard nothing. */
  check(stalledMs: number): void {
    this.#deadline += stalledMs;
    if (this.#isEnded || this.#core.world.clock.steady() < this.#deadline) return;
    if (this.#peer) this.#refuse("REGISTRY_REFUSED", `nothing was heard for ${this.#core.limits.leaseMs} ms`);
    else this.#refuse("REGISTRY_REFUSED", `no login within ${this.#core.limits.loginMs} ms`);
  }

  get isKnown(): boolean {
    return this.#peer !== undefined;
  }

  get isSubscribed(): boolean {
    return this.#subscription !== undefined;
  }

  /** The registry ends: the peer is asked to come back after so long. */
  sendAway(afterMs: number): void {
    // Who has not been welcomed expects an answer to its login, and no word of parting.
    if (this.#peer) this.#send({ t: "bye", after: afterMs });
    if (!this.#isEnded) this.#end(GOING_AWAY, "the registry ends");
  }

  /** Whether what subscribers are told is as new as can be has changed. */
  tellView(): void {
    this.#send({ t: "view", stale: !this.#core.isCurrent });
  }

  /** The connection is gone, however it went. */
  closed(): void {
    this.#stop();
    if (this.#peer) this.#core.roster.lose(this.#peer, this, this.#core.limits.graceMs);
  }

  dismiss(reason: WarrenError): void {
    this.#refuse(reason.code, reason.message);
  }

  renew(listed: Listed): void {
    this.#send({ t: "recorded", seq: listed.body.seq, grant: listed.grant });
  }

  async #handle(frame: PeerSideFrame | undefined, opened: Promise<RecordBody> | undefined): Promise<void> {
    if (!frame) return; // of a later version of the protocol
    if (frame.t === "login") return await this.#countedLogin(frame);
    if (frame.t === "release") return await this.#release(frame.release);
    if (!this.#peer) throw new WarrenError("PROTOCOL_VIOLATION", `"${frame.t}" before the login`);
    if (frame.t === "record") return await this.#record(this.#peer, frame.record, opened);
    if (frame.t === "goodbye") return await this.#goodbye(this.#peer, frame.goodbye);
    if (frame.t === "subscribe") return this.#subscribe(frame.after);
    this.#send({ t: "pong" });
  }

  async #countedLogin(frame: LoginFrame): Promise<void> {
    const { metrics, world, logins } = this.#core;
    const startedAt = world.clock.steady();
    this.#deadline = startedAt + this.#core.limits.leaseMs; // it has come in time; a store may take longer to answer
    using place = logins.enter();
    const login = place ? this.#login(frame) : Promise.resolve(this.#refuseWith(crowded(logins.returnMs())));
    await login.catch((error: unknown) => this.#fail(error));
    metrics.logins.add(this.#refusedWith ?? "welcomed");
    metrics.loginSeconds.observe((world.clock.steady() - startedAt) / 1_000);
  }

  async #login({ login: proof, record, grant, ifFree, invite }: LoginFrame): Promise<void> {
    if (this.#peer) throw new WarrenError("PROTOCOL_VIOLATION", "a second login");
    const { limits } = this.#core;
    const login = await openLogin(proof, (unchecked) => {
      this.#checkProof(unchecked);
      this.#checkOrigin(unchecked);
    });
    const refused = await refusalAt(this.#core.door, login.id, invite);
    if (refused) return this.#refuseWith(refused);
    const admission = await this.#core.admit({ id: login.id, record, grant, ifFree }, this);
    if (admission.kind === "refused") return this.#refuseWith(admission.error);
    this.#peer = login.id;
    if (this.#isEnded) return this.closed(); // it went while it was being admitted
    this.#deadline = this.#core.world.clock.steady() + limits.leaseMs;
    this.#onLogin();
    const pass = this.#core.door.isClosed ? this.#core.passes.passOf(login.id) : undefined;
    this.#send({ t: "welcome", grant: admission.listed.grant, leaseMs: limits.leaseMs, seen: this.#address, pass });
    this.#lookBack(admission.listed.body);
    this.#core.log.debug(`${shortId(login.id)} logged in as ${admission.listed.body.name} from ${this.#address}`);
  }

  async #record(id: PeerId, record: string, opened: Promise<RecordBody> | undefined): Promise<void> {
    const admission = await this.#core.admit({ id, record, opened }, this);
    if (this.#isEnded) return this.closed();
    // A refused change leaves the session, and the record before it, as they were.
    if (admission.kind === "admitted") {
      this.renew(admission.listed);
      return this.#lookBack(admission.listed.body);
    }
    this.#core.metrics.refusals.add("frame", admission.error.code);
    this.#send(admission.error);
  }

  /** Tells the peer whether it answers where it is seen; again when it listens at other ports. */
  #lookBack({ id, addresses }: Listed["body"]): void {
    const ports = portsOf(addresses).join();
    if (!this.#dialBack || ports === this.#lookedAt) return;
    this.#lookedAt = ports;
    void this.#dialBack
      .look(this.#address, id, addresses)
      .then((seen) => seen && this.#send({ t: "reachable", ...seen }));
  }

  #subscribe(after: string | undefined): void {
    if (this.#subscription) throw new WarrenError("PROTOCOL_VIOLATION", "a second subscription");
    const { roster, world, metrics } = this.#core;
    if (!this.#core.isCurrent) this.tellView();
    this.#subscription = new Subscription(roster, world.clock, after, (frame) => {
      metrics.told.add("session");
      return this.#pipe.send(encodeFrame(frame));
    });
  }

  async #goodbye(id: PeerId, proof: string): Promise<void> {
    const goodbye = await openGoodbye(proof);
    this.#checkProof(goodbye);
    if (goodbye.id !== id) throw new WarrenError("REGISTRY_REFUSED", "a goodbye of another peer");
    if (this.#core.roster.get(id)?.holder === this) await this.#core.leave(id);
    this.#send({ t: "bye" });
    this.#end(ORDERLY, "goodbye");
  }

  /** A session of its own, without a login: whoever is logged in under the name would claim it again. */
  async #release(proof: string): Promise<void> {
    if (this.#peer) throw new WarrenError("PROTOCOL_VIOLATION", "a release after the login");
    const release = await openRelease(proof);
    this.#checkProof(release);
    this.#checkOrigin(release);
    await this.#core.release(release.name, release.id);
    this.#send({ t: "released" });
    this.#end(ORDERLY, "released");
  }

  #checkOrigin({ origin }: { origin: string }): void {
    if (this.#isOwnOrigin(origin)) return;
    const text = `this registry is not known as ${origin}: dial one of its own addresses, or start it with --url ${origin}`;
    throw new WarrenError("REGISTRY_REFUSED", text);
  }

  #checkProof(proof: { nonce: string; registry: PeerId }): void {
    if (proof.nonce !== this.#nonce) throw new WarrenError("REGISTRY_REFUSED", "a proof for another session");
    if (proof.registry !== this.#core.id) throw new WarrenError("REGISTRY_REFUSED", "a proof for another registry");
  }

  /** Frames are handled one after another, however long each takes to be checked and kept. */
  #enqueue(task: () => Promise<void>): void {
    this.#waiting++;
    this.#work = this.#work.then(() => this.#run(task));
  }

  async #run(task: () => Promise<void>): Promise<void> {
    this.#waiting--;
    if (this.#isEnded) return;
    try {
      await task();
    } catch (error) {
      this.#fail(error);
    }
  }

  #fail(error: unknown): void {
    if (isWarrenError(error)) return this.#refuse(error.code, error.message);
    this.#core.log.error(`a session failed: ${describeError(error)}`);
    this.#refuse("REGISTRY_REFUSED", "the registry failed to answer");
  }

  #refuse(code: ErrorFrame["code"], message: string): void {
    this.#refuseWith({ t: "error", code, message, ...(code === "RATE_LIMITED" && { after: OVERRUN_MS }) });
  }

  #refuseWith(error: ErrorFrame): void {
    if (this.#isEnded) return;
    this.#refusedWith = error.code;
    this.#core.metrics.refusals.add("session", error.code);
    this.#core.log.debug(`a session from ${this.#address} was ended: ${error.code}: ${error.message}`);
    this.#send(error);
    this.#end(REFUSED, error.code);
  }

  #end(code: number, reason: string): void {
    this.#stop();
    this.#pipe.close(code, reason);
  }

  #stop(): void {
    this.#isEnded = true;
    this.#subscription?.[Symbol.dispose]();
    this.#subscription = undefined;
  }

  #send(frame: ServerFrame): void {
    if (!this.#isEnded) this.#pipe.send(encodeFrame(frame));
  }
}

function crowded(after: number): ErrorFrame {
  const message = "too many peers log in at once: come again later";
  return { t: "error", code: "REGISTRY_BUSY", message, after };
}

/** A peer that is only its session: it logs in, stays, and moves to the next registry when it has to. A thousand fit in a process. */
import { isWarrenError, WarrenError } from "../../src/base/errors.ts";
import type { PeerId } from "../../src/base/ids.ts";
import { encodePeerId } from "../../src/identity/peer-id.ts";
import { sleep, systemClock, systemWorld } from "../../src/base/world.ts";
import type { ErrorFrame } from "../../src/registry/frames.ts";
import { Link } from "../../src/registry/link.ts";
import { openChallenge, signGoodbye, signLogin, type Challenge } from "../../src/registry/proof.ts";
import { signRecord } from "../../src/registry/record.ts";

/** What became of it, in order. `at` is epoch ms: all processes of the test are on one machine. */
export interface PeerEvent {
  readonly at: number;
  readonly id: string;
  readonly name: string;
  /** `gone`: it has said goodbye, or is about to. `lost`: its session broke. */
  readonly what: "here" | "lost" | "refused" | "gone";
  readonly code?: string;
}

export class LightPeer {
  readonly name: string;
  readonly #urls: readonly string[];
  readonly #tell: (event: PeerEvent) => void;
  readonly #keys: CryptoKeyPair;
  readonly #id: PeerId;
  #turn: number;
  #record: string | undefined;
  #link: Link | undefined;
  #challenge: Challenge | undefined;
  #isGone = false;

  private constructor(
    name: string,
    urls: readonly string[],
    keys: CryptoKeyPair,
    id: PeerId,
    tell: (event: PeerEvent) => void,
  ) {
    this.name = name;
    this.#urls = urls;
    this.#keys = keys;
    this.#id = id;
    this.#tell = tell;
    this.#turn = Math.floor(Math.random() * urls.length);
  }

  static async make(name: string, urls: readonly string[], tell: (event: PeerEvent) => void): Promise<LightPeer> {
    const keys = (await crypto.subtle.generateKey("Ed25519", false, ["sign", "verify"])) as CryptoKeyPair;
    const id = encodePeerId(new Uint8Array(await crypto.subtle.exportKey("raw", keys.publicKey)));
    return new LightPeer(name, urls, keys, id, tell);
  }

  /** Is there until it is told to go, through whatever happens; resolves to false if somebody else has its name. */
  async stay(): Promise<boolean> {
    this.#isGone = false;
    for (let waitMs = 100; !this.#isGone; waitMs = Math.min(2_000, waitMs * 2)) {
      try {
        await this.#hold(() => (waitMs = 100));
      } catch (error) {
        if (isWarrenError(error, "NAME_TAKEN")) return false;
      }
      this.#turn = (this.#turn + 1) % this.#urls.length;
      if (!this.#isGone) await sleep(systemClock, waitMs * (0.5 + Math.random()));
    }
    return true;
  }

  /** Says goodbye. */
  async go(): Promise<void> {
    this.#isGone = true;
    this.#note("gone");
    const [link, challenge] = [this.#link, this.#challenge];
    if (!link || !challenge) return;
    const { registry, nonce } = challenge;
    link.send({ t: "goodbye", goodbye: await signGoodbye({ id: this.#id, registry, nonce }, this.#keys.privateKey) });
    await sleep(systemClock, 500); // then its grace period ends it
    link[Symbol.dispose]();
  }

  async #hold(onWelcome: () => void): Promise<void> {
    const url = this.#urls[this.#turn] ?? "";
    const nonce = systemWorld.token(32);
    using link = new Link(url, nonce, systemClock, { loginMs: 8_000 });
    let isHere = false;
    try {
      const first = await link.next();
      if (first.t !== "challenge") throw new Error(`it began with "${first.t}"`);
      const challenge = await openChallenge(first.challenge);
      await this.#logIn(link, challenge, url);
      const answer = await link.next();
      if (answer.t === "error") throw await this.#refused(answer);
      if (answer.t !== "welcome") throw new Error(`it answered with "${answer.t}"`);
      link.keep(answer.leaseMs);
      [this.#link, this.#challenge, isHere] = [link, challenge, true];
      onWelcome();
      this.#note("here");
      for (;;) {
        const frame = await link.next();
        if (frame.t === "bye") return;
        if (frame.t === "error") throw await this.#refused(frame);
      }
    } finally {
      this.#link = this.#challenge = undefined;
      if (isHere && !this.#isGone) this.#note("lost");
    }
  }

  async #logIn(link: Link, { registry, nonce }: Challenge, origin: string): Promise<void> {
    this.#record ??= await this.#sign();
    const login = await signLogin({ id: this.#id, registry, nonce, origin }, this.#keys.privateKey);
    link.send({ t: "login", login, record: this.#record });
  }

  #sign(): Promise<string> {
    const body = { id: this.#id, name: this.name, kind: "bot", addresses: [{ host: "192.0.2.1", port: 9 }] } as const;
    return signRecord({ ...body, card: { about: "", commands: [] }, seq: 1, ttl: 86_400 }, this.#keys.privateKey);
  }

  async #refused({ code, message, after = 0 }: ErrorFrame): Promise<WarrenError> {
    this.#note("refused", code);
    await sleep(systemClock, after * Math.random());
    return new WarrenError(code, message);
  }

  #note(what: PeerEvent["what"], code?: string): void {
    const event = { at: systemClock.now(), id: this.#id, name: this.name, what };
    this.#tell(code === undefined ? event : { ...event, code });
  }
}

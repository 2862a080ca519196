/** Admission: whom this peer lets in. What its user has decided is on disk; how often somebody may come is not. */
import { WarrenError } from "../base/errors.ts";
import type { PeerId, PeerInfo } from "../base/ids.ts";
import { RateLimit } from "../base/rate.ts";
import type { Clock } from "../base/world.ts";
import type { ContactRow } from "../store/contacts.ts";
import type { Store } from "../store/store.ts";
import { RATE_LIMITED_PAUSE_MS } from "./control-budget.ts";
import type { Link } from "./link.ts";

/** Connections that one peer may open at once, and how many more each second. */
export const MAX_CONNECTS_BURST = 30;
export const MAX_CONNECTS_PER_S = 5;
/** How long a peer that is not let in stays away. */
export const REFUSED_PAUSE_MS = 60_000;

/** Of whom messages are taken: of everybody, or of those to whom we have written or whose name is pinned. */
export const ACCEPTING = ["everyone", "known"] as const;
export type Accepting = (typeof ACCEPTING)[number];

/** What is told to whom we do not let in. `after`: for so long, in ms, another try is in vain. */
export interface Refusal {
  readonly code: "BLOCKED" | "STRANGER" | "RATE_LIMITED";
  readonly message: string;
  readonly after: number;
}

export interface AdmissionHost {
  resolve(who: string): Promise<PeerInfo>;
  rowOf(info: PeerInfo): ContactRow;
  /** What the user wants is another thing now: connections and waiting messages are to be looked at again. */
  changed(): void;
  unblocked(id: PeerId): void;
}

const BLOCKED: Refusal = {
  code: "BLOCKED",
  message: "you are blocked here: what you send is not taken",
  after: REFUSED_PAUSE_MS,
};
const STRANGER: Refusal = {
  code: "STRANGER",
  message: "only peers that are known here are let in: ask to be written to first",
  after: REFUSED_PAUSE_MS,
};

const ACCEPTING_KEY = "accepting";
const MAX_LIMITED = 10_000;

export class Admission {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #host: AdmissionHost;
  readonly #connects: RateLimit;
  readonly #limited = new Map<PeerId, number>(); // until when (steady ms) a peer that did too much is not let in
  #blocked = new Map<PeerId, number>(); // with the numbers of their rows

  constructor(store: Store, clock: Clock, host: AdmissionHost) {
    this.#host = host;
    this.#store = store;
    this.#clock = clock;
    this.#connects = new RateLimit(clock, { burst: MAX_CONNECTS_BURST, perSecond: MAX_CONNECTS_PER_S });
    this.#load();
    store.db.onRollback(() => this.#load());
  }

  get accepting(): Accepting {
    return this.#store.settings.get(ACCEPTING_KEY) === "known" ? "known" : "everyone";
  }

  /** @throws {WarrenError} `USAGE` */
  async accept(whom: string): Promise<void> {
    if (!ACCEPTING.some((one) => one === whom)) {
      throw new WarrenError("USAGE", `"${whom}" is nobody to accept: say ${ACCEPTING.join(" or ")}`);
    }
    this.#store.settings.set(ACCEPTING_KEY, whom);
    this.#host.changed();
    await this.#store.db.committed();
  }

  /** Those whom the user has blocked. */
  get blocked(): PeerInfo[] {
    return this.#store.contacts.blocked().map(({ id, name, pinned, kind }) => ({ id, name: pinned ?? name, kind }));
  }

  isBlocked(id: PeerId): boolean {
    return this.#blocked.has(id);
  }

  /** The same, by the number of its row. */
  isNumberBlocked(n: number): boolean {
    return this.#blocked.size > 0 && this.#blocked.values().some((blocked) => blocked === n);
  }

  /** @throws {WarrenError} `PEER_BLOCKED` */
  checkNotBlocked({ id, name }: PeerInfo): void {
    if (!this.isBlocked(id)) return;
    throw new WarrenError("PEER_BLOCKED", `${name} is blocked: "unblock ${name}" lets you write to it again`);
  }

  /** @throws {WarrenError} like `Peer.resolve` */
  async setBlocked(who: string, isBlocked: boolean): Promise<PeerInfo> {
    const info = await this.#host.resolve(who);
    const { n, id } = this.#host.rowOf(info);
    this.#store.contacts.saveBlocked(n, isBlocked);
    if (isBlocked) this.#blocked.set(id, n);
    else this.#blocked.delete(id);
    this.#host.changed();
    if (!isBlocked) this.#host.unblocked(id);
    await this.#store.db.committed();
    return info;
  }

  /** A peer has done too much on its connection. */
  limit(id: PeerId): void {
    this.#limited.delete(id);
    this.#limited.set(id, this.#clock.steady() + RATE_LIMITED_PAUSE_MS);
    const [oldest] = this.#limited.keys();
    if (this.#limited.size > MAX_LIMITED && oldest !== undefined) this.#limited.delete(oldest);
  }

  /** Counts a connection that a peer has opened; why it is one too many, if it is. */
  arrival(peer: PeerId): Refusal | undefined {
    const until = this.#limited.get(peer) ?? 0;
    const after = Math.max(until - this.#clock.steady(), this.#connects.take(peer));
    if (after <= 0) return undefined;
    return { code: "RATE_LIMITED", message: "too much at once: come again later", after: Math.ceil(after) };
  }

  /** Why a peer may not be connected, if it may not. Whom we have dialled ourselves is no stranger. */
  refusal({ peer, dialled }: Link): Refusal | undefined {
    if (this.isBlocked(peer)) return BLOCKED;
    if (dialled || this.accepting === "everyone") return undefined;
    const row = this.#store.contacts.byId(peer);
    return row && (row.known === 1 || row.pinned !== null) ? undefined : STRANGER;
  }

  #load(): void {
    this.#blocked = new Map(this.#store.contacts.blocked().map(({ id, n }) => [id, n]));
  }
}

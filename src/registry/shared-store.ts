/**
 * Shared store: a registry's peers, names and door in journals that several processes share. Each process keeps all of it in
 * memory for reading. Names are journalled apart: to lose one is another matter than to lose who is online.
 */
import { isWarrenError, WarrenError } from "../base/errors.ts";
import type { PeerId } from "../base/ids.ts";
import type { Log } from "../base/log.ts";
import type { World } from "../base/world.ts";
import { decideClaim, releaseTime } from "./claims.ts";
import type { Journal } from "./journal.ts";
import type { RegistryLimits } from "./limits.ts";
import { OtherProcesses } from "./other-processes.ts";
import { ProcessLease } from "./process-lease.ts";
import type { RecordBody } from "./record.ts";
import type { Leaseholder } from "./roster.ts";
import { SharedDoor } from "./shared-door.ts";
import { SharedNames } from "./shared-names.ts";
import { SharedPeers } from "./shared-peers.ts";
import { BUSY_MS } from "./store.ts";
import type { Claim, Follower, RecordQuery, Registration, RegistryStore, StoredRecord } from "./store.ts";
import { Tables } from "./tables.ts";

/** How long a process may be silent before it lets its sessions go; the others wait half as long again. */
export const DEFAULT_PROCESS_LEASE_MS = 20_000;

/** Writes of others that may come in between before we ask to be asked again. */
const ATTEMPTS = 5;
/** Registrations under way at once: more would only wait for each other. */
const MAX_PENDING = 4_096;
/** Departures under way at once. */
const MAX_LEAVING = 256;
/** Of several that wait for the peers of a process that ended, each begins to remove them so much after the one before it. */
const RANK_MS = 5_000;

export interface SharedStoreOptions {
  /** Of who is here; its order is the order of all changes. */
  directory: Journal;
  names: Journal;
  /** Of whom it lets in. */
  door: Journal;
  /** The registry's key: there is one for all of its processes. */
  registry: PeerId;
  world: World;
  log: Log;
  limits: RegistryLimits;
  leaseMs?: number | undefined;
  /** The time (epoch ms) by which days are counted, given the store's own. For tests, whose time flies. */
  timeOf?: ((storeTime: number) => number) | undefined;
  /** Called when the journals are closed. */
  onClose?: (() => Promise<void>) | undefined;
}

interface Pending {
  readonly holder: Leaseholder;
  readonly body: RecordBody;
}

export class SharedStore implements RegistryStore {
  readonly door: SharedDoor;
  readonly #directory: Journal;
  readonly #world: World;
  readonly #limits: RegistryLimits;
  readonly #tables: Tables;
  readonly #lease: ProcessLease;
  readonly #others: OtherProcesses;
  readonly #names: SharedNames;
  readonly #peers: SharedPeers;
  readonly #pending = new Map<number, Pending>(); // our writes that have not come back, by their numbers
  readonly #turns = new Map<PeerId, Promise<unknown>>(); // the last registration of a key that is under way
  readonly #close: () => Promise<void>;
  readonly #timeOf: (storeTime: number) => number;
  #logins = 0;
  #leaving = 0;
  readonly #waiting: (() => void)[] = []; // departures that wait for their turn
  #follower: Follower | undefined;

  private constructor(options: SharedStoreOptions) {
    const { directory, names, world, log, limits, leaseMs = DEFAULT_PROCESS_LEASE_MS } = options;
    const { clock } = world;
    this.#directory = directory;
    this.#world = world;
    this.#limits = limits;
    this.#timeOf = options.timeOf ?? ((storeTime) => storeTime);
    this.#tables = Tables.inMemory();
    this.#others = new OtherProcesses({
      journal: directory,
      clock,
      log,
      onEnd: (holder) => this.#follower?.lost(holder, this.#rank * RANK_MS),
    });
    this.#lease = new ProcessLease({
      journal: directory,
      world,
      log,
      leaseMs,
      onRenewed: () => void this.#others.check(),
      onLost: (why) => {
        log.warn(`${why}: sessions are let go, and taken again when it answers`);
        const text = `this registry is cut off from its shared store: try again, here or at another of its addresses`;
        this.#follower?.shut(new WarrenError("REGISTRY_BUSY", text));
      },
      onRegained: () => {
        log.warn("the shared store answers again: sessions are taken");
        this.#follower?.reopened();
      },
    });
    this.#names = new SharedNames({ journal: names, tables: this.#tables, clock, log, lease: this.#lease });
    this.#peers = new SharedPeers({
      journal: directory,
      tables: this.#tables,
      world,
      log,
      others: this.#others,
      ownKey: () => this.#lease.key,
      ownPending: ({ owner, login }) => (owner === this.#lease.owner ? this.#pending.get(login) : undefined),
    });
    this.door = new SharedDoor({
      journal: options.door,
      world,
      log,
      holders: () => Promise.resolve(this.#tables.holders()),
      onBlocked: (id, isBlocked) => this.#tables.setBlocked(id, isBlocked),
    });
    this.#close = async () => {
      await this.#lease[Symbol.asyncDispose]();
      await Promise.all([directory, names, this.door].map((one) => one[Symbol.asyncDispose]()));
      await options.onClose?.();
      this.#tables.close();
    };
  }

  /** @throws {WarrenError} `STORE_FOREIGN` when it is another registry's, `STORE_UNREACHABLE` */
  static async open(options: SharedStoreOptions): Promise<SharedStore> {
    const store = new SharedStore(options);
    await store.#names.belongTo(options.registry);
    return store;
  }

  get isOpen(): boolean {
    return this.#lease.holds && this.isCurrent;
  }

  get isCurrent(): boolean {
    return this.#names.isCurrent && this.#peers.isCurrent && this.door.isCurrent;
  }

  async follow(follower: Follower): Promise<void> {
    this.#follower = follower;
    await this.#lease.join();
    await Promise.all([this.#names.load(), this.door.load()]);
    await this.#peers.load(follower);
  }

  async register(claim: Claim): Promise<Registration> {
    const { id } = claim.body;
    if (!this.isOpen) return busy("it is cut off from its shared store");
    if (this.#pending.size >= MAX_PENDING) return busy("too many registrations are under way");
    const turn = Promise.allSettled([this.#turns.get(id)]).then(() => this.#register(claim));
    this.#turns.set(id, turn);
    try {
      return await turn;
    } catch (error) {
      if (isWarrenError(error, "STORE_UNREACHABLE")) return busy(error.message);
      throw error;
    } finally {
      if (this.#turns.get(id) === turn) this.#turns.delete(id);
    }
  }

  async leave(id: PeerId, stay: number): Promise<void> {
    if (this.#leaving >= MAX_LEAVING) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    this.#leaving++;
    try {
      const known = this.#peers.get(id);
      if (known?.revision !== stay || !known.value.online) return; // it has registered again since, or is gone already
      if (!this.isOpen) throw outOfReach();
      const value = { ...known.value, online: false, owner: this.#lease.owner, login: ++this.#logins };
      const written = await this.#peers.put(id, value, stay);
      if (written.kind === "written") await this.#peers.seen(written.revision);
    } finally {
      this.#leaving--;
      this.#waiting.shift()?.();
    }
  }

  async release(name: string, id: PeerId): Promise<boolean> {
    if (!this.isOpen) throw outOfReach();
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const held = this.#tables.name(name);
      if (held?.id !== id) return false;
      if (!(await this.#names.release(name, releaseTime(held, this.#world.clock.now())))) continue;
      await this.#displace(id, name);
      return true;
    }
    throw new WarrenError("REGISTRY_BUSY", "others write the same name: try again");
  }

  async tick(): Promise<void> {
    if (!this.isOpen) throw outOfReach();
    await this.#lease.renew();
    const own = await this.#directory.get(this.#lease.key);
    if (own === undefined || own.value === "") return;
    await this.#names.countDay(this.#timeOf(own.time), (id, name) => this.#peers.remove(id, name));
  }

  get(id: PeerId): StoredRecord | undefined {
    return this.#tables.get(id);
  }

  list(query: RecordQuery): StoredRecord[] {
    return this.#tables.list(query);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#close();
  }

  /** Of this process among those that live. */
  get #rank(): number {
    const { owner } = this.#lease;
    return this.#others.owners().filter((other) => other < owner).length;
  }

  async #register(claim: Claim): Promise<Registration> {
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const registration = await this.#try(claim);
      if (registration) return registration;
    }
    return busy("others write the same name or peer");
  }

  /** Undefined when somebody else wrote in between: what is known of it is new then. */
  async #try({ body, record, grantedSince, holder, ifFree }: Claim): Promise<Registration | undefined> {
    const { id, name } = body;
    const last = this.#tables.lastRecord(id);
    if (last && last.record !== record && last.seq >= body.seq) return { kind: "stale", last: last.record };
    const known = this.#peers.get(id);
    const revision = this.#peers.revisionOf(id); // of what is decided by: a write in between is a conflict
    if (ifFree && known?.value.online && this.#others.holderOf(known.value.owner)) return { kind: "held" };
    const now = this.#world.clock.now();
    const releasedAt = this.#names.releasedAt(name);
    const decision = decideClaim(this.#tables, this.#limits, { name, id, grantedSince, releasedAt, now });
    if (decision.kind !== "granted") return decision;
    const { since } = decision;
    if (!(await this.#names.claim(name, { id, since }))) return undefined;
    // Not only who has lost it by this claim: an earlier attempt may have come no further than the name.
    for (const other of this.#tables.othersOnline(name, id)) await this.#displace(other, name);
    const login = ++this.#logins;
    this.#pending.set(login, { holder, body });
    try {
      const commands = body.card.commands.map((command) => command.name);
      const { kind, seq } = body;
      const { owner } = this.#lease;
      const value = { online: true, owner, login, since, record, name, kind, seq, commands };
      const written = await this.#peers.put(id, value, revision);
      if (written.kind === "conflict") return undefined;
      if (!(await this.#peers.seen(written.revision))) return busy("its shared store is slow");
      return { kind: "registered", since, stay: written.revision };
    } finally {
      this.#pending.delete(login);
    }
  }

  /** The one who had the name learns it through the directory, at whichever process. */
  async #displace(id: PeerId, name: string): Promise<void> {
    const known = this.#peers.get(id);
    if (known?.value.name !== name || known.value.displaced) return;
    const value = { ...known.value, online: false, displaced: true, owner: this.#lease.owner, login: ++this.#logins };
    const written = await this.#peers.put(id, value, known.revision);
    // After a conflict it has said something new, and was refused the name, or chose another.
    if (written.kind === "written") await this.#peers.seen(written.revision);
  }
}

function busy(why: string): Registration {
  return { kind: "busy", why, retryAfterMs: BUSY_MS };
}

function outOfReach(): WarrenError {
  return new WarrenError("STORE_UNREACHABLE", "the shared store is out of reach");
}

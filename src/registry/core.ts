/** The registry without its sockets: it admits peers, gives names, and knows who is there. */
import { describeError, isWarrenError, WarrenError } from "../base/errors.ts";
import type { PeerId } from "../base/ids.ts";
import type { Log } from "../base/log.ts";
import type { World } from "../base/world.ts";
import type { Identity } from "../identity/identity.ts";
import type { Door } from "./door.ts";
import { Doubt } from "./doubt.ts";
import { Entitlement } from "./entitlement.ts";
import type { ErrorFrame } from "./frames.ts";
import { DAY_MS, GRANT_DAYS, signGrant } from "./grant.ts";
import type { RegistryLimits } from "./limits.ts";
import { LoginRoom } from "./login-room.ts";
import { Passes } from "./passes.ts";
import type { PeerView } from "./peer-text.ts";
import { openRecord, readKeptRecord, type RecordBody } from "./record.ts";
import { refusal, refusalOf } from "./refusal.ts";
import { RegistryMetrics } from "./registry-metrics.ts";
import { Roster, type Leaseholder, type Listed, type Presence } from "./roster.ts";
import type {
  Arrival,
  Claim,
  Departure,
  Follower,
  RecordQuery,
  Registration,
  RegistryStore,
  StoredRecord,
} from "./store.ts";

const TICK_MS = 60_000;

export type Admission = { kind: "admitted"; listed: Listed } | { kind: "refused"; error: ErrorFrame };

/** What a session asks for. */
export interface Request {
  id: PeerId;
  /** The signed record. */
  record: string;
  /** Its body, where it is being checked already. */
  opened?: Promise<RecordBody> | undefined;
  grant?: string | undefined;
  /** Do not take over from another session. */
  ifFree?: boolean | undefined;
}

export interface RegistryCoreOptions {
  identity: Identity;
  store: RegistryStore;
  world: World;
  log: Log;
  limits: RegistryLimits;
}

export class RegistryCore implements Follower {
  readonly id: PeerId;
  readonly roster: Roster;
  readonly world: World;
  readonly log: Log;
  readonly limits: RegistryLimits;
  readonly identity: Identity;
  readonly metrics: RegistryMetrics;
  /** Whom its operator lets in. */
  readonly door: Door;
  readonly passes: Passes;
  readonly logins: LoginRoom;
  readonly #doubt: Doubt;
  readonly #store: RegistryStore;
  readonly #entitlement: Entitlement;
  #doorEdition = 0; // as it was heeded
  readonly #leaving = new Set<PeerId>(); // the store is being told of it
  #applied: Promise<unknown> = Promise.resolve(); // all that the store has told so far is in the roster
  #tickedAt = -Infinity;
  #date: number;
  #unlisted = 0; // changes of what is told of peers that are no changes of the roster

  constructor({ identity, store, world, log, limits }: RegistryCoreOptions) {
    this.id = identity.id;
    this.identity = identity;
    this.world = world;
    this.log = log;
    this.limits = limits;
    this.roster = new Roster(world.clock, world.token(12));
    this.metrics = new RegistryMetrics(world.clock, this.roster);
    this.door = store.door;
    this.passes = new Passes(identity);
    this.logins = new LoginRoom(world, limits.maxLoginsAtOnce);
    this.#doubt = new Doubt(world.clock, log);
    this.#store = store;
    this.#entitlement = new Entitlement({ registry: this.id, store, clock: world.clock, log });
    this.#date = this.#today();
  }

  /** Changes with whatever `peer` and `peers` tell, except for ages. */
  get edition(): string {
    const { changes } = this.roster;
    return `${changes.cursorOf(changes.head)}.${this.#unlisted}${this.isCurrent ? "" : ".stale"}`;
  }

  /** Takes up where the process before this one ended: who was online then is waited for. */
  async resume(): Promise<void> {
    await this.#store.follow(this);
    await this.#applied;
    this.#tickedAt = this.world.clock.steady();
  }

  /** The store's word. Checking and signing take time: what they are for is entered in the order of the telling. */
  arrived(arrival: Arrival): void {
    const listed = this.#listed(arrival.stored, arrival.body);
    this.#enter(listed, (ready) => this.#arrive(ready, arrival));
  }

  /** The store's word. */
  left({ id, stay, isDisplaced, stored, position }: Departure): void {
    const gone = stored && stay === 0 ? this.#listed(stored) : undefined;
    this.#enter(gone, (ready) => {
      const presence = this.roster.get(id);
      if (ready && !presence) return this.roster.note(ready, position);
      if (!presence || presence.listed.stay > stay) return; // it has come back since
      const { holder, listed } = presence;
      this.roster.leave(id, position);
      if (!holder || this.#leaving.has(id)) return; // its session said so itself
      const text = `the name "${listed.body.name}" was granted to another peer before`;
      holder.dismiss(isDisplaced ? new WarrenError("NAME_TAKEN", text) : forgotten());
    });
  }

  /** The store's word. */
  restarted(history: string, floor: number): void {
    this.#enter(undefined, () => this.roster.restart(history, floor));
  }

  /** The store's word. */
  lost(holder: Leaseholder, moreMs: number): void {
    this.#enter(undefined, () => {
      for (const presence of this.roster.present()) {
        if (presence.holder === holder) this.#lose(presence, moreMs);
      }
    });
  }

  /** The store's word. */
  shut(reason: WarrenError): void {
    for (const presence of this.roster.present()) {
      const { holder } = presence;
      if (!holder || holder.isElsewhere) continue;
      this.#lose(presence);
      holder.dismiss(reason);
    }
  }

  /** The store's word. */
  reopened(): void {
    this.roster.waitAnew(this.limits.restartGraceMs); // while we were cut off, nobody could come back to us
  }

  /** Checks a record, claims its name, and lists the peer as being here through `holder`. */
  async admit(request: Request, holder: Leaseholder): Promise<Admission> {
    const body = await (request.opened ?? openRecord(request.record));
    if (body.id !== request.id) {
      throw new WarrenError("RECORD_INVALID", "a record was refused: it is about another peer than the one logged in");
    }
    const before = this.roster.get(body.id)?.holder;
    if (request.ifFree && before) {
      return refused(refusalOf({ kind: "held" }, body.name));
    }
    const grantedSince = await this.#entitlement.since(body, request.grant);
    const result = await this.#register({
      body,
      record: request.record,
      grantedSince,
      holder,
      ifFree: request.ifFree,
    });
    if (result.kind !== "registered") return refused(refusalOf(result, body.name));
    await this.#applied;
    // Who was here before is sent away by the sweep, if the operator says so: to ask the disk for each record is dear.
    const reason = before === holder ? undefined : this.door.refusal(body.id);
    if (reason) {
      await this.leave(body.id); // the operator has said so meanwhile
      return refused(refusal(reason.code, reason.message));
    }
    const presence = this.roster.get(body.id);
    if (presence?.holder !== holder) {
      if (!presence?.holder)
        return refused(refusal("REGISTRY_BUSY", "this registry has let its sessions go meanwhile: try again"));
      return refused(refusal("TWO_INSTANCES", "this peer has logged in from another process meanwhile"));
    }
    return { kind: "admitted", listed: presence.listed };
  }

  /** The peer said goodbye, or was waited for in vain. What the store cannot take now is tried again by `sweep`. */
  async leave(id: PeerId): Promise<void> {
    const stay = this.roster.get(id)?.listed.stay;
    if (stay === undefined || this.#leaving.has(id)) return;
    this.#leaving.add(id);
    await this.#store.leave(id, stay).catch(this.#reportFailure);
    this.#leaving.delete(id);
    await this.#applied;
  }

  /** The key gives the name back. @throws {WarrenError} `REGISTRY_REFUSED` unless it holds it */
  async release(name: string, id: PeerId): Promise<void> {
    if (!(await this.#store.release(name, id))) {
      throw new WarrenError("REGISTRY_REFUSED", `this key does not hold the name "${name}"`);
    }
    await this.#applied;
    this.#noteUnlisted();
  }

  /** To be called about once a second. */
  sweep(): void {
    this.#heedDoor();
    if (!this.#store.isOpen) return; // nobody can come back to us, and nothing can be kept
    const overdue = this.roster.overdue();
    this.#doubt.weigh(this.roster, overdue.length > 0);
    for (const id of overdue) {
      const holder = this.roster.get(id)?.holder;
      if (!holder && this.#doubt.isActive) continue;
      void this.leave(id);
      holder?.dismiss(new WarrenError("RECORD_STALE", "the record has run out: log in with a new one"));
    }
    if (this.world.clock.steady() - this.#tickedAt < TICK_MS) return;
    this.#tickedAt = this.world.clock.steady();
    const isNewDay = this.#date !== this.#today(); // names may have run out
    this.#store.tick().then(isNewDay ? this.#noteUnlisted : undefined, this.#reportFailure);
    if (!isNewDay) return;
    this.#date = this.#today();
    this.#renewGrants().catch(this.#reportFailure);
  }

  peer(id: PeerId): PeerView | undefined | Promise<PeerView> {
    const present = this.roster.get(id); // nearly all who are asked for are here: what is known of them is in memory
    if (present) return this.#show(present.listed, present, present.receivedAt);
    const stored = this.#store.get(id);
    return stored && this.#view(stored);
  }

  /** Whether what is told here is as new as can be. */
  get isCurrent(): boolean {
    return this.#store.isCurrent && !this.#doubt.isActive;
  }

  peers(query: RecordQuery): Promise<PeerView[]> {
    return Promise.all(this.#store.list(query).map((stored) => this.#view(stored)));
  }

  /** Whether the store can be written. @throws {WarrenError} `STORE_FAILED` when it cannot */
  async tryStore(): Promise<void> {
    await this.#store.tick();
  }

  /** A last sign of life, so that the next process knows how long nobody was there. */
  async close(): Promise<void> {
    if (this.#store.isOpen) await this.#store.tick();
    await this.#store[Symbol.asyncDispose]();
  }

  /** What the operator has said since the last look: whoever may not be here any more is sent away. */
  #heedDoor(): void {
    const { edition } = this.door;
    if (edition === this.#doorEdition) return;
    this.#doorEdition = edition;
    for (const { listed, holder } of this.roster.present()) {
      const { id } = listed.body;
      const reason = this.door.refusal(id);
      if (!reason || holder?.isElsewhere) continue; // the process that holds it has heard the same
      void this.leave(id);
      holder?.dismiss(reason);
    }
    this.#noteUnlisted();
  }

  async #register(claim: Claim): Promise<Registration> {
    const startedAt = this.world.clock.steady();
    try {
      return await this.#store.register(claim);
    } catch (error) {
      this.metrics.storeFailures.add();
      throw error;
    } finally {
      this.metrics.commitSeconds.observe((this.world.clock.steady() - startedAt) / 1_000);
    }
  }

  /** `ready` may be rejected; `apply` is called with what it came to, after everything that was entered before. */
  #enter<Ready>(ready: Ready | Promise<Ready>, apply: (ready: Ready) => void): void {
    this.#applied = Promise.allSettled([ready, this.#applied]).then(([result]) =>
      result.status === "fulfilled" ? apply(result.value) : this.#reportFailure(result.reason),
    );
  }

  #arrive(listed: Listed, arrival: Arrival): void {
    const present = this.roster.get(listed.body.id);
    const previous = present?.holder;
    const holder = arrival.holder ?? (present?.listed.stay === listed.stay ? previous : undefined); // told once more
    const { ageMs, position } = arrival;
    this.roster.arrive(listed, holder, { waitMs: this.limits.restartGraceMs, ageMs, position });
    if (!previous || previous === holder) return;
    const text = "this peer has logged in from another process";
    previous.dismiss(holder ? new WarrenError("TWO_INSTANCES", text) : forgotten());
  }

  #lose({ listed, holder }: Presence, moreMs = 0): void {
    if (holder) this.roster.lose(listed.body.id, holder, this.limits.restartGraceMs + moreMs);
  }

  async #renewGrants(): Promise<void> {
    for (const presence of this.roster.present()) {
      const { listed } = presence;
      const renewed = await this.#list(listed.body, listed.record, listed);
      if (presence.listed !== listed) continue; // a new record came meanwhile, with a new grant
      presence.listed = renewed;
      presence.holder?.renew(renewed);
    }
    this.#noteUnlisted();
  }

  async #view(stored: StoredRecord): Promise<PeerView> {
    const listed = await this.#listed(stored);
    const present = this.roster.get(stored.id);
    return this.#show(listed, present, present?.receivedAt ?? stored.receivedAt);
  }

  /** `receivedAt`: steady ms of one who is here, else epoch ms. */
  #show(listed: Listed, present: Presence | undefined, receivedAt: number): PeerView {
    const { clock } = this.world;
    const ageMs = (present ? clock.steady() : clock.now()) - receivedAt;
    return { listed, online: present !== undefined, age: Math.max(0, Math.floor(ageMs / 1_000)) };
  }

  async #listed(stored: StoredRecord, checked?: RecordBody): Promise<Listed> {
    const present = this.roster.get(stored.id)?.listed;
    if (present?.record === stored.record && present.stay === stored.stay) return present;
    // It was checked before it was kept, and its readers check it again.
    const body = checked ?? readKeptRecord(stored.record) ?? (await openRecord(stored.record));
    return await this.#list(body, stored.record, stored);
  }

  async #list(body: RecordBody, record: string, { since, stay }: { since: number; stay: number }): Promise<Listed> {
    const { id, name } = body;
    const notAfter = this.world.clock.now() + GRANT_DAYS * DAY_MS;
    const last = this.roster.get(id)?.listed;
    // One of today is as good as a new one.
    const isOfToday = last?.body.name === name && last.since === since && Math.abs(notAfter - last.notAfter) < DAY_MS;
    if (isOfToday) return { body, record, since, stay, grant: last.grant, notAfter: last.notAfter };
    const grant = await signGrant({ registry: this.id, name, id, since, notAfter }, this.identity.privateKey);
    return { body, record, since, stay, grant, notAfter };
  }

  #today(): number {
    return Math.floor(this.world.clock.now() / DAY_MS);
  }

  readonly #noteUnlisted = (): void => void this.#unlisted++;

  readonly #reportFailure = (error: unknown): void => {
    if (isWarrenError(error, "STORE_FAILED", "STORE_UNREACHABLE")) this.metrics.storeFailures.add();
    // A shared store that is away says so itself, once; it is not for every peer to say it again.
    this.log[isWarrenError(error, "STORE_UNREACHABLE") ? "debug" : "error"](describeError(error));
  };
}

/** To a session of whose peer the store knows something older, or nothing. */
function forgotten(): WarrenError {
  return new WarrenError("REGISTRY_BUSY", "what this registry kept of this peer was lost: log in again");
}

function refused(error: ErrorFrame): Admission {
  return { kind: "refused", error };
}

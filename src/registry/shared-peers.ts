/** Shared peers: who is online through which process, as the directory tells it, in one order for all processes. */
import { describeError } from "../base/errors.ts";
import { isPeerId, type PeerId } from "../base/ids.ts";
import type { Log } from "../base/log.ts";
import type { World } from "../base/world.ts";
import { MAX_CHANGES } from "./change-log.ts";
import type { Entry, Journal, Written } from "./journal.ts";
import type { OtherProcesses } from "./other-processes.ts";
import type { RecordBody } from "./record.ts";
import type { Leaseholder } from "./roster.ts";
import { parsePeer, type PeerValue } from "./shared-values.ts";
import type { Follower, StoredRecord } from "./store.ts";
import type { Tables } from "./tables.ts";
import { Watermark } from "./watermark.ts";

const PEER = "peer.";
const PROCESS = "process.";
/** Names the order of changes; it is another one when the journal has lost its last writes. */
const HISTORY = "history";

export interface KnownPeer {
  readonly value: PeerValue;
  readonly revision: number;
  /** Epoch ms by this process's clock: when its record was. */
  readonly receivedAt: number;
}

export interface SharedPeersOptions {
  journal: Journal;
  tables: Tables;
  world: World;
  log: Log;
  others: OtherProcesses;
  /** The key of this process's lease. */
  ownKey: () => string;
  /** Whose write it is, if it is one of ours that is under way. */
  ownPending: (value: PeerValue) => { holder: Leaseholder; body: RecordBody } | undefined;
}

export class SharedPeers {
  readonly #journal: Journal;
  readonly #tables: Tables;
  readonly #world: World;
  readonly #log: Log;
  readonly #others: OtherProcesses;
  readonly #ownKey: () => string;
  readonly #ownPending: SharedPeersOptions["ownPending"];
  readonly #known = new Map<PeerId, KnownPeer>();
  readonly #removed = new Map<PeerId, number>(); // revisions at which they were
  readonly #seen: Watermark;
  #follower: Follower | undefined;
  #gathered: Entry[] | undefined; // while everything is told from the beginning
  #history: Entry | undefined;
  #storeTimeAtZero: number | undefined; // of the steady clock
  #isCurrent = false;

  constructor({ journal, tables, world, log, others, ownKey, ownPending }: SharedPeersOptions) {
    this.#journal = journal;
    this.#tables = tables;
    this.#world = world;
    this.#log = log;
    this.#others = others;
    this.#ownKey = ownKey;
    this.#ownPending = ownPending;
    this.#seen = new Watermark(world.clock);
  }

  get isCurrent(): boolean {
    return this.#isCurrent;
  }

  get(id: PeerId): KnownPeer | undefined {
    return this.#known.get(id);
  }

  /** The revision that a write of this key has to replace. */
  revisionOf(id: PeerId): number {
    return this.#known.get(id)?.revision ?? this.#removed.get(id) ?? 0;
  }

  /** Tells the follower of everybody who is online, then of what changes. @throws {WarrenError} `STORE_UNREACHABLE` */
  async load(follower: Follower): Promise<void> {
    this.#follower = follower;
    if (!(await this.#journal.get(HISTORY))) await this.#journal.put(HISTORY, this.#world.token(12), 0);
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#journal.follow({
      entry: (entry) => (this.#gathered ? this.#gathered.push(entry) : this.#take(entry)),
      began: () => void (this.#gathered = []),
      caughtUp: () => {
        this.#enterGathered();
        this.#isCurrent = true;
        resolve();
      },
      away: () => void (this.#isCurrent = false),
    });
    await promise;
  }

  async put(id: PeerId, value: PeerValue | undefined, revision: number): Promise<Written> {
    const key = PEER + id;
    const written = await this.#journal.put(key, value === undefined ? "" : JSON.stringify(value), revision);
    if (written.kind === "written") return written;
    const entry = await this.#journal.get(key);
    if (entry) await this.seen(entry.revision); // changes of peers are entered in their order alone
    return written;
  }

  /** Resolves when everything up to that revision has been told; false if that takes too long. */
  seen(revision: number): Promise<boolean> {
    return this.#seen.wait(revision);
  }

  /** The record of a peer that has lost its name by disuse. */
  async remove(id: PeerId, name: string): Promise<void> {
    const known = this.#known.get(id);
    if (!known || known.value.online || known.value.name !== name) return;
    const written = await this.put(id, undefined, known.revision);
    if (written.kind === "written") await this.seen(written.revision);
  }

  #take(entry: Entry): void {
    const { key, revision, value } = entry;
    if (key.startsWith(PROCESS)) this.#hear(entry);
    if (key.startsWith(PEER)) this.#enter(entry);
    if (key === HISTORY && value !== this.#history?.value) {
      this.#history = entry;
      this.#follower?.restarted(value, revision);
    }
    this.#seen.reach(revision);
  }

  #hear(entry: Entry): void {
    if (entry.key === this.#ownKey()) this.#storeTimeAtZero = entry.time - this.#world.clock.steady();
    else this.#others.heard(entry.key.slice(PROCESS.length), entry);
  }

  /** Everything that is there, at the beginning or after a break: only what is new is told. */
  #enterGathered(): void {
    const entries = this.#gathered;
    this.#gathered = undefined;
    if (!entries) return;
    for (const entry of entries) if (entry.key.startsWith(PROCESS)) this.#hear(entry); // who lives, before who is where
    const history = entries.find(({ key }) => key === HISTORY);
    const isFirst = this.#history === undefined;
    const floor = entries.at(-MAX_CHANGES - 1)?.revision ?? 0;
    if (isFirst && history) {
      this.#history = history;
      this.#follower?.restarted(history.value, floor);
    }
    const hasGoneBack = this.#forgetUntold(entries);
    for (const entry of entries) {
      if (entry.key.startsWith(PEER)) this.#enter(entry, floor);
      else if (!entry.key.startsWith(PROCESS)) this.#take(entry);
      this.#seen.reach(entry.revision);
    }
    if (!hasGoneBack || history?.value !== this.#history?.value) return; // another process has seen it, too
    this.#log.warn("the shared store has lost its last writes: readers begin anew");
    this.#journal
      .put(HISTORY, this.#world.token(12), history?.revision ?? 0)
      .catch((error: unknown) => this.#log.error(describeError(error)));
  }

  /** Returns whether the journal has gone back to an earlier state. */
  #forgetUntold(entries: readonly Entry[]): boolean {
    const told = new Map(entries.map(({ key, revision }) => [key, revision]));
    let hasGoneBack = false;
    for (const [id, { revision }] of this.#known) {
      const now = told.get(PEER + id) ?? 0;
      if (now < revision) {
        hasGoneBack = true;
        this.#log.debug(`${PEER}${id} was at ${revision}, and is at ${now}`);
      }
      if (now === 0) this.#forget(id, revision);
    }
    this.#removed.clear(); // what was removed is among the entries
    return hasGoneBack;
  }

  /** `floor` is given for what is told from the beginning: who left before it is not told again. */
  #enter(entry: Entry, floor?: number): void {
    const id = entry.key.slice(PEER.length);
    if (!isPeerId(id) || this.#known.get(id)?.revision === entry.revision) return;
    const { revision: position } = entry;
    const value = parsePeer(entry.value);
    if (!value) return this.#forget(id, position);
    const before = this.#known.get(id);
    const ageMs = floor === undefined ? 0 : this.#ageOf(entry);
    const receivedAt = (!value.online && before?.receivedAt) || this.#world.clock.now() - ageMs;
    const { name, kind, seq, record, commands, since, online, displaced } = value;
    const stay = online ? position : 0;
    this.#known.set(id, { value, revision: position, receivedAt });
    this.#removed.delete(id);
    this.#tables.saveRecord({ body: { id, name, kind, seq }, commands, record, receivedAt, stay });
    const stored: StoredRecord = { id, name, record, since, receivedAt, stay };
    if (online) {
      const own = this.#ownPending(value);
      const holder = own?.holder ?? this.#others.holderOf(value.owner);
      this.#follower?.arrived({ stored, holder, body: own?.body, position, ageMs });
    } else if (before?.value.online || (floor !== undefined && position > floor)) {
      const isDisplaced = displaced ?? false;
      this.#follower?.left({ id, stay: before?.revision ?? 0, isDisplaced, position, stored });
    }
  }

  #forget(id: PeerId, revision: number): void {
    const before = this.#known.get(id);
    this.#known.delete(id);
    this.#removed.set(id, revision);
    this.#tables.removeRecord(id);
    if (!before?.value.online) return;
    this.#follower?.left({ id, stay: before.revision, isDisplaced: false, position: revision });
  }

  #ageOf({ time }: Entry): number {
    if (this.#storeTimeAtZero === undefined) return 0;
    return Math.max(0, Math.round(this.#storeTimeAtZero + this.#world.clock.steady() - time));
  }
}

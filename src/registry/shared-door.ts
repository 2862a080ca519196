/**
 * Shared door: whom a registry of several processes lets in, in a journal that all of them follow. An invite is used by
 * compare-and-set, so of two processes that see it at once one is too late.
 */
import { WarrenError } from "../base/errors.ts";
import { isPeerId, type PeerId } from "../base/ids.ts";
import type { Log } from "../base/log.ts";
import type { World } from "../base/world.ts";
import { Door, type Blocked, type KeptInvite, type Member, type NewInvite } from "./door.ts";
import { JournalCopy } from "./journal-copy.ts";
import type { Journal } from "./journal.ts";
import {
  parseBlocked,
  parseInviteValue,
  parseMember,
  type BlockedValue,
  type ClosedValue,
  type InviteValue,
  type MemberValue,
} from "./shared-values.ts";

const CLOSED = "closed";
const INVITE = "invite."; // and the hash of its secret
const MEMBER = "member.";
const BLOCKED = "blocked.";
/** Writes of others that may come in between. */
const ATTEMPTS = 10;
/** Members written at once when the door is closed. */
const BATCH = 256;

export interface SharedDoorOptions {
  journal: Journal;
  world: World;
  log: Log;
  /** Who holds a name just now. */
  holders: () => Promise<Iterable<PeerId>>;
  onBlocked?: ((id: PeerId, isBlocked: boolean) => void) | undefined;
}

export class SharedDoor extends Door {
  readonly #journal: Journal;
  readonly #copy: JournalCopy;
  readonly #holders: () => Promise<Iterable<PeerId>>;
  readonly #onBlocked: SharedDoorOptions["onBlocked"];
  readonly #invites = new Map<string, InviteValue>(); // by the hashes of their secrets
  readonly #members = new Map<PeerId, MemberValue>();
  readonly #blocked = new Map<PeerId, BlockedValue>();
  #isClosed = false;
  #edition = 0;
  // Invites are used one after another: bots that come with the same one would all write over each other.
  #using: Promise<unknown> = Promise.resolve();

  constructor({ journal, world, log, holders, onBlocked }: SharedDoorOptions) {
    super(world);
    this.#journal = journal;
    this.#holders = holders;
    this.#onBlocked = onBlocked;
    const { clock } = world;
    this.#copy = new JournalCopy({ journal, clock, log, onValue: (key, value) => this.#take(key, value) });
  }

  /** To be called once, and waited for, before anything else. */
  load(): Promise<void> {
    return this.#copy.load();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#journal[Symbol.asyncDispose]();
  }

  get isCurrent(): boolean {
    return this.#copy.isCurrent;
  }

  get edition(): number {
    return this.#edition;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  isBlocked(id: PeerId): boolean {
    return this.#blocked.has(id);
  }

  isMember(id: PeerId): boolean {
    return this.#members.has(id);
  }

  async close(): Promise<void> {
    if (this.isClosed) return;
    await this.#admitHolders(); // first: nobody who may stay must be sent away meanwhile
    const value: ClosedValue = { since: this.world.clock.now() };
    await this.#insist(async () => this.isClosed || (await this.#put(CLOSED, value)));
    await this.#admitHolders(); // who has come since then
  }

  async open(): Promise<void> {
    await this.#insist(async () => !this.isClosed || (await this.#put(CLOSED, undefined)));
  }

  invites(): KeptInvite[] {
    const kept = [...this.#invites.values()].sort(newestFirst);
    return kept.map(({ id, label, expiresAt, uses, used }) => ({ id, label, expiresAt, uses, used }));
  }

  async revoke(invite: string): Promise<boolean> {
    const hash = [...this.#invites].find(([, { id }]) => id === invite)?.[0];
    if (hash === undefined) return false;
    await this.#insist(async () => !this.#invites.has(hash) || (await this.#put(INVITE + hash, undefined)));
    return true;
  }

  async allow(id: PeerId): Promise<void> {
    await this.#admit(id, "allowed");
  }

  async disallow(id: PeerId): Promise<boolean> {
    if (!this.isMember(id)) return false;
    await this.#insist(async () => !this.isMember(id) || (await this.#put(MEMBER + id, undefined)));
    return true;
  }

  members(): Member[] {
    return [...this.#members].map(([id, { since, by }]) => ({ id, since, by })).sort(oldestFirst);
  }

  async block(id: PeerId): Promise<void> {
    const value: BlockedValue = { since: this.world.clock.now() };
    await this.#insist(async () => this.isBlocked(id) || (await this.#put(BLOCKED + id, value)));
  }

  async unblock(id: PeerId): Promise<boolean> {
    if (!this.isBlocked(id)) return false;
    await this.#insist(async () => !this.isBlocked(id) || (await this.#put(BLOCKED + id, undefined)));
    return true;
  }

  blocked(): Blocked[] {
    return [...this.#blocked].map(([id, { since }]) => ({ id, since })).sort(oldestFirst);
  }

  protected async use(hash: string, id: PeerId): Promise<boolean> {
    if (!this.#invites.has(hash)) return false;
    let isIn: boolean | undefined;
    const turn = Promise.allSettled([this.#using]).then(() =>
      this.#insist(async () => (isIn = await this.#tryUse(hash, id)) !== undefined),
    );
    this.#using = turn;
    await turn;
    return isIn ?? false;
  }

  protected async keep({ hash, ...invite }: NewInvite): Promise<void> {
    const value: InviteValue = { ...invite, used: 0, owed: {} };
    await this.#insist(async () => await this.#put(INVITE + hash, value));
  }

  protected async forget(expiredBy: number): Promise<void> {
    const expired = [...this.#invites].filter(([, { expiresAt }]) => expiresAt < expiredBy);
    await Promise.all(expired.map(([hash]) => this.#put(INVITE + hash, undefined))); // after a conflict: the next time
  }

  /**
   * Undefined when others wrote in between. A process may end after the use is taken and before the key is a member: by what
   * the key is owed, the next process knows that it need not take another, if its membership was not written since.
   */
  async #tryUse(hash: string, id: PeerId): Promise<boolean | undefined> {
    if (this.isMember(id)) return true;
    const invite = this.#invites.get(hash);
    if (!invite) return false;
    const replaced = this.#copy.revisionOf(MEMBER + id);
    if (invite.owed[id] !== replaced) {
      if (invite.used >= invite.uses || invite.expiresAt <= this.world.clock.now()) return false;
      const isOwed = ([other, revision]: [string, number]): boolean =>
        this.#copy.revisionOf(MEMBER + other) === revision;
      const owed = { ...Object.fromEntries(Object.entries(invite.owed).filter(isOwed)), [id]: replaced };
      if (!(await this.#put(INVITE + hash, { ...invite, used: invite.used + 1, owed }))) return undefined;
      if (this.#copy.revisionOf(MEMBER + id) !== replaced) return undefined;
    }
    const isWritten = await this.#put(MEMBER + id, this.#member(`invite ${invite.label}`.trim()));
    return isWritten || undefined;
  }

  async #admitHolders(): Promise<void> {
    const missing = [...new Set(await this.#holders())].filter((id) => !this.isMember(id));
    for (let index = 0; index < missing.length; index += BATCH) {
      await Promise.all(missing.slice(index, index + BATCH).map((id) => this.#admit(id, "was there")));
    }
  }

  async #admit(id: PeerId, by: string): Promise<void> {
    await this.#insist(async () => this.isMember(id) || (await this.#put(MEMBER + id, this.#member(by))));
  }

  #member(by: string): MemberValue {
    return { since: this.world.clock.now(), by };
  }

  async #put(key: string, value: ClosedValue | InviteValue | MemberValue | BlockedValue | undefined): Promise<boolean> {
    return await this.#copy.put(key, value === undefined ? "" : JSON.stringify(value));
  }

  /** Again as long as others write in between. @throws {WarrenError} `STORE_UNREACHABLE` */
  async #insist(attempt: () => Promise<boolean>): Promise<void> {
    for (let n = 0; n < ATTEMPTS && this.isCurrent; n++) if (await attempt()) return;
    if (!this.isCurrent) throw new WarrenError("STORE_UNREACHABLE", "the shared store is out of reach");
    throw new WarrenError("STORE_UNREACHABLE", "others write the same in the shared store: try again");
  }

  #take(key: string, value: string): void {
    if (key.startsWith(INVITE)) return enter(this.#invites, key.slice(INVITE.length), parseInviteValue(value));
    if (key === CLOSED) this.#isClosed = value !== ""; // whatever it says: what cannot be read must let nobody in
    const [, kind = "", id = ""] = /^(\w+\.)(.*)$/.exec(key) ?? [];
    if (kind === MEMBER && isPeerId(id)) enter(this.#members, id, parseMember(value));
    if (kind === BLOCKED && isPeerId(id)) {
      enter(this.#blocked, id, value === "" ? undefined : (parseBlocked(value) ?? { since: 0 }));
      this.#onBlocked?.(id, this.#blocked.has(id));
    }
    const isOnlyMore = kind === MEMBER && value !== "";
    if (!isOnlyMore) this.#edition++;
  }
}

function enter<Key, Value>(map: Map<Key, Value>, key: Key, value: Value | undefined): void {
  if (value === undefined) map.delete(key);
  else map.set(key, value);
}

function newestFirst(a: InviteValue, b: InviteValue): number {
  return b.madeAt - a.madeAt || compare(a.id, b.id);
}

function oldestFirst(a: Blocked, b: Blocked): number {
  return a.since - b.since || compare(a.id, b.id);
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

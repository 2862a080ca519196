/**
 * Retention: a peer's database has a bound, and the oldest of what was said and heard makes room for the newest, over all
 * conversations. In small steps, so that nobody waits for it. See docs/operations.md.
 */
import { isWarrenError, WarrenError } from "../base/errors.ts";
import type { PeerId } from "../base/ids.ts";
import type { Clock, Timer } from "../base/world.ts";
import type { Store } from "../store/store.ts";

/** How large a database may become, unless its user says otherwise. */
export const DEFAULT_KEEP = "1 GiB";
/** Less would not hold what waits to be delivered. */
export const MIN_KEEP_BYTES = 1_048_576;

const KEY = "keep";
const UNITS = { KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30, TiB: 2 ** 40 } as const;

const LOOK_MS = 10_000;
/** After a look that found nothing that may go. */
const LOOK_AGAIN_MS = 60_000;
/** From the end of a step to the next one, if the process is not too busy. */
const STEP_AFTER_MS = 20;
/**
 * How long a step may take, as a part of the time since the last one, and at least and at most: who is so busy that steps come
 * late also takes in more, and the turns of its event loop are long.
 */
const STEP_PART = 1 / 7;
const MIN_STEP_MS = 3;
const MAX_STEP_MS = 50;
/** Where no time passes while something is done, as in tests. */
const STEP_TURNS = 1_024;
/**
 * So many of a conversation's oldest go in a turn, before it is looked whether there is room: the more, the less each of them costs;
 * but above the first number no more than could each be the largest of messages, so that not too many go.
 */
const MIN_TURN_MESSAGES = 16;
const MAX_TURN_MESSAGES = 256;
const LARGEST_BYTES = 131_072;
const LOOK_UP_CONVERSATIONS = 32;
const STEP_BYTES = 1_048_576;
/**
 * Of each conversation the oldest within so many places go together, and within more of them where there are many
 * conversations: to take a few rows here and a few there is what costs.
 */
const STRIDE = 1_024;
const STRIDE_PER_CONVERSATION = 16;
/** Room that is made at once, as a part of the bound. */
const ROOM = 1 / 16;

export class Retention implements Disposable {
  readonly #store: Store;
  readonly #clock: Clock;
  #bytes = Infinity; // the bound
  #timer: Timer;
  #oldest: Map<number, number> | undefined; // while room is made: by peer, where the oldest message is that may go
  #looked = 0; // while room is made: up to this peer they were looked up
  #steppedAt = Infinity; // steady ms; when the latest step ended
  #isStuck = false; // nothing more could go the last time
  #isClosed = false;

  constructor(store: Store, clock: Clock) {
    this.#store = store;
    this.#clock = clock;
    this.#load();
    store.db.onRollback(() => {
      this.#load();
      this.#end(LOOK_MS);
    });
    this.#timer = clock.after(LOOK_MS, () => this.#look());
  }

  /** As it was said: "1 GiB", or "all". */
  get limit(): string {
    return this.#store.settings.get(KEY) ?? DEFAULT_KEEP;
  }

  /** How large the database is. */
  get bytes(): number {
    return this.#store.db.bytes.used;
  }

  /** From now on so much is kept: a size as in "500 MiB", or "all". @throws {WarrenError} `USAGE` */
  async keep(limit: string): Promise<void> {
    checkKeep(limit);
    this.#store.settings.set(KEY, limit);
    this.#load();
    this.#end(0);
    await this.#store.db.committed();
  }

  /** How many messages that were exchanged with a peer are no longer kept; with anybody, if none is named. */
  forgotten(peer?: PeerId): number {
    const { contacts, retention } = this.#store;
    if (peer === undefined) return retention.forgotten();
    const row = contacts.byId(peer);
    return row ? retention.forgotten(row.n) : 0;
  }

  [Symbol.dispose](): void {
    this.#isClosed = true;
    this.#timer[Symbol.dispose]();
  }

  #load(): void {
    this.#bytes = keepBytes(this.limit) ?? Infinity;
  }

  #look(): void {
    const { file, used } = this.#store.db.bytes;
    if (file <= this.#bytes) return this.#end(LOOK_MS);
    this.#isStuck = false;
    if (used > this.#bytes) {
      this.#oldest = new Map();
      this.#looked = 0;
    }
    this.#step();
  }

  #step(): void {
    const { db } = this.#store;
    // What memory still has to write of messages, and to tell of them, comes first.
    db.commit();
    try {
      db.lazily(() => this.#proceed());
    } catch (error) {
      if (!isWarrenError(error, "STORE_FAILED")) throw error; // of which the database itself tells, if it is one
      this.#end(LOOK_MS);
    }
  }

  #proceed(): void {
    if (this.#oldest) this.#makeRoom(this.#oldest);
    else if (!this.#giveBack()) return this.#end(this.#isStuck ? LOOK_AGAIN_MS : LOOK_MS);
    this.#steppedAt = this.#clock.steady();
    this.#wait(STEP_AFTER_MS, () => this.#step());
  }

  #makeRoom(oldest: Map<number, number>): void {
    const { db, retention } = this.#store;
    if (!this.#lookUp(oldest)) return;
    const stride = Math.max(STRIDE, STRIDE_PER_CONVERSATION * oldest.size);
    const enough = this.#bytes * (1 - ROOM);
    const now = this.#clock.steady();
    const until = now + Math.min(Math.max(MIN_STEP_MS, (now - this.#steppedAt) * STEP_PART), MAX_STEP_MS);
    for (let turn = 0; turn < STEP_TURNS && this.#clock.steady() < until; turn++) {
      const excess = db.bytes.used - enough;
      const next = lowest(oldest);
      if (!next || excess <= 0) break;
      const [peer, place] = next;
      const most = Math.min(Math.max(MIN_TURN_MESSAGES, Math.floor(excess / LARGEST_BYTES)), MAX_TURN_MESSAGES);
      const hasMore = retention.forget(peer, place - 1, place + stride, most) === most;
      const left = retention.oldest(peer, hasMore ? place - 1 : place + stride);
      if (left === undefined) oldest.delete(peer);
      else oldest.set(peer, left);
    }
    this.#isStuck = oldest.size === 0;
    if (this.#isStuck || db.bytes.used <= enough) this.#oldest = undefined;
  }

  /** Finds out where each conversation begins; returns whether that is known of all. */
  #lookUp(oldest: Map<number, number>): boolean {
    if (this.#looked === Infinity) return true;
    const { retention } = this.#store;
    const peers = retention.conversations(this.#looked, LOOK_UP_CONVERSATIONS);
    for (const peer of peers) {
      const place = retention.oldest(peer, 0);
      if (place !== undefined) oldest.set(peer, place);
    }
    this.#looked = peers.length < LOOK_UP_CONVERSATIONS ? Infinity : (peers.at(-1) ?? Infinity);
    return this.#looked === Infinity;
  }

  /** Returns whether there is more to do. */
  #giveBack(): boolean {
    const { db } = this.#store;
    const before = db.bytes.file;
    const excess = before - this.#bytes;
    if (excess <= 0) return false;
    db.giveBack(Math.min(excess, STEP_BYTES));
    return db.bytes.file < before;
  }

  /** Room was made, or cannot be made now. */
  #end(lookAgainMs: number): void {
    this.#oldest = undefined;
    this.#steppedAt = Infinity;
    this.#wait(lookAgainMs, () => this.#look());
  }

  #wait(ms: number, then: () => void): void {
    this.#timer[Symbol.dispose]();
    if (!this.#isClosed) this.#timer = this.#clock.after(ms, then);
  }
}

/** @throws {WarrenError} `USAGE` */
export function checkKeep(limit: string): void {
  if ((keepBytes(limit) ?? 0) >= MIN_KEEP_BYTES) return;
  const expected = 'a size from 1 MiB on was expected, as in "500 MiB" or "2 GiB", or "all"';
  throw new WarrenError("USAGE", `"${limit}" says not how much is to be kept: ${expected}`);
}

/** Infinity for all; undefined for what is no size. */
function keepBytes(limit: string): number | undefined {
  if (limit === "all") return Infinity;
  const [, digits, unit] = /^(\d+(?:\.\d+)?) ?([KMGT]iB)$/.exec(limit) ?? [];
  for (const [name, bytes] of Object.entries(UNITS)) if (name === unit) return Number(digits) * bytes;
  return undefined;
}

function lowest(places: ReadonlyMap<number, number>): [peer: number, place: number] | undefined {
  let found: [number, number] | undefined;
  for (const entry of places) if (!found || entry[1] < found[1]) found = entry;
  return found;
}

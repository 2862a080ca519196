/** Inbox: hands stored messages to the handlers, each once, in its sender's order; survives what the handlers do. */
import { describeError, WarrenError } from "../base/errors.ts";
import { KeyedQueue } from "../base/keyed-queue.ts";
import type { Log } from "../base/log.ts";
import { backoffMs, sleep, type World } from "../base/world.ts";
import type { IncomingRow, InboxRow } from "../store/incoming.ts";
import type { Store } from "../store/store.ts";
import { decodeData } from "../wire/data.ts";
import { readRequest } from "./call-data.ts";
import { HandlerRun } from "./handler-run.ts";
import { Shares } from "./shares.ts";

/** So often a message's handlers are begun before it is set aside: once, and twice more after an error or a crash. */
export const MAX_ATTEMPTS = 3;
/** Messages in memory; what comes beyond waits on disk. */
const MAX_LOADED = 2_048;
/** For so long after a crash every message is noted on disk before its handlers begin: the one that caused it may come again. */
const CAREFUL_MS = 60_000;
const RETRY = { baseMs: 500, maxMs: 4_000 };

export interface Delivery {
  readonly message: IncomingRow;
  readonly attempt: number;
  readonly signal: AbortSignal;
}

export type DeliveryHandler = (delivery: Delivery) => unknown;

export interface InboxListener {
  /** The handlers are done with a message (`reason` null), or it was set aside. To be committed with this turn. */
  settled(message: IncomingRow, epoch: string, seq: number, reason: string | null): void;
  /** So many more (or fewer) messages of this peer wait here. */
  counted(peer: number, change: number): void;
  /** Whether messages of this peer stay in the inbox for now. */
  isHeld(peer: number): boolean;
  /** What was counted so far is void; what is right is told next. */
  recount(): void;
}

interface Item {
  readonly message: IncomingRow;
  epoch: string; // its number at its sender, which may be given anew
  seq: number;
  attempts: number; // how often its handlers were begun
  stored: number | undefined; // what the disk says of that; undefined: it is not in the inbox on disk
  run: HandlerRun | undefined;
  isShared: boolean; // it waits in memory, as one of its peer's share
}

export class Inbox {
  readonly #store: Store;
  readonly #world: World;
  readonly #log: Log;
  readonly #listener: InboxListener;
  readonly #queue: KeyedQueue<string | number>; // by conversation
  readonly #suspects: KeyedQueue<"suspects">; // messages that a crash interrupted run one at a time
  readonly #carefulUntil: number; // steady ms
  // Suspects whose first turn is not on disk yet: nobody who never ran before begins meanwhile, and takes them along.
  readonly #beginning = new Set<Item>();
  #items = new Map<number, Item>(); // by place: in memory and not done
  readonly #shares = new Shares();
  #dirty = new Set<Item>(); // to be looked at before this turn's commit
  #handler: DeliveryHandler | undefined;
  #loadedUpTo = 0; // every message of the inbox up to this place is in #items
  #hasMore = false; // there may be messages of the inbox above it
  #isLoading = false;
  #onIdle: (() => void) | undefined;
  #abort = new AbortController();

  /** `hasCrashed`: whether the last run of this peer ended without closing. */
  constructor(store: Store, world: World, log: Log, hasCrashed: boolean, listener: InboxListener) {
    this.#store = store;
    this.#world = world;
    this.#log = log;
    this.#listener = listener;
    const soon = (task: () => void): void => world.clock.soon(task);
    this.#queue = new KeyedQueue(soon);
    this.#suspects = new KeyedQueue(soon);
    this.#carefulUntil = hasCrashed ? world.clock.steady() + CAREFUL_MS : 0;
  }

  /** Takes a message that was just stored in this turn. */
  take(message: IncomingRow, epoch: string, seq: number): void {
    this.#listener.counted(message.peer, 1);
    const item: Item = { message, epoch, seq, attempts: 0, stored: undefined, run: undefined, isShared: false };
    this.#dirty.add(item);
    if (!this.#handler || this.#hasMore || this.#items.size >= MAX_LOADED) {
      this.#hasMore = true;
      return;
    }
    if (this.#shares.hasRoom(message.peer)) this.#begin(item);
  }

  /** A message that is here came again under another number; tells whether it still waits. */
  renumber(place: number, peer: number, epoch: string, seq: number): boolean {
    const item = this.#items.get(place);
    if (item) {
      item.epoch = epoch;
      item.seq = seq;
      this.#dirty.add(item);
      return true;
    }
    const row = this.#store.incoming.waitingAfter(place - 1, 1)[0];
    if (row?.place !== place) return false; // it is handled, or set aside
    this.#store.incoming.wait(place, peer, epoch, seq, row.attempts);
    return true;
  }

  /** Puts a message that was set aside back, as if it had just come. */
  retry({ place, peer, epoch, seq }: InboxRow): void {
    this.#store.incoming.forgetDeath(place);
    this.#store.incoming.wait(place, peer, epoch, seq, 0);
    this.#listener.counted(peer, 1);
  }

  /** There are messages that were passed over before: they were held, or set aside. */
  lookAgain(): void {
    this.#shares.lookAgain();
    this.#loadedUpTo = 0;
    this.#hasMore = true;
    this.#load();
  }

  /** Begins to hand out, with what has waited longest. */
  open(handler: DeliveryHandler): void {
    this.#handler = handler;
    this.#hasMore = true;
    this.#load();
  }

  /** Hands out nothing more; what is handed out goes on. */
  pause(): void {
    this.#handler = undefined;
    this.#queue.clear();
    for (const item of this.#items.values()) if (!item.run) this.#drop(item);
    this.#shares.lookAgain();
    this.#loadedUpTo = 0;
    this.#hasMore = true;
  }

  /** Resolves when nothing runs any more, or after `ms`. */
  idle(ms: number): Promise<void> {
    if (this.#items.size === 0) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = this.#world.clock.after(ms, resolve);
      this.#onIdle = () => {
        timer[Symbol.dispose]();
        resolve();
      };
    });
  }

  /** Tells the listener how many messages wait for each peer's handlers. */
  count(): void {
    this.#listener.recount();
    for (const { peer, count } of this.#store.incoming.waitingCounts()) this.#listener.counted(peer, count);
  }

  /** Aborts what runs. What has not ended by now is as if it had not been begun: being closed is no fault of a message. */
  close(): void {
    this.#abort.abort(new DOMException("the peer closes", "AbortError"));
    this.#queue.clear();
    for (const item of this.#items.values()) {
      if (item.run) item.attempts--;
      this.#dirty.add(item);
      item.run?.giveUp(new WarrenError("CLOSED", "the peer is closed"));
    }
    this.#items = new Map();
    this.#shares.clear();
  }

  /** Before each commit: what is not done is in the inbox, with what it has done so far. */
  save(): void {
    for (const item of this.#dirty) {
      const { place, peer } = item.message;
      if (item.stored !== item.attempts) this.#store.incoming.wait(place, peer, item.epoch, item.seq, item.attempts);
      item.stored = item.attempts;
      for (const [name, result] of item.run?.takeFresh() ?? []) this.#store.incoming.recordEffect(place, name, result);
    }
    this.#dirty.clear();
  }

  /** After a commit that failed: nothing of this turn happened, and what runs will run again. */
  reset(): void {
    this.#abort.abort(new DOMException("the store failed", "AbortError"));
    this.#abort = new AbortController();
    const error = new WarrenError("STORE_FAILED", "nothing was saved: the handlers run again");
    for (const item of this.#items.values()) item.run?.giveUp(error);
    this.#queue.clear();
    this.#items = new Map();
    this.#shares.clear();
    this.#beginning.clear();
    this.#dirty = new Set();
    this.#loadedUpTo = 0;
    this.#hasMore = true;
    this.count();
    void sleep(this.#world.clock, RETRY.maxMs, this.#abort.signal).then(
      () => this.#load(),
      () => {}, // closed, or failed again: then that one loads
    );
  }

  #load(): void {
    if (this.#isLoading) return; // a handler that ended at once asks for more: the loop below goes on
    this.#isLoading = true;
    try {
      this.#loadPages();
    } finally {
      this.#isLoading = false;
    }
  }

  #loadPages(): void {
    while (this.#handler && this.#hasMore && this.#items.size < MAX_LOADED / 2) {
      const rows = this.#store.incoming.waitingAfter(this.#loadedUpTo, MAX_LOADED / 2);
      for (const row of rows) {
        this.#loadedUpTo = row.place;
        if (this.#items.has(row.place) || this.#listener.isHeld(row.peer)) continue;
        if (this.#shares.hasRoom(row.peer)) this.#begin(fromRow(row));
      }
      if (rows.length < MAX_LOADED / 2) {
        // Those of this turn that are not stored yet are in #dirty, and come with the next turn.
        this.#hasMore = this.#dirtyBehind(this.#loadedUpTo);
        if (this.#hasMore) this.#store.db.afterCommit((error) => error || this.#load());
        return;
      }
    }
  }

  #dirtyBehind(place: number): boolean {
    for (const item of this.#dirty) {
      if (item.message.place > place && !this.#items.has(item.message.place)) return true;
    }
    return false;
  }

  #begin(item: Item): void {
    const { message } = item;
    this.#items.set(message.place, item);
    const isSuspect = item.attempts > 0;
    const { signal } = this.#abort;
    this.#queue.add(queueOf(message), () => {
      if (signal.aborted) return;
      if (isSuspect)
        return new Promise((resolve) => this.#suspects.add("suspects", () => this.#run(item, signal).then(resolve)));
      return this.#isCareful ? this.#run(item, signal) : this.#runAtOnce(item, signal);
    });
    if (!this.#isCurrent(item)) return; // nearly always it is done by now
    item.isShared = true;
    this.#shares.take(message.peer);
  }

  /** Returns whether more of its peer is to be loaded. */
  #drop(item: Item): boolean {
    this.#items.delete(item.message.place);
    return item.isShared && this.#shares.give(item.message.peer);
  }

  /** False once the item was dropped: by a pause, a close or a failure of the store. It is loaded again later. */
  #isCurrent(item: Item): boolean {
    return this.#items.get(item.message.place) === item;
  }

  get #isCareful(): boolean {
    return this.#world.clock.steady() < this.#carefulUntil;
  }

  /** The ordinary way: a handler that ends within the turn costs no write of its own. */
  #runAtOnce(item: Item, signal: AbortSignal): Promise<void> | void {
    if (!this.#handler || this.#listener.isHeld(item.message.peer)) return this.#putBack(item);
    try {
      const result = this.#call(item, signal);
      if (result instanceof Promise) {
        return result.then(
          () => this.#finish(item, null),
          (error: unknown) => this.#retry(item, signal, error),
        );
      }
      this.#finish(item, null);
    } catch (error) {
      return this.#retry(item, signal, error);
    }
  }

  /** The careful way: that the handlers are about to begin is on disk before they do. */
  async #run(item: Item, signal: AbortSignal): Promise<void> {
    if (!this.#isCurrent(item)) return;
    if (this.#listener.isHeld(item.message.peer)) return this.#putBack(item);
    if (item.attempts >= MAX_ATTEMPTS) {
      const reason = `its handlers ended the process ${item.attempts} times`;
      return this.#finish(item, reason);
    }
    item.attempts++;
    this.#dirty.add(item);
    if (item.attempts > 1) this.#beginning.add(item); // it is a suspect
    try {
      await this.#store.db.committed();
      if (item.attempts === 1) while (this.#beginning.size > 0) await this.#store.db.committed();
    } catch {
      return; // the store failed: `reset` has dropped the item, and loads it again
    }
    if (!this.#isCurrent(item)) return void this.#beginning.delete(item);
    item.attempts--; // counted again by #call
    const running = this.#runAtOnce(item, signal);
    if (this.#beginning.has(item)) void this.#endFirstTurn(item);
    await running;
  }

  async #endFirstTurn(item: Item): Promise<void> {
    try {
      await this.#store.db.committed();
    } catch {
      // the store failed or is closed: nobody begins in this life, or `reset` has forgotten it already
    }
    this.#beginning.delete(item);
  }

  /** Nobody takes messages any more, or none of this peer: it waits on disk. */
  #putBack(item: Item): void {
    this.#drop(item);
    if (this.#items.size === 0) this.#onIdle?.();
  }

  #call(item: Item, signal: AbortSignal): unknown {
    item.attempts++;
    if (item.attempts !== item.stored && !this.#dirty.has(item)) this.#touch(item);
    const { message } = item;
    const recorded = item.stored === undefined ? [] : this.#store.incoming.effectsOf(message.place);
    const run = HandlerRun.begin(message.hops, recorded, () => this.#touch(item));
    item.run = run;
    return run.enter(() => this.#handler?.({ message, attempt: item.attempts, signal }));
  }

  async #retry(item: Item, signal: AbortSignal, error: unknown): Promise<void> {
    // What it has begun and not awaited must not go on beside the next run.
    item.run?.giveUp(new WarrenError("CLOSED", "this run of the handlers has failed: another one takes its place"));
    if (!this.#isCurrent(item)) return;
    const { message, attempts } = item;
    const reason = describeError(error);
    if (attempts >= MAX_ATTEMPTS) {
      this.#log.warn(`${message.id} is set aside ("dead" lists it): its handler failed ${attempts} times: ${reason}`);
      return this.#finish(item, `its handler failed: ${reason}`);
    }
    // The next try may mend it; a bot has told of it, and more of it than is known here.
    this.#log.debug(`handling ${message.id} failed (${attempts} of ${MAX_ATTEMPTS}): ${reason}`);
    try {
      await sleep(
        this.#world.clock,
        backoffMs(attempts, () => this.#world.random(), RETRY),
        signal,
      );
    } catch {
      return; // the peer closes: the message waits in the inbox
    }
    if (this.#isCurrent(item)) await this.#runAtOnce(item, signal);
  }

  #finish(item: Item, reason: string | null): void {
    item.run?.end();
    if (!this.#isCurrent(item)) return;
    const { message } = item;
    const { place, peer } = message;
    try {
      if (item.stored !== undefined) this.#store.incoming.finish(place);
      if (reason !== null) this.#store.incoming.bury({ ...item, place, peer }, reason, this.#world.clock.now());
      this.#listener.settled(message, item.epoch, item.seq, reason);
    } catch (error) {
      this.#log.error(`the end of handling ${message.id} was not saved: ${describeError(error)}`);
      return; // `reset` comes with the rollback
    }
    const isNext = this.#drop(item);
    this.#dirty.delete(item);
    this.#listener.counted(peer, -1);
    if (isNext) this.lookAgain();
    else if (this.#hasMore && this.#items.size < MAX_LOADED / 4) this.#load();
    if (this.#items.size === 0) this.#onIdle?.();
  }

  #touch(item: Item): void {
    this.#dirty.add(item);
    this.#store.db.touch();
  }
}

/** What is one after another. A call is not: the one before it may be waiting for what comes of this one. */
function queueOf({ peer, room, place, data }: IncomingRow): string | number {
  if (room !== null) return `${peer}/${room}`;
  const isCall = data !== null && readRequest(decodeData(data)) !== undefined;
  return isCall ? `${peer}/call/${place}` : peer;
}

function fromRow({ epoch, seq, attempts, ...message }: InboxRow): Item {
  return { message, epoch, seq, attempts, stored: attempts, run: undefined, isShared: false };
}

/** Turns: whoever sends much is listened to in slices, so that whoever sends little does not wait behind all of it. */
import type { Clock } from "../base/world.ts";
import type { Database } from "../store/database.ts";
import { frontOf } from "../wire/lines.ts";

/** So many frames of one peer are looked at in one go, and so many bytes (128 KiB). What these bytes end counts with them. */
export const TURN_FRAMES = 100;
export const TURN_BYTES = 131_072;
/** Slices in one commit: more of them cost hardly less each, and whoever comes meanwhile waits for all of it. */
const MAX_SLICES = 16;

/** Somebody of whom more has come than is looked at in one go. */
export interface Talker {
  /** Looks at the next slice; returns whether there is more. */
  takeTurn(): boolean;
}

/** How many bytes at the front of `bytes` are looked at in one go. */
export function sliceOf(bytes: Uint8Array): number {
  return frontOf(bytes, TURN_FRAMES, TURN_BYTES);
}

/**
 * One slice in a turn of the event loop, and then whatever has arrived meanwhile: what is small is looked at as it comes and
 * never waits for more than a slice and a commit, however many flood. Those who flood take turns among themselves.
 *
 * Source: deficit round robin (M. Shreedhar and G. Varghese, Efficient Fair Queuing using Deficit Round Robin, 1995), with
 * flows that have no backlog going first (RFC 8290, FlowQueue-CoDel, section 3.3). What a slice cuts in two takes the place of
 * the deficit: the line is put together, and looked at, in the slice that ends it.
 */
export class Turns {
  readonly #clock: Clock;
  readonly #db: Database;
  readonly #talkers = new Set<Talker>(); // in the order of their turns
  #slices = 0; // since the last commit

  constructor(clock: Clock, db: Database) {
    this.#clock = clock;
    this.#db = db;
  }

  /** There is more of this one; it is in turn once, until it has no more. */
  add(talker: Talker): void {
    this.#talkers.add(talker);
    if (this.#talkers.size === 1) this.#clock.soon(() => this.#next());
  }

  #next(): void {
    if (!this.#db.isHurried) return this.#slice();
    this.#slices = 0;
    this.#db.commit(); // who waits for it would wait for the slice as well
    queueMicrotask(() => this.#slice()); // behind what they have to say
  }

  #slice(): void {
    const [talker] = this.#talkers;
    if (!talker) return;
    this.#slices++;
    this.#talkers.delete(talker);
    try {
      // Its commit is left to whoever else waits for one, or to a later slice.
      this.#db.lazily(() => talker.takeTurn() && this.#talkers.add(talker));
    } finally {
      this.#goOn(); // with the others, also if this one has failed
    }
  }

  #goOn(): void {
    const isLast = this.#talkers.size === 0;
    if (isLast || this.#slices >= MAX_SLICES) this.#endTurn();
    if (!isLast) this.#clock.soon(() => this.#next());
  }

  /** What the slices have written is committed before the next one. */
  #endTurn(): void {
    this.#slices = 0;
    this.#db.hasten();
  }
}

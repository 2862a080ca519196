/**
 * Doubt: when too many peers are lost at once, it is rather the registry that is cut off. Then nobody is called offline, and
 * what it tells is marked as stale; but not for longer than a bound, as they may be gone indeed.
 */
import type { Log } from "../base/log.ts";
import type { Clock } from "../base/world.ts";

/** Fewer may always go at once. */
export const DOUBT_FROM_PEERS = 20;
/** Of all that are listed. */
export const DOUBT_FROM_SHARE = 0.15;
export const DOUBT_MS = 120_000;

/** Of the roster. */
export interface Presences {
  /** How many peers are listed as online. */
  readonly size: number;
  /** How many of them have no session, and are waited for. */
  readonly missing: number;
}

export class Doubt {
  readonly #clock: Clock;
  readonly #log: Log;
  #until: number | undefined;
  #quietUntil = -Infinity; // after a doubt that was in vain there is no other for a while

  constructor(clock: Clock, log: Log) {
    this.#clock = clock;
    this.#log = log;
  }

  get isActive(): boolean {
    return this.#until !== undefined;
  }

  /** To be called before anybody is called offline; `isOverdue` says whether somebody would be. */
  weigh(presences: Presences, isOverdue: boolean): void {
    if (!isOverdue && !this.isActive) return;
    const now = this.#clock.steady();
    const { size, missing } = presences;
    const areTooMany = missing >= DOUBT_FROM_PEERS && missing > size * DOUBT_FROM_SHARE;
    if (this.#until === undefined) {
      if (!areTooMany || now < this.#quietUntil) return;
      this.#until = now + DOUBT_MS;
      const text = `nobody is called offline for ${DOUBT_MS / 1_000} s at most: see to the network`;
      return this.#log.warn(`${missing} of ${size} peers were lost at once; ${text}`);
    }
    const isOver = now >= this.#until;
    if (!isOver && areTooMany) return;
    this.#until = undefined;
    if (isOver) this.#quietUntil = now + DOUBT_MS;
    this.#log.warn(
      isOver ? `${missing} of ${size} peers did not come back` : "most of the peers that were lost are back",
    );
  }
}

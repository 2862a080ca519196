/** Forbearance: how often a registry can make its client do something, whatever it says. */
import { perMinute, TokenBucket } from "../base/rate.ts";
import type { Clock } from "../base/world.ts";

/** Each makes us go through all that is known; a registry that is alive needs one a session. */
const SNAPSHOTS = perMinute(20);
/** Each may change our record; a registry tells it once a login. */
const SIGHTINGS = perMinute(10);
const BUSY_MS = { least: 1_000, most: 10_000 };

export class Forbearance {
  readonly #snapshots: TokenBucket;
  readonly #sightings: TokenBucket;

  constructor(clock: Clock) {
    this.#snapshots = new TokenBucket(clock, SNAPSHOTS);
    this.#sightings = new TokenBucket(clock, SIGHTINGS);
  }

  /** Whether one more snapshot is borne with. */
  bearsSnapshot(): boolean {
    return this.#snapshots.take() === 0;
  }

  /** Whether it is listened to once more about where we can be dialled. */
  bearsSighting(): boolean {
    return this.#sightings.take() === 0;
  }

  /** How soon, in ms, a record is sent again that the registry could not keep, when it asks for `wishedMs`. */
  afterBusy(wishedMs = 0): number {
    return Math.min(Math.max(wishedMs, BUSY_MS.least), BUSY_MS.most);
  }
}

/** Loops: bots that answer each other fall silent by themselves; people are answered all the while. */
import type { PeerInfo } from "../base/ids.ts";
import type { Log } from "../base/log.ts";
import type { Clock } from "../base/world.ts";
import type { IncomingMessage } from "../peer/message.ts";

/** A message that this many messages of bots led to is answered by no bot. People begin again at 0. */
export const MAX_HOPS = 8;

/** So many messages a minute one bot says to another because of what that one said. */
export const MAX_PER_MINUTE = 30;

const MINUTE_MS = 60_000;
const MAX_BOTS = 10_000; // remembered; the one whose minute began first is forgotten first

/** What a bot says something because of: a message, or a job that was scheduled because of one. */
export type Cause = Pick<IncomingMessage, "from" | "hops" | "attempt"> & Partial<Pick<IncomingMessage, "id">>;

/** The minute that is counted with one other bot. */
interface Minute {
  readonly since: number; // steady ms
  count: number;
}

export class Loops {
  readonly #self: PeerInfo;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #minutes = new Map<string, Minute>(); // by the other bot's id, in the order in which they began
  #toldOfHops = false;

  constructor(self: PeerInfo, clock: Clock, log: Log) {
    this.#self = self;
    this.#clock = clock;
    this.#log = log;
  }

  /** Whether `to` may be told something because of `cause`. */
  admits(cause: Cause | undefined, to: string): boolean {
    if (!cause) return true;
    if (!this.#isWithinHops(cause)) return false;
    return cause.from.kind !== "bot" || !isSame(cause.from, to) || this.#isWithinRate(cause);
  }

  #isWithinHops({ from, hops }: Cause): boolean {
    if (hops < MAX_HOPS) return true;
    if (!this.#toldOfHops) {
      this.#log.warn(`${from.name} and ${this.#self.name} only answer each other: no more is said to that`);
    }
    this.#toldOfHops = true;
    return false;
  }

  /** Hops end a chain; this ends what begins a new chain each time, such as a bot that answers after its handler is done. */
  #isWithinRate({ from, attempt }: Cause): boolean {
    if (attempt > 1) return true; // it was counted already, and what was sent must be found again in the same order
    const now = this.#clock.steady();
    let minute = this.#minutes.get(from.id);
    if (!minute || now - minute.since >= MINUTE_MS) {
      minute = { since: now, count: 0 };
      this.#minutes.delete(from.id);
      this.#minutes.set(from.id, minute);
      this.#forgetOldest();
    }
    minute.count++;
    if (minute.count === MAX_PER_MINUTE + 1) {
      const what = `${from.name} has been told ${MAX_PER_MINUTE} things within a minute because of what it said`;
      this.#log.warn(`${what}: no more is said to it until the minute is over`);
    }
    return minute.count <= MAX_PER_MINUTE;
  }

  #forgetOldest(): void {
    const [oldest] = this.#minutes.keys();
    if (this.#minutes.size > MAX_BOTS && oldest !== undefined) this.#minutes.delete(oldest);
  }
}

function isSame({ id, name }: PeerInfo, to: string): boolean {
  return to === id || to.toLowerCase() === name;
}

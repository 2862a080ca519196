/** Token buckets: so many at once, and so many more as time goes on, for each key apart. */
import type { Clock } from "./world.ts";

const MAX_KEYS = 10_000;

export interface Rate {
  /** So many at once. */
  readonly burst: number;
  readonly perSecond: number;
}

/** So many at once, and as many again over a minute. */
export function perMinute(count: number): Rate {
  return { burst: count, perSecond: count / 60 };
}

/** For one key. */
export class TokenBucket {
  readonly #clock: Clock;
  readonly #rate: Rate;
  #tokens: number;
  #at: number; // when the tokens were counted

  constructor(clock: Clock, rate: Rate) {
    this.#clock = clock;
    this.#rate = rate;
    this.#tokens = rate.burst;
    this.#at = clock.steady();
  }

  /** How many may be taken now. */
  get available(): number {
    const { burst, perSecond } = this.#rate;
    const now = this.#clock.steady();
    this.#tokens = Math.min(burst, this.#tokens + ((now - this.#at) * perSecond) / 1_000);
    this.#at = now;
    return Math.floor(this.#tokens + 1e-9); // sums of fractions may miss a whole number by a hair
  }

  /** Takes so many; returns 0 if they were there, else the ms until they are. */
  take(count = 1): number {
    if (this.available < count) return Math.ceil(((count - this.#tokens) * 1_000) / this.#rate.perSecond);
    this.#tokens -= count;
    return 0;
  }
}

/** For many keys, of which it forgets those that were quiet for longest. */
export class RateLimit {
  readonly #clock: Clock;
  readonly #rate: Rate;
  readonly #buckets = new Map<string, TokenBucket>(); // the least recently used first

  constructor(clock: Clock, rate: Rate) {
    this.#clock = clock;
    this.#rate = rate;
  }

  available(key: string): number {
    return this.#buckets.get(key)?.available ?? this.#rate.burst;
  }

  take(key: string, count = 1): number {
    const bucket = this.#buckets.get(key) ?? new TokenBucket(this.#clock, this.#rate);
    this.#buckets.delete(key);
    this.#buckets.set(key, bucket);
    if (this.#buckets.size > MAX_KEYS) this.#forgetOldest();
    return bucket.take(count);
  }

  /** A gift to whoever is forgotten; but ten thousand addresses at once are beyond what buckets can stop. */
  #forgetOldest(): void {
    const [oldest] = this.#buckets.keys();
    if (oldest !== undefined) this.#buckets.delete(oldest);
  }
}

/** The part of an address that one owner cannot change at will: all of an IPv4 address, the first 64 bits of an IPv6 one. */
export function ownerOf(address: string): string {
  if (!address.includes(":")) return address;
  const [head = "", tail = ""] = address.split("::", 2);
  const groups = head.split(":").filter((group) => group !== "");
  const rest = tail.split(":").filter((group) => group !== "");
  while (address.includes("::") && groups.length + rest.length < 8) groups.push("0");
  return [...groups, ...rest].slice(0, 4).join(":");
}

/** `::ffff:192.0.2.1`, as a socket for both families says it, is `192.0.2.1`. */
export function plainAddress(address: string): string {
  return address.replace(/^::ffff:(?=\d+\.)/i, "");
}

/** Token buckets: so many at once, and as many again over a minute, for each key apart. */
import type { Clock } from "../base/world.ts";

const MINUTE_MS = 60_000;
const MAX_KEYS = 10_000;

/** For one key. */
export class TokenBucket {
  readonly #clock: Clock;
  readonly #perMinute: number;
  #tokens: number;
  #at: number; // when the tokens were counted

  constructor(clock: Clock, perMinute: number) {
    this.#clock = clock;
    this.#perMinute = perMinute;
    this.#tokens = perMinute;
    this.#at = clock.steady();
  }

  /** Takes one; returns 0 if there was one, else the ms until there is. */
  take(): number {
    const now = this.#clock.steady();
    this.#tokens = Math.min(this.#perMinute, this.#tokens + ((now - this.#at) * this.#perMinute) / MINUTE_MS);
    this.#at = now;
    if (this.#tokens < 1) return Math.ceil(((1 - this.#tokens) * MINUTE_MS) / this.#perMinute);
    this.#tokens -= 1;
    return 0;
  }
}

/** For many keys, of which it forgets those that were quiet for longest. */
export class RateLimit {
  readonly #clock: Clock;
  readonly #perMinute: number;
  readonly #buckets = new Map<string, TokenBucket>(); // the least recently used first

  constructor(clock: Clock, perMinute: number) {
    this.#clock = clock;
    this.#perMinute = perMinute;
  }

  take(key: string): number {
    const bucket = this.#buckets.get(key) ?? new TokenBucket(this.#clock, this.#perMinute);
    this.#buckets.delete(key);
    this.#buckets.set(key, bucket);
    if (this.#buckets.size > MAX_KEYS) this.#forgetOldest();
    return bucket.take();
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

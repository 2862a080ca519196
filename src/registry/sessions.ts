/** Sessions: all that are open at this process, how many a single address may have, and how they are sent away at its end. */
import { ownerOf, perMinute, RateLimit } from "../base/rate.ts";
import type { Clock } from "../base/world.ts";
import type { RegistryLimits } from "./limits.ts";
import type { Attendance } from "./registry-metrics.ts";
import { refusal, type Reply } from "./reply.ts";
import type { PeerSession } from "./session.ts";

/** For the last words to be taken. */
const PARTING_MS = 2_000;

export class Sessions implements Iterable<PeerSession> {
  readonly #clock: Clock;
  readonly #limits: RegistryLimits;
  readonly #rate: RateLimit;
  readonly #open = new Map<PeerSession, () => void>(); // and what is to be done when it has logged in, or has ended
  readonly #unknown = new Map<string, number>(); // those not yet logged in, by the owner of their address
  #onEmpty: (() => void) | undefined; // told when the last one has ended

  constructor(clock: Clock, limits: RegistryLimits) {
    this.#clock = clock;
    this.#limits = limits;
    this.#rate = new RateLimit(clock, perMinute(limits.sessionsPerMinute));
  }

  get size(): number {
    return this.#open.size;
  }

  [Symbol.iterator](): Iterator<PeerSession> {
    return this.#open.keys();
  }

  /** Why another one from this address is not taken just now. */
  refusal(address: string): Reply | undefined {
    const { maxSessions, maxUnknownPerAddress } = this.#limits;
    if (this.size >= maxSessions) return refusal(503, "RATE_LIMITED", "too many sessions", 30_000);
    const owner = ownerOf(address);
    const waitMs = this.#rate.take(owner);
    if (waitMs > 0) return refusal(429, "RATE_LIMITED", "too many sessions from this address", waitMs);
    if ((this.#unknown.get(owner) ?? 0) < maxUnknownPerAddress) return undefined;
    return refusal(429, "RATE_LIMITED", "too many sessions from this address are not logged in", 5_000);
  }

  /** `make` is given what the session calls when it has logged in. */
  open(address: string, make: (onLogin: () => void) => PeerSession): PeerSession {
    const owner = ownerOf(address);
    this.#unknown.set(owner, (this.#unknown.get(owner) ?? 0) + 1);
    let isUnknown = true;
    const known = (): void => {
      if (isUnknown) this.#forgetUnknown(owner);
      isUnknown = false;
    };
    const session = make(known);
    this.#open.set(session, known);
    return session;
  }

  /** Its socket is closed. */
  close(session: PeerSession): void {
    this.#open.get(session)?.();
    this.#open.delete(session);
    session.closed();
    if (this.size === 0) this.#onEmpty?.();
  }

  attendance(): Omit<Attendance, "eventStreams"> {
    const sessions = [...this];
    const known = sessions.filter(({ isKnown }) => isKnown).length;
    const subscribed = sessions.filter(({ isSubscribed }) => isSubscribed).length;
    return { known, unknown: sessions.length - known, subscribed };
  }

  /** Each is asked to come back in as many ms as it is given; waits until they have heard it, but not for long. */
  async sendAway(afterMs: () => number): Promise<void> {
    for (const session of this) session.sendAway(afterMs());
    if (this.size === 0) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#onEmpty = resolve;
    using _ = this.#clock.after(PARTING_MS, resolve);
    await promise;
  }

  #forgetUnknown(owner: string): void {
    const left = (this.#unknown.get(owner) ?? 1) - 1;
    if (left > 0) this.#unknown.set(owner, left);
    else this.#unknown.delete(owner);
  }
}

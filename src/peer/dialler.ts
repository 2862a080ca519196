/** Dialler: reaches the peers that we want to talk to, and never gives up as long as we do. */
import { WarrenError } from "../base/errors.ts";
import { formatAddress, type Address, type PeerId } from "../base/ids.ts";
import { backoffMs, sleep, type Timer, type World } from "../base/world.ts";
import { RateLimit } from "../base/rate.ts";
import type { Hello } from "../wire/frames.ts";
import { dialPlan } from "./dial-plan.ts";
import type { Link, Transport } from "./link.ts";

/** Bounds that no record, however hostile, can raise. */
export const MAX_ADDRESSES = 25;
export const ADDRESS_WITHIN_MS = 6_000;
const ALL_WITHIN_MS = 10_000;
/** Between the starts of attempts at different addresses. Source: RFC 8305 (Happy Eyeballs), section 8. */
const STAGGER_MS = 250;
/** So long after meeting a peer nobody dials it again: it may just be choosing that connection. */
const CHOICE_MS = 500;
/** How often news of one peer may end a pause: whoever comes and goes all the time is dialled no more often for it. */
const NEWS = { burst: 5, perSecond: 1 / 60 };

export interface DiallerHost {
  readonly world: World;
  readonly transport: Transport;
  /** Where the peer may be, best first. */
  addressesOf(peer: PeerId, isFirstAttempt: boolean): Promise<readonly Address[]>;
  connect(link: Link): Promise<Hello>;
  isWanted(peer: PeerId): boolean;
}

interface Attempt {
  timer: Timer | undefined;
  isDialling: boolean;
  notBefore: number; // steady ms
}

export class Dialler {
  readonly #host: DiallerHost;
  readonly #attempts = new Map<PeerId, Attempt>(); // under way, or waiting for the next one
  readonly #fruitless = new Map<PeerId, number>(); // how often we have dialled since it last did any good; no zeros
  readonly #news: RateLimit;
  readonly #abort = new AbortController();

  constructor(host: DiallerHost) {
    this.#host = host;
    this.#news = new RateLimit(host.world.clock, NEWS);
  }

  /** Begins to dial, unless it is already being tried; goes on for as long as the peer is wanted. */
  want(peer: PeerId): void {
    if (this.#attempts.has(peer) || this.#abort.signal.aborted || !this.#host.isWanted(peer)) return;
    const attempt: Attempt = { timer: undefined, isDialling: false, notBefore: 0 };
    this.#attempts.set(peer, attempt);
    // A connection that breaks before it has done any good counts as a failure: it must not be tried in a circle.
    if (this.#fruitless.has(peer)) this.#dialLater(peer, attempt);
    else this.#dial(peer);
  }

  /** A connection with this peer has been good for something: the next one may be tried at once. */
  progressed(peer: PeerId): void {
    this.#fruitless.delete(peer);
  }

  /** There is news of the peer: tries at once rather than at the end of the pause. */
  hurry(peer: PeerId): void {
    if (this.#news.take(peer) > 0) return this.want(peer);
    this.#fruitless.delete(peer);
    const attempt = this.#attempts.get(peer);
    if (!attempt) this.want(peer);
    else if (!attempt.isDialling) this.#dial(peer);
  }

  /** Leaves the peer alone for so long. */
  pause(peer: PeerId, ms: number): void {
    const attempt = this.#attempts.get(peer) ?? { timer: undefined, isDialling: false, notBefore: 0 };
    this.#attempts.set(peer, attempt);
    attempt.notBefore = this.#host.world.clock.steady() + ms;
    if (!attempt.isDialling) this.#dialAfter(peer, attempt, ms);
  }

  /** Who is there, whoever it is. @throws {WarrenError} `PEER_UNREACHABLE`, `PEER_IS_SELF`, `PEER_REFUSED` */
  async meet(address: Address): Promise<{ peer: PeerId; hello: Hello }> {
    const link = await this.#reach(address, undefined, this.#abort.signal);
    const hello = await this.#host.connect(link);
    this.pause(link.peer, CHOICE_MS);
    return { peer: link.peer, hello };
  }

  close(): void {
    this.#abort.abort(new WarrenError("CLOSED", "the peer was closed"));
    for (const { timer } of this.#attempts.values()) timer?.[Symbol.dispose]();
  }

  #dial(peer: PeerId): void {
    const attempt = this.#attempts.get(peer);
    if (!attempt) return;
    attempt.timer?.[Symbol.dispose]();
    if (!this.#host.isWanted(peer)) {
      this.#attempts.delete(peer); // it has come by itself meanwhile, or there is nothing for it any more
      return;
    }
    attempt.isDialling = true;
    this.#fruitless.set(peer, (this.#fruitless.get(peer) ?? 0) + 1);
    void this.#dialOnce(peer, attempt);
  }

  async #dialOnce(peer: PeerId, attempt: Attempt): Promise<void> {
    await this.#tryAll(peer);
    attempt.isDialling = false;
    // Still wanted: nobody answered, or the connection is already gone again, or it is not chosen yet; then it will be by then.
    if (!this.#abort.signal.aborted && this.#host.isWanted(peer)) this.#dialLater(peer, attempt);
    else this.#attempts.delete(peer);
  }

  #dialLater(peer: PeerId, attempt: Attempt): void {
    const { world } = this.#host;
    const failures = (this.#fruitless.get(peer) ?? 1) - 1;
    const ms = backoffMs(failures, () => world.random());
    this.#dialAfter(peer, attempt, ms);
  }

  #dialAfter(peer: PeerId, attempt: Attempt, ms: number): void {
    const { clock } = this.#host.world;
    attempt.timer?.[Symbol.dispose]();
    attempt.timer = clock.after(Math.max(ms, attempt.notBefore - clock.steady()), () => this.#dial(peer));
  }

  /** Tries the addresses one after another without waiting for the last one's failure, until a hello has come. */
  async #tryAll(peer: PeerId): Promise<void> {
    const { clock } = this.#host.world;
    const abort = new AbortController();
    const signal = AbortSignal.any([abort.signal, this.#abort.signal]);
    const limit = clock.after(ALL_WITHIN_MS, () =>
      abort.abort(new WarrenError("PEER_UNREACHABLE", "it took too long")),
    );
    try {
      const wished = await this.#host.addressesOf(peer, this.#fruitless.get(peer) === 1);
      const addresses = dialPlan(wished).slice(0, MAX_ADDRESSES);
      const attempts = addresses.map(async (address, index) => {
        await sleep(clock, index * STAGGER_MS, signal);
        const link = await this.#reach(address, peer, signal);
        if (signal.aborted) {
          link.terminate();
          throw signal.reason;
        }
        abort.abort(); // the first one wins
        await this.#host.connect(link);
      });
      await Promise.any(attempts);
    } catch {
      // no address answered: the caller tries again later, for as long as it is wanted
    } finally {
      limit[Symbol.dispose]();
      abort.abort();
    }
  }

  async #reach(address: Address, expect: PeerId | undefined, outer: AbortSignal): Promise<Link> {
    const abort = new AbortController();
    const signal = AbortSignal.any([abort.signal, outer]);
    const limit = this.#host.world.clock.after(ADDRESS_WITHIN_MS, () => {
      abort.abort(
        new WarrenError(
          "PEER_UNREACHABLE",
          `${formatAddress(address)} did not answer within ${ADDRESS_WITHIN_MS / 1000} s`,
        ),
      );
    });
    try {
      return await this.#host.transport.dial(address, { expect, signal });
    } finally {
      limit[Symbol.dispose]();
    }
  }
}

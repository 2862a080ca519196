/** Stage: where the peers of a test live. They are opened, killed, and waited for by turning the clock. */
import type { Log } from "../base/log.ts";
import type { PeerInfo, PeerKind } from "../base/ids.ts";
import { Scope } from "../base/scope.ts";
import type { World } from "../base/world.ts";
import { Peer } from "../peer/peer.ts";
import { openStore, type Store } from "../store/store.ts";
import { LifeClock } from "./life-clock.ts";
import type { ManualClock } from "./manual-clock.ts";
import { seededRandom, seededToken } from "./random.ts";
import { SharedDirectory } from "./shared-directory.ts";
import type { TestNetwork } from "./test-network.ts";

/** How far the clock may be turned while something is waited for: enough for a call without an answer, and every retry of a handler. */
const PATIENCE_MS = 40_000;

export interface StageOptions {
  /** Everything that is left to chance follows from it. */
  readonly seed: number;
  readonly network: TestNetwork;
  readonly log: Log;
}

/** Who is to be opened. */
export interface Role {
  readonly name: string;
  readonly kind: PeerKind;
  /** 32 bytes. Default: by the seed. */
  readonly key?: Uint8Array;
}

/** One run of a peer's process. */
export interface Life {
  readonly role: Role;
  readonly number: number; // from 1
  readonly peer: Peer;
  readonly store: Store;
  readonly clock: LifeClock;
  /** Takes it off the list of what is closed at the end. */
  readonly forget: () => void;
}

export class Stage implements AsyncDisposable {
  readonly clock: ManualClock;
  /** What is closed at the end. */
  readonly scope = new Scope();
  readonly #seed: number;
  readonly #network: TestNetwork;
  readonly #log: Log;
  readonly #directory = new SharedDirectory();

  constructor({ seed, network, log }: StageOptions) {
    this.clock = network.clock;
    this.#seed = seed;
    this.#network = network;
    this.#log = log;
  }

  open(role: Role): Promise<Life> {
    return this.#open(role, { number: 1, port: 0 });
  }

  /** Ends a process where it stands; returns how to start it again on what it had on disk. */
  kill({ role, number, peer, store, clock, forget }: Life): () => Promise<Life> {
    forget();
    clock.kill();
    this.#network.vanish(peer.id);
    void peer.directory?.hangUp(); // a registry tells a dead process nothing
    store.db.giveUp();
    const disk = store.db.serialize();
    const { port } = peer;
    this.scope.use(store.db); // what is left of the process may still look there
    return () => this.until(this.#open(role, { number: number + 1, port, disk }));
  }

  /** Waits for a promise, turning the clock from one thing that is due to the next as long as it takes. */
  async until<Result>(promise: Promise<Result>): Promise<Result> {
    const wait = { isOver: false };
    const end = (): void => void (wait.isOver = true);
    promise.then(end, end);
    await this.#turnClock(() => wait.isOver);
    return await promise;
  }

  /** Resolves when nothing is on its way and nobody is at work, but for those who wait for a later time. */
  async quiet(): Promise<void> {
    await this.#turnClock(() => this.#network.inFlight === 0 && this.clock.untilNext !== 0);
  }

  random(purpose: string): () => number {
    return seededRandom(Bun.hash.crc32(`${this.#seed} ${purpose}`));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      await this.until(this.scope.close());
    } finally {
      this.#network[Symbol.dispose](); // also where somebody does not end: its files are not to stay
    }
  }

  async #turnClock(isEnough: () => boolean): Promise<void> {
    const end = this.clock.steady() + PATIENCE_MS;
    await this.clock.settle();
    while (!isEnough()) {
      const ms = this.clock.untilNext;
      if (ms === undefined || this.clock.steady() + ms > end) {
        throw new Error(`the test still waits after ${PATIENCE_MS / 1_000} s on its clock`);
      }
      await this.clock.advance(ms);
    }
  }

  async #open(role: Role, run: { number: number; port: number; disk?: Uint8Array }): Promise<Life> {
    const { name, kind } = role;
    const { number, port, disk } = run;
    const keyRandom = this.random(`peer ${name}`);
    const seeded = Uint8Array.from({ length: 32 }, () => Math.floor(keyRandom() * 256));
    const { key = seeded } = role;
    const { id, host, transport, store: place } = await this.#network.join({ name, kind, key, disk });
    // A process that comes back must not give the ids that the one before has given.
    const random = number === 1 ? keyRandom : this.random(`peer ${name} ${number}`);
    const info: PeerInfo = { id, name, kind };
    const clock = new LifeClock(this.clock);
    const world: World = { clock, random, token: seededToken(random) };
    const store = openStore(place, clock);
    const peer = await Peer.open({ info, store, transport, world, log: this.#log.named(name), host, port });
    const forget = this.scope.defer(() => peer.close());
    await peer.setDirectory(this.#directory.join());
    return { role, number, peer, store, clock, forget };
  }
}

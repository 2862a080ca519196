/**
 * Process lease: a process's right to hold sessions, under a key that it renews. When it cannot, it gives up by its own
 * steady clock before the others take it for dead, and begins anew under another name as soon as it can.
 */
import { describeError, WarrenError } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import type { Timer, World } from "../base/world.ts";
import type { Journal } from "./journal.ts";
import type { ProcessValue } from "./shared-values.ts";

const REJOIN_MS = 1_000;

export interface ProcessLeaseOptions {
  journal: Journal;
  world: World;
  log: Log;
  leaseMs: number;
  /** The lease was renewed: a good moment to look at the others. */
  onRenewed: () => void;
  /** Its sessions count for nothing from now on. */
  onLost: (why: string) => void;
  /** It holds again, under a new name. */
  onRegained: () => void;
}

export class ProcessLease implements AsyncDisposable {
  readonly #journal: Journal;
  readonly #world: World;
  readonly #log: Log;
  readonly #leaseMs: number;
  readonly #onRenewed: () => void;
  readonly #onLost: (why: string) => void;
  readonly #onRegained: () => void;
  #owner: string;
  #revision = 0;
  #renewals = 0;
  #renewing: Promise<void> | undefined;
  #validUntil = -Infinity; // steady
  #timer: Timer | undefined; // of the next renewal or attempt to join
  #fence: Timer | undefined;
  #isClosed = false;

  constructor({ journal, world, log, leaseMs, onRenewed, onLost, onRegained }: ProcessLeaseOptions) {
    this.#journal = journal;
    this.#world = world;
    this.#log = log;
    this.#leaseMs = leaseMs;
    this.#onRenewed = onRenewed;
    this.#onLost = onLost;
    this.#onRegained = onRegained;
    this.#owner = world.token(16);
  }

  /** The name of this process while it holds this lease. */
  get owner(): string {
    return this.#owner;
  }

  get key(): string {
    return `process.${this.#owner}`;
  }

  get holds(): boolean {
    return this.#world.clock.steady() < this.#validUntil;
  }

  /** @throws {WarrenError} `STORE_UNREACHABLE` */
  async join(): Promise<void> {
    this.#revision = 0;
    if (!(await this.#put())) throw new WarrenError("STORE_UNREACHABLE", `${this.key} is there already`);
    if (!this.#isClosed) this.#scheduleRenewal();
  }

  /** Renews it now. Never rejects: what fails is tried again until the lease ends. */
  async renew(): Promise<void> {
    // Two at once would take each other for somebody else's.
    this.#renewing ??= this.#renew().finally(() => (this.#renewing = undefined));
    await this.#renewing;
  }

  /** Gives it back: the others need not wait for its end. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    this.#stop();
    await this.#journal.put(this.key, "", this.#revision).catch(() => {}); // then it ends by itself
  }

  async #renew(): Promise<void> {
    if (this.#isClosed || this.#validUntil === -Infinity) return;
    try {
      if (await this.#put()) this.#onRenewed();
      else this.#lose("the others have taken this process for dead");
    } catch (error) {
      this.#log.debug(`the lease was not renewed: ${describeError(error)}`);
    }
  }

  /** Returns whether it is still ours. */
  async #put(): Promise<boolean> {
    const { clock } = this.#world;
    const sentAt = clock.steady(); // whoever sees the renewal sees it later than this
    const key = this.key;
    const value: ProcessValue = { leaseMs: this.#leaseMs, renewal: ++this.#renewals };
    const text = JSON.stringify(value);
    let written = await this.#journal.put(key, text, this.#revision);
    if (written.kind === "conflict") {
      // Others only ever end it: a value there is one of ours that was given up, and written after all.
      const there = await this.#journal.get(key);
      if (there && there.value !== "") written = await this.#journal.put(key, text, there.revision);
    }
    if (key !== this.key || this.#isClosed) return true; // lost meanwhile, and told
    if (written.kind === "conflict") return false;
    this.#revision = written.revision;
    this.#validUntil = sentAt + this.#leaseMs;
    this.#fence?.[Symbol.dispose]();
    const why = `the shared store took no renewal for ${this.#leaseMs} ms`;
    this.#fence = clock.after(this.#validUntil - clock.steady(), () => this.#lose(why));
    return true;
  }

  #scheduleRenewal(): void {
    this.#timer = this.#world.clock.after(this.#leaseMs / 4, () => void this.#keep());
  }

  async #keep(): Promise<void> {
    const { owner } = this;
    await this.renew();
    if (owner === this.#owner && !this.#isClosed) this.#scheduleRenewal();
  }

  #lose(why: string): void {
    if (this.#validUntil === -Infinity) return;
    this.#stop();
    const [key, revision] = [this.key, this.#revision];
    this.#owner = this.#world.token(16);
    this.#onLost(why);
    this.#timer = this.#world.clock.after(REJOIN_MS, () => void this.#rejoin(key, revision));
  }

  async #rejoin(lostKey: string, lostRevision: number): Promise<void> {
    try {
      await this.join();
    } catch {
      if (this.#isClosed) return;
      this.#timer = this.#world.clock.after(REJOIN_MS, () => void this.#rejoin(lostKey, lostRevision));
      return;
    }
    this.#onRegained();
    await this.#journal.put(lostKey, "", lostRevision).catch(() => {}); // then the others see it end
  }

  #stop(): void {
    this.#validUntil = -Infinity;
    this.#timer?.[Symbol.dispose]();
    this.#fence?.[Symbol.dispose]();
  }
}

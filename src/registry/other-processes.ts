/** Other processes: those that share a registry's store, as one of them sees them live and die. Clocks are not compared. */
import { describeError } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import type { Clock } from "../base/world.ts";
import type { Entry, Journal } from "./journal.ts";
import type { Leaseholder } from "./roster.ts";
import { parseProcess } from "./shared-values.ts";

/** Beyond its lease, as a part of it: for a renewal that is on its way, and for clocks that do not run alike. */
const MARGIN = 0.5;

/** What is left of a process that has ended: by then everybody has heard of it. */
const FORGET_AFTER_MS = 3_600_000;

/** A session at another process. That process hears for itself what it has lost. */
class Elsewhere implements Leaseholder {
  readonly isElsewhere = true;
  dismiss(): void {}
  renew(): void {}
}

interface Known {
  readonly holder: Leaseholder;
  readonly leaseMs: number;
  revision: number;
  /** Steady. */
  heardAt: number;
}

export interface OtherProcessesOptions {
  journal: Journal;
  clock: Clock;
  log: Log;
  /** It has ended: who was there is to be waited for. */
  onEnd: (holder: Leaseholder) => void;
}

export class OtherProcesses {
  readonly #journal: Journal;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #onEnd: (holder: Leaseholder) => void;
  readonly #known = new Map<string, Known>(); // by their names as owners
  readonly #ended = new Map<string, Pick<Known, "revision" | "heardAt">>(); // what is left of them is in the journal still

  constructor({ journal, clock, log, onEnd }: OtherProcessesOptions) {
    this.#journal = journal;
    this.#clock = clock;
    this.#log = log;
    this.#onEnd = onEnd;
  }

  /** Undefined if no such process lives. */
  holderOf(owner: string): Leaseholder | undefined {
    return this.#known.get(owner)?.holder;
  }

  owners(): string[] {
    return [...this.#known.keys()];
  }

  /** A key of another process was written. */
  heard(owner: string, { value, revision }: Entry): void {
    const known = this.#known.get(owner);
    const process = parseProcess(value);
    const heardAt = this.#clock.steady();
    if (!process) {
      this.#known.delete(owner);
      if (revision > 0) this.#ended.set(owner, { revision, heardAt });
      if (known) this.#onEnd(known.holder);
      return;
    }
    if (known?.revision === revision) return; // told again
    this.#known.set(owner, { holder: known?.holder ?? new Elsewhere(), leaseMs: process.leaseMs, revision, heardAt });
  }

  /**
   * Ends the leases that were not renewed in time. It is the journal that says so: a renewal that was not heard here makes
   * it a conflict. Whoever is still alive under one that ended learns it at its next renewal.
   */
  async check(): Promise<void> {
    const now = this.#clock.steady();
    for (const [owner, known] of this.#known) {
      if (now - known.heardAt < known.leaseMs * (1 + MARGIN)) continue;
      try {
        await this.#end(owner, known);
      } catch (error) {
        this.#log.debug(`a lease that has run out could not be ended: ${describeError(error)}`);
      }
    }
    await this.#forgetEnded(now);
  }

  /**
   * Each process does so: whoever comes second finds nothing. It has just renewed its own lease, so what is dropped is never
   * the journal's last write, which a new reader reads up to.
   */
  async #forgetEnded(now: number): Promise<void> {
    for (const [owner, { revision, heardAt }] of this.#ended) {
      if (now - heardAt < FORGET_AFTER_MS) continue;
      this.#ended.delete(owner);
      try {
        await this.#journal.forget(keyOf(owner), revision);
      } catch (error) {
        this.#log.debug(`what is left of a process could not be dropped: ${describeError(error)}`); // its next reader will
      }
    }
  }

  async #end(owner: string, known: Known): Promise<void> {
    const key = keyOf(owner);
    const ended = await this.#journal.put(key, "", known.revision);
    if (ended.kind === "written") this.#log.warn(`a process of this registry was silent for too long: ${owner}`);
    else this.heard(owner, (await this.#journal.get(key)) ?? { key, value: "", revision: 0, time: 0 });
  }
}

function keyOf(owner: string): string {
  return `process.${owner}`;
}

/** Other processes: those that share a registry's store, as one of them sees them live and die. Clocks are not compared. */
import { describeError } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import type { Clock } from "../base/world.ts";
import type { Entry, Journal } from "./journal.ts";
import type { Leaseholder } from "./roster.ts";
import { parseProcess } from "./shared-values.ts";

/** Beyond its lease, as a part of it: for a renewal that is on its way, and for clocks that do not run alike. */
const MARGIN = 0.5;

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
    if (!process) {
      this.#known.delete(owner);
      if (known) this.#onEnd(known.holder);
      return;
    }
    const heardAt = this.#clock.steady();
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
  }

  async #end(owner: string, known: Known): Promise<void> {
    const key = `process.${owner}`;
    const ended = await this.#journal.put(key, "", known.revision);
    if (ended.kind === "written") this.#log.warn(`a process of this registry was silent for too long: ${owner}`);
    else this.heard(owner, (await this.#journal.get(key)) ?? { key, value: "", revision: 0, time: 0 });
  }
}

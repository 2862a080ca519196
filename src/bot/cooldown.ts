/** Cooldown: at most so many in so much time for each key; says once that it is too soon, and then stays silent. */
import type { Clock } from "../base/world.ts";

/** How many keys are remembered: the one that was used longest ago is forgotten first. */
const MAX_KEYS = 10_000;

export type Admission = { kind: "go" } | { kind: "wait" | "silent"; ms: number };

interface Use {
  /** Steady times in ms of what was let through within the last `perMs`; at most `max`, oldest first. */
  times: number[];
  wasTold: boolean;
}

export class Cooldown {
  readonly #max: number;
  readonly #perMs: number;
  readonly #clock: Clock;
  readonly #uses = new Map<string, Use>(); // in the order of their last use

  constructor(clock: Clock, options: { max: number; perMs: number }) {
    this.#clock = clock;
    this.#max = options.max;
    this.#perMs = options.perMs;
  }

  admit(key: string): Admission {
    const now = this.#clock.steady();
    const use = this.#uses.get(key) ?? { times: [], wasTold: false };
    this.#uses.delete(key);
    this.#uses.set(key, use);
    this.#forgetOldest();
    use.times = use.times.filter((time) => now - time < this.#perMs);
    const oldest = use.times[0];
    if (use.times.length < this.#max || oldest === undefined) {
      use.times.push(now);
      use.wasTold = false;
      return { kind: "go" };
    }
    const kind = use.wasTold ? "silent" : "wait";
    use.wasTold = true;
    return { kind, ms: oldest + this.#perMs - now };
  }

  #forgetOldest(): void {
    if (this.#uses.size <= MAX_KEYS) return;
    for (const key of this.#uses.keys()) {
      this.#uses.delete(key);
      return;
    }
  }
}

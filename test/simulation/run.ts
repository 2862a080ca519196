/** One run of the simulation over many seeds: spread over the cores, with progress, figures, and the way back to a failure. */
import { availableParallelism } from "node:os";
import { simulate, type SimulationResult } from "../../src/testing/simulation.ts";

const PROGRESS_MS = 1_000;
/** Failures that are shown; the rest is counted. */
const MAX_SHOWN = 5;

export interface SimulateOptions {
  first: number;
  count: number;
  peers: number;
  messages: number;
}

export class SimulateRun {
  readonly #options: SimulateOptions;
  readonly #failures: SimulationResult[] = [];
  readonly #faults: Record<string, number> = {};
  #done = 0;
  #promised = 0;
  #handled = 0;
  #simulatedMs = 0;

  constructor(options: SimulateOptions) {
    this.#options = options;
  }

  /** Runs one seed and prints all of its trace; true if every promise was kept. */
  async replay(): Promise<boolean> {
    const { first: seed, peers, messages } = this.#options;
    const startedAt = performance.now();
    const result = await simulate({ seed, peers, messages });
    for (const line of result.trace) console.log(line);
    this.#count(result);
    for (const complaint of result.complaints) console.log(`BROKEN: ${complaint}`);
    console.log(this.#figures(performance.now() - startedAt));
    return result.complaints.length === 0;
  }

  async runAll(): Promise<boolean> {
    const { first, count, peers, messages } = this.#options;
    const startedAt = performance.now();
    let shownAt = startedAt;
    const seeds = Array.from({ length: count }, (_, i) => first + i).values();
    const oneWorker = async (): Promise<void> => {
      const worker = new Worker(new URL("./worker.ts", import.meta.url));
      for (const seed of seeds) {
        worker.postMessage({ seed, peers, messages });
        this.#count(await nextResult(worker));
        if (!process.stderr.isTTY || performance.now() - shownAt < PROGRESS_MS) continue;
        shownAt = performance.now();
        process.stderr.write(`\r${this.#done} of ${count} seeds, ${this.#failures.length} failed `);
      }
      worker.terminate();
    };
    await Promise.all(Array.from({ length: Math.min(count, availableParallelism()) }, oneWorker));
    if (process.stderr.isTTY) process.stderr.write("\r\x1b[K");
    for (const failure of this.#failures.slice(0, MAX_SHOWN)) await this.#show(failure);
    console.log(this.#figures(performance.now() - startedAt));
    return this.#failures.length === 0;
  }

  #count(result: SimulationResult): void {
    this.#done++;
    this.#promised += result.promised;
    this.#handled += result.handled;
    this.#simulatedMs += result.simulatedMs;
    for (const [name, times] of Object.entries(result.faults)) this.#faults[name] = (this.#faults[name] ?? 0) + times;
    if (result.complaints.length > 0) this.#failures.push(result);
  }

  /** The failure with the fewest faults that this seed still fails with. */
  async #show(failure: SimulationResult): Promise<void> {
    const { seed } = failure;
    const { peers, messages } = this.#options;
    let shortest = failure;
    for (let maxFaults = 0; maxFaults < Math.min(failure.trace.length, 40) && shortest === failure; maxFaults++) {
      const result = await simulate({ seed, peers, messages, maxFaults });
      if (result.complaints.length > 0) shortest = result;
    }
    console.log(
      `seed ${seed} broke a promise; see it with: bun run simulate --seed ${seed} --peers ${peers} --messages ${messages}`,
    );
    for (const line of shortest.trace) console.log(`  ${line}`);
    for (const complaint of shortest.complaints.slice(0, MAX_SHOWN)) console.log(`  BROKEN: ${complaint}`);
  }

  #figures(elapsedMs: number): string {
    const hours = this.#simulatedMs / 3_600_000;
    const faults = Object.entries(this.#faults)
      .toSorted(([, a], [, b]) => b - a)
      .map(([name, times]) => `${times} ${name}`);
    return [
      `${this.#done} seeds, ${this.#failures.length} of them broke a promise`,
      `${this.#promised} messages promised, ${this.#handled} handled`,
      `faults: ${faults.join(", ") || "none"}`,
      `${hours.toFixed(1)} simulated hours in ${(elapsedMs / 1_000).toFixed(0)} s (${((hours / elapsedMs) * 1_000).toFixed(2)} hours a second)`,
    ].join("\n");
  }
}

function nextResult(worker: Worker): Promise<SimulationResult> {
  return new Promise((resolve, reject) => {
    worker.addEventListener("message", ({ data }: MessageEvent<SimulationResult>) => resolve(data), { once: true });
    worker.addEventListener("error", ({ message }) => reject(new Error(message)), { once: true });
  });
}

/** Fuzzer: runs one target on mutations of what it has seen before, and keeps what shows something new. */
import { describeError } from "../../src/base/errors.ts";
import { Corpus } from "./corpus.ts";
import { mutate } from "./mutate.ts";
import { Dice } from "./random.ts";
import { Broken, shapeOf, type Target } from "./target.ts";

/** How long one execution may take, in ms: the best of three, as the machine may be busy. */
const MAX_EXECUTION_MS = 250;
/** How much the heap may have grown when it is looked at, in bytes, and after how many executions it is. */
const MAX_GROWTH_BYTES = 64 * 1_024 * 1_024;
const LOOK_EVERY = 50_000;

export interface Finding {
  readonly target: string;
  readonly what: string;
  readonly input: Uint8Array;
  readonly stack: string;
}

export class Fuzzer {
  readonly target: Target;
  readonly findings = new Map<string, Finding>();
  executions = 0;
  readonly #seeds: readonly Uint8Array[];
  readonly #corpus: Corpus;
  readonly #dice: Dice;
  readonly #before: (input: Uint8Array) => void;
  #baseline = 0;

  /** `before` is told every input just before it is run. */
  constructor(target: Target, seed: number, before: (input: Uint8Array) => void = () => {}) {
    this.target = target;
    this.#seeds = target.seeds.map((text) => Buffer.from(text));
    this.#corpus = new Corpus(target.name, this.#seeds);
    this.#dice = new Dice(seed);
    this.#before = before;
  }

  get corpus(): { readonly size: number; readonly sights: number } {
    return this.#corpus;
  }

  /** Runs the seeds and everything in the corpus file. */
  async replay(): Promise<void> {
    for (const input of [...this.#seeds, ...(await this.#corpus.read())]) await this.run(input);
  }

  /** Runs `count` new inputs. */
  async go(count: number): Promise<void> {
    const { tokens, maxBytes } = this.target;
    const material = { tokens, maxBytes, other: () => this.#corpus.pick(this.#dice) };
    for (let n = 0; n < count; n++) {
      const ran = this.run(mutate(this.#corpus.pick(this.#dice), this.#dice, material));
      if (ran) await ran;
    }
  }

  /** Runs one input. Returns nothing where there is nothing to wait for: waiting would cost more than most executions. */
  run(input: Uint8Array): void | Promise<void> {
    this.executions++;
    this.#before(input);
    const sights = new Set<string>();
    const started = performance.now();
    const ended = (): void | Promise<void> => {
      if (performance.now() - started > MAX_EXECUTION_MS) return this.#judgeTime(input);
      this.#corpus.offer(input, sights);
      if (this.executions % LOOK_EVERY === 0) this.#judgeHeap(input);
    };
    try {
      const running = this.target.run(input, (sight) => void sights.add(sight));
      if (running) return running.then(ended, (error: unknown) => this.#found(input, error));
      return ended();
    } catch (error) {
      return this.#found(input, error);
    }
  }

  save(): Promise<void> {
    return this.#corpus.write();
  }

  async #judgeTime(input: Uint8Array): Promise<void> {
    let best = Infinity;
    for (let n = 0; n < 3; n++) {
      const started = performance.now();
      await this.target.run(input, () => {});
      best = Math.min(best, performance.now() - started);
    }
    if (best > MAX_EXECUTION_MS) await this.#found(input, new Broken(`it takes over ${MAX_EXECUTION_MS} ms`));
  }

  #judgeHeap(input: Uint8Array): void {
    Bun.gc(true);
    const { heapUsed } = process.memoryUsage();
    this.#baseline ||= heapUsed;
    if (heapUsed - this.#baseline > MAX_GROWTH_BYTES) {
      void this.#found(input, new Broken("the heap has grown by over 64 MiB and does not shrink"));
      this.#baseline = heapUsed;
    }
  }

  async #found(input: Uint8Array, error: unknown): Promise<void> {
    const what = `${error instanceof Error ? error.name : "thrown"}: ${shapeOf(describeError(error))}`;
    if (this.findings.has(what)) return;
    const stack = error instanceof Error ? (error.stack ?? "") : "";
    this.findings.set(what, { target: this.target.name, what, input, stack });
    const shortest = await this.#shorten(input, what);
    this.findings.set(what, { target: this.target.name, what, input: shortest, stack });
    if (shortest.byteLength <= 20_000) this.#corpus.keep(shortest);
  }

  /** The input without whatever is not needed for the same finding. */
  async #shorten(input: Uint8Array, what: string): Promise<Uint8Array> {
    let shortest = input;
    for (let size = Math.ceil(input.byteLength / 2); size > 0; size = size === 1 ? 0 : Math.ceil(size / 2)) {
      for (let at = 0; at < shortest.byteLength && size * 400 > shortest.byteLength;) {
        const without = Buffer.concat([shortest.subarray(0, at), shortest.subarray(at + size)]);
        if ((await this.#outcome(without)) === what) shortest = without;
        else at += size;
      }
    }
    return shortest;
  }

  async #outcome(input: Uint8Array): Promise<string> {
    try {
      await this.target.run(input, () => {});
      return "";
    } catch (error) {
      return `${error instanceof Error ? error.name : "thrown"}: ${shapeOf(describeError(error))}`;
    }
  }
}

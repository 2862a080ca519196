/** The corpus of one target: for each thing that was ever seen, the shortest input that shows it. */
import { existsSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Dice } from "./random.ts";

/** Of one target's file. */
const MAX_FILE_BYTES = 12_000;
/** Longer inputs are used while the program runs and not kept. */
const MAX_KEPT_BYTES = 1_000;
const MAX_SIGHTS = 2_000;

const FOLDER = join(import.meta.dir, "corpus");

export class Corpus {
  readonly #path: string;
  readonly #foundPath: string;
  readonly #bySight = new Map<string, Uint8Array>();
  readonly #findings: Uint8Array[] = [];
  readonly #seeds: readonly Uint8Array[];
  #inputs: readonly Uint8Array[];

  /** The seeds are always among the inputs, whatever they show. */
  constructor(target: string, seeds: readonly Uint8Array[]) {
    this.#path = join(FOLDER, `${target}.jsonl`);
    this.#foundPath = join(FOLDER, `${target}.found.jsonl`);
    this.#inputs = this.#seeds = seeds;
  }

  /** What was kept and what was found. */
  async read(): Promise<Uint8Array[]> {
    const lines = [...(await readLines(this.#path)), ...(await readLines(this.#foundPath))];
    return lines.map((line) => Buffer.from(String(JSON.parse(line)), "latin1"));
  }

  /** Writes the shortest inputs that together show as much as the file may hold. What was found is never dropped. */
  async write(): Promise<void> {
    const fresh = new Set(this.#bySight.values()).difference(new Set(this.#seeds));
    const shortest = [...fresh].filter(({ byteLength }) => byteLength <= MAX_KEPT_BYTES);
    const lines: string[] = [];
    let bytes = 0;
    for (const line of shortest.sort((a, b) => a.byteLength - b.byteLength).map(asLine)) {
      bytes += line.length + 1;
      if (bytes <= MAX_FILE_BYTES) lines.push(line);
    }
    await mkdir(dirname(this.#path), { recursive: true });
    await Bun.write(this.#path, lines.map((line) => `${line}\n`).join(""));
    const found = new Set([...(await readLines(this.#foundPath)), ...this.#findings.map(asLine)]);
    if (found.size > 0) await Bun.write(this.#foundPath, [...found].map((line) => `${line}\n`).join(""));
  }

  get size(): number {
    return this.#inputs.length;
  }

  get sights(): number {
    return this.#bySight.size;
  }

  /** The shorter one of two: long inputs cost more, and most of what is in them does nothing. */
  pick(dice: Dice): Uint8Array {
    const [one, other] = [dice.pick(this.#inputs), dice.pick(this.#inputs)];
    return one.byteLength <= other.byteLength ? one : other;
  }

  /** Whether the input shows something new, or is shorter than the one that showed it; it is kept then. */
  offer(input: Uint8Array, sights: Iterable<string>): boolean {
    let isKept = false;
    for (const sight of sights) {
      const known = this.#bySight.get(sight);
      if (known ? known.byteLength <= input.byteLength : this.#bySight.size >= MAX_SIGHTS) continue;
      this.#bySight.set(sight, input);
      isKept = true;
    }
    if (isKept) this.#inputs = [...new Set([...this.#seeds, ...this.#bySight.values()])];
    return isKept;
  }

  /** Keeps an input for good: the test fails until what it has found is mended, and guards it from then on. */
  keep(finding: Uint8Array): void {
    this.#findings.push(finding);
  }
}

async function readLines(path: string): Promise<string[]> {
  if (!existsSync(path)) return [];
  return (await Bun.file(path).text()).split("\n").filter((line) => line !== "");
}

/** One input a line, as a JSON string with a character for each byte. */
function asLine(input: Uint8Array): string {
  return JSON.stringify(Buffer.from(input).toString("latin1"));
}

/** A campaign: the targets take turns until the time is over. Runs in a process of its own, which `fuzz.ts` watches. */
import { writeFileSync } from "node:fs";
import { Fuzzer, type Finding } from "./fuzzer.ts";
import { TARGETS } from "./targets.ts";

/** How long a target has its turn, in ms. */
const TURN_MS = 250;

export interface CampaignOptions {
  readonly seed: number;
  readonly executions: number;
  readonly seconds: number;
  readonly target: string | undefined;
  /** Where the input is noted that runs right now: what is there when this process ends is what has ended it. */
  readonly box: string;
}

export interface Score {
  readonly target: string;
  readonly executions: number;
  readonly seconds: number;
  readonly corpus: number;
  readonly sights: number;
}

export interface Progress {
  readonly scores: readonly Score[];
  /** What was found since the last time. */
  readonly findings: readonly (Omit<Finding, "input"> & { readonly input: string })[];
  readonly isOver: boolean;
}

/** The note in the box: four bytes of length, four that say which target, and the input. */
export const BOX_HEADER_BYTES = 8;

if (import.meta.main) await runCampaign(JSON.parse(process.argv[2] ?? "{}") as CampaignOptions);

async function runCampaign({ seed, executions, seconds, target, box }: CampaignOptions): Promise<void> {
  const targets = TARGETS.filter(({ name }) => target === undefined || name === target);
  writeFileSync(box, new Uint8Array(BOX_HEADER_BYTES + Math.max(...targets.map(({ maxBytes }) => maxBytes))));
  const bytes = Bun.mmap(box); // the kernel keeps what is written there, however this process ends
  const header = new DataView(bytes.buffer, bytes.byteOffset);
  const fuzzers = targets.map((one, n) => {
    const note = (input: Uint8Array): void => {
      header.setUint32(0, input.byteLength);
      header.setUint32(4, TARGETS.indexOf(one));
      bytes.set(input, BOX_HEADER_BYTES);
    };
    return { fuzzer: new Fuzzer(one, seed + n, note), spentMs: 0 };
  });
  let isStopped = false;
  process.on("SIGINT", () => (isStopped = true));
  const end = performance.now() + seconds * 1_000;
  const told = new Set<string>();
  const tell = (isOver: boolean): void => {
    const findings = fuzzers
      .flatMap(({ fuzzer }) => [...fuzzer.findings.values()])
      .filter(({ what }) => !told.has(what));
    for (const { what } of findings) told.add(what);
    const scores = fuzzers.map(({ fuzzer, spentMs }) => ({
      target: fuzzer.target.name,
      executions: fuzzer.executions,
      seconds: spentMs / 1_000,
      corpus: fuzzer.corpus.size,
      sights: fuzzer.corpus.sights,
    }));
    const asText = findings.map((one) => ({ ...one, input: Buffer.from(one.input).toString("latin1") }));
    process.send?.({ scores, findings: asText, isOver } satisfies Progress);
  };
  const isOver = (): boolean =>
    isStopped ||
    performance.now() >= end ||
    fuzzers.reduce((sum, { fuzzer }) => sum + fuzzer.executions, 0) >= executions;
  for (const { fuzzer } of fuzzers) await fuzzer.replay();
  while (!isOver()) {
    for (const one of fuzzers) {
      const started = performance.now();
      while (performance.now() - started < TURN_MS && !isOver()) await one.fuzzer.go(20);
      one.spentMs += performance.now() - started;
      tell(false);
    }
  }
  for (const { fuzzer } of fuzzers) await fuzzer.save();
  tell(true);
  process.disconnect?.();
}

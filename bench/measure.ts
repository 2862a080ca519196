/** Measure: rounds in which every contender takes its turn, and the medians of them. */
import type { Question, Scale } from "./question.ts";

export interface Result {
  readonly question: string;
  readonly rounds: number;
  readonly scale: Scale;
  /** By contender and row: the median of the rounds. */
  readonly medians: Readonly<Record<string, Readonly<Record<string, number>>>>;
  /** By contender: why it could not be measured. */
  readonly missing: Readonly<Record<string, string>>;
}

export interface MeasureOptions {
  readonly rounds: number;
  readonly scale: Scale;
  readonly tell: (line: string) => void;
}

export async function measureAll(question: Question, { rounds, scale, tell }: MeasureOptions): Promise<Result> {
  const missing: Record<string, string> = {};
  for (const { name, missing: whyMissing } of question.contenders) {
    const why = whyMissing?.();
    if (why === undefined) continue;
    missing[name] = why;
    tell(`  ${name} is not measured: ${why}`);
  }
  const present = question.contenders.filter(({ name }) => !(name in missing));
  const figures = new Map(present.map(({ name }) => [name, [] as Readonly<Record<string, number>>[]]));
  for (let round = 0; round < rounds; round++) {
    // Each begins in turn: whoever is first finds another machine than who is last.
    for (let turn = 0; turn < present.length; turn++) {
      const contender = present[(round + turn) % present.length];
      if (contender) figures.get(contender.name)?.push(await contender.measure(scale));
    }
  }
  const medians = Object.fromEntries(
    [...figures].map(([name, all]) => [
      name,
      Object.fromEntries(question.rows.map((row) => [row.name, median(all.map((one) => one[row.name] ?? Number.NaN))])),
    ]),
  );
  return { question: question.name, rounds, scale, medians, missing };
}

export function median(values: readonly number[]): number {
  const sorted = values.filter((value) => !Number.isNaN(value)).sort((a, b) => a - b);
  const middle = sorted.length / 2;
  if (sorted.length === 0) return Number.NaN;
  return sorted.length % 2 === 1
    ? (sorted[Math.floor(middle)] ?? Number.NaN)
    : ((sorted[middle - 1] ?? 0) + (sorted[middle] ?? 0)) / 2;
}

/** Warren's figure as a multiple of the limit's, where both were measured. */
export function ratioOf(result: Result, row: string): number | undefined {
  const limit = result.medians["limit"]?.[row];
  const warren = result.medians["warren"]?.[row];
  const ratio = limit !== undefined && warren !== undefined ? warren / limit : Number.NaN;
  return Number.isFinite(ratio) ? ratio : undefined;
}

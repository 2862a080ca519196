/** Guard: ratios against those that were recorded. Absolute times say more about the machine than about the code. */
import { ratioOf, type Result } from "./measure.ts";
import type { Question } from "./question.ts";

/** So much worse than recorded is a failure: a fifth. */
export const TOLERATED = 0.2;

/** Ratios to the limit, by question and row. */
export type Ratios = Readonly<Record<string, Readonly<Record<string, number>>>>;

/** A short run warms up less, so its ratios are others: each is compared with its own kind. */
export type Recorded = Readonly<Partial<Record<"full" | "short", Ratios>>>;

type Judged = Pick<Question, "name" | "rows">;

export async function readRecorded(path: string): Promise<Recorded> {
  return (await Bun.file(path).json()) as Recorded;
}

/** What is recorded, with the ratios of `results` in place of the ones before; of a short run those of the steady rows. */
export function record(before: Recorded, results: readonly Result[], questions: readonly Judged[]): Recorded {
  const after = { ...before };
  for (const result of results) {
    const kind = kindOf(result);
    const rows = questions.find(({ name }) => name === result.question)?.rows ?? [];
    const ratios = rows.flatMap((row): [string, number][] => {
      const ratio = ratioOf(result, row.name);
      return ratio === undefined || (kind === "short" && !row.isSteady) ? [] : [[row.name, Number(ratio.toFixed(3))]];
    });
    if (ratios.length > 0) after[kind] = { ...after[kind], [result.question]: Object.fromEntries(ratios) };
  }
  return after;
}

export interface Verdict {
  /** A line for each ratio that is worse than the recorded one by more than is tolerated, or that is no longer there. */
  readonly losses: readonly string[];
  /** How many ratios there were to compare. */
  readonly compared: number;
}

export function compare(results: readonly Result[], recorded: Recorded, questions: readonly Judged[]): Verdict {
  const losses: string[] = [];
  let compared = 0;
  for (const result of results) {
    const ratios = recorded[kindOf(result)]?.[result.question] ?? {};
    const rows = questions.find(({ name }) => name === result.question)?.rows ?? [];
    for (const { name, isMoreBetter } of rows) {
      const before = ratios[name];
      if (before === undefined) continue;
      compared++;
      const now = ratioOf(result, name);
      if (now === undefined) {
        losses.push(`${result.question}, ${name}: it could not be measured; the ratio to the limit was ${before}`);
        continue;
      }
      const isWorse = isMoreBetter ? now < before * (1 - TOLERATED) : now > before * (1 + TOLERATED);
      if (isWorse)
        losses.push(`${result.question}, ${name}: the ratio to the limit is ${now.toFixed(2)}; it was ${before}`);
    }
  }
  return { losses, compared };
}

function kindOf({ scale }: Result): "full" | "short" {
  return scale === 1 ? "full" : "short";
}

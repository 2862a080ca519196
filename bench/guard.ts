/** Guard: ratios against those that were recorded. Absolute times say more about the machine than about the code. */
import { ratioOf, type Result } from "./measure.ts";
import { questions } from "./questions.ts";

/** So much worse than recorded is a failure: a fifth. */
const TOLERATED = 0.2;

/** Ratios to the limit, by question and row. */
export type Recorded = Readonly<Record<string, Readonly<Record<string, number>>>>;

export async function readRecorded(path: string): Promise<Recorded> {
  return (await Bun.file(path).json()) as Recorded;
}

export function ratiosOf(results: readonly Result[]): Recorded {
  return Object.fromEntries(
    results.map((result) => {
      const rows = questions.find(({ name }) => name === result.question)?.rows ?? [];
      const ratios = rows.flatMap(({ name }): [string, number][] => {
        const ratio = ratioOf(result, name);
        return ratio === undefined ? [] : [[name, ratio]];
      });
      return [result.question, Object.fromEntries(ratios)];
    }),
  );
}

/** A line for each ratio that has become worse than the recorded one by more than is tolerated. */
export function compare(results: readonly Result[], recorded: Recorded): string[] {
  return results.flatMap((result) => {
    const rows = questions.find(({ name }) => name === result.question)?.rows ?? [];
    return rows.flatMap(({ name, isMoreBetter, wanted }) => {
      const before = recorded[result.question]?.[name];
      const now = ratioOf(result, name);
      if (before === undefined || now === undefined || wanted === undefined) return [];
      const isWorse = isMoreBetter ? now < before * (1 - TOLERATED) : now > before * (1 + TOLERATED);
      if (!isWorse) return [];
      return [`${result.question}, ${name}: the ratio to the limit is ${now.toFixed(2)}; it was ${before.toFixed(2)}`];
    });
  });
}

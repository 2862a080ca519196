/** A question with invented figures, for the tests of the bench. */
import type { Result } from "../../bench/measure.ts";
import type { Question } from "../../bench/question.ts";

export const SPEED = { name: "speed", unit: "/s", isMoreBetter: true, wanted: 0.5 } as const;
export const DELAY = { name: "delay", unit: "µs", isMoreBetter: false, wanted: 2 } as const;

export function question(more: Partial<Question> = {}): Question {
  return { name: "race", about: "who is faster", rows: [SPEED, DELAY], contenders: [], ...more };
}

/** Of a limit of 100 in all rows. */
export function result(warren: Readonly<Record<string, number>>, more: Partial<Result> = {}): Result {
  const limit = Object.fromEntries(Object.keys(warren).map((row) => [row, 100]));
  return { question: "race", rounds: 1, scale: 1, medians: { limit, warren }, missing: {}, ...more };
}

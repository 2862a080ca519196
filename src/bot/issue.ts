/** Issue: what zod finds wrong with a word, as a sentence for the person who typed it. */
import type { z } from "zod";

/** A sentence about `word`, where zod has none that a person can use. */
export function describeIssue(issue: z.core.$ZodRawIssue, word: string): string | undefined {
  const unit = issue.code.startsWith("too_") && issue["origin"] === "string" ? " characters" : "";
  if (issue.code === "too_small") return `${word} is too ${unit ? "short" : "small"}: ${least(issue)}${unit}`;
  if (issue.code === "too_big") return `${word} is too ${unit ? "long" : "big"}: ${most(issue)}${unit}`;
  if (issue.code === "invalid_format") return `${word} is not a valid ${String(issue["format"])}`;
  return undefined;
}

function least({ minimum, inclusive }: Record<string, unknown>): string {
  return `${inclusive === false ? "more than" : "at least"} ${String(minimum)}`;
}

function most({ maximum, inclusive }: Record<string, unknown>): string {
  return `${inclusive === false ? "less than" : "at most"} ${String(maximum)}`;
}

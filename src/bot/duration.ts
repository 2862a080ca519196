/** Durations as authors write them: `"10s"`, `"5m"`, `"1d"`. */
import { WarrenError } from "../base/errors.ts";

const UNITS_MS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

export type Duration = `${number}${keyof typeof UNITS_MS}`;

const DURATION = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/;

export function isDuration(text: string): text is Duration {
  return DURATION.test(text);
}

/** @throws {WarrenError} `PLUGIN_INVALID` */
export function durationMs(text: Duration): number {
  const [, digits, unit] = DURATION.exec(text) ?? [];
  for (const [name, ms] of Object.entries(UNITS_MS)) if (name === unit) return Number(digits) * ms;
  throw new WarrenError(
    "PLUGIN_INVALID",
    `"${text}" is not a duration: write a number and ms, s, m, h or d, like "10s"`,
  );
}

/** For people: whole seconds up to two minutes, then whole minutes, hours, days; never less than what is left. */
export function describeDuration(ms: number): string {
  for (const [unit, size, upTo] of [
    ["s", 1_000, 120],
    ["m", 60_000, 120],
    ["h", 3_600_000, 48],
  ] as const) {
    const count = Math.ceil(ms / size);
    if (count <= upTo) return `${count} ${unit}`;
  }
  return `${Math.ceil(ms / UNITS_MS.d)} d`;
}

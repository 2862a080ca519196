/** Schedules: the times of what happens again and again. */
import { WarrenError } from "../base/errors.ts";
import { type Duration, durationMs } from "./duration.ts";

const MIN_EVERY_MS = 1_000;

export interface Schedule {
  /** As it was written: `every 1d`, `cron 0 9 * * 1-5 Europe/Berlin`. */
  readonly text: string;
  /** The first time after `after`, in epoch ms; `due` is the time before, or the one it began at. */
  next(due: number, after: number): number;
}

/** @throws {WarrenError} `PLUGIN_INVALID` */
export function everySchedule(interval: Duration): Schedule {
  const ms = durationMs(interval);
  if (ms < MIN_EVERY_MS) throw invalid(`every ${interval} is too often: "1s" is the least`);
  return {
    text: `every ${interval}`,
    next: (due, after) => due + (Math.floor(Math.max(0, after - due) / ms) + 1) * ms,
  };
}

/**
 * Five fields as `Bun.cron.parse` reads them. A time that the clocks skip comes once, as much later as they skip; a time of
 * day that comes twice counts once, the first time. "Every hour" and "every minute" go on through both.
 *
 * @throws {WarrenError} `PLUGIN_INVALID` for what cannot be read, never comes, or names an unknown zone
 */
export function cronSchedule(expression: string, zone: string | undefined, now: number): Schedule {
  const text = `cron ${expression}${zone === undefined ? "" : ` ${zone}`}`;
  const next = (_due: number, after: number): number => {
    const time = parse(expression, zone, after);
    if (time === null) throw invalid(`${text} never comes`);
    return time.getTime();
  };
  next(now, now);
  return { text, next };
}

function parse(expression: string, zone: string | undefined, after: number): Date | null {
  try {
    return Bun.cron.parse(expression, after, zone === undefined ? {} : { tz: zone });
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    const expected = `write minute, hour, day, month and weekday, like "0 9 * * 1-5", and a zone like "Europe/Berlin"`;
    throw new WarrenError("PLUGIN_INVALID", `"${expression}" cannot be kept: ${reason}; ${expected}`, { cause: error });
  }
}

function invalid(reason: string): WarrenError {
  return new WarrenError("PLUGIN_INVALID", reason);
}

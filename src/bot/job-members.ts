/** Job members: `bot.job`, `bot.every` and `bot.cron`, on top of the jobs of the bot. */
import { z } from "zod";
import { WarrenError } from "../base/errors.ts";
import type { Clock } from "../base/world.ts";
import { durationMs } from "./duration.ts";
import type { Job, JobCall } from "./job.ts";
import type { Jobs } from "./jobs.ts";
import type { Bot, End } from "./plugin.ts";
import { cronSchedule, everySchedule, type Schedule } from "./schedule.ts";

/** The latest time that a `Date` can hold, in epoch ms. */
const MAX_TIME = 8.64e15;

/** `until` ties a registration to the plugin. */
export function jobMembers(jobs: Jobs, clock: Clock, until: (end: End) => End): Pick<Bot, "job" | "every" | "cron"> {
  const recur = (schedule: Schedule, run: (call: JobCall<undefined>) => unknown, name: string | undefined): End =>
    until(
      jobs.add(name ?? jobs.freeName(schedule.text), { schedule, run: (call) => run({ ...call, payload: undefined }) }),
    );
  return {
    job(name, run, options) {
      const schema = options?.payload ?? z.undefined();
      // What comes out of the options' schema is what their type says.
      const read = (stored: unknown) => check(name, schema, stored) as z.output<NonNullable<typeof options>["payload"]>;
      until(jobs.add(name, { run: (call) => run({ ...call, payload: read(call.payload) }) }));
      return jobHandle(jobs, clock, name, schema, read);
    },
    every: (interval, run, { name } = {}) => recur(everySchedule(interval), run, name),
    cron: (expression, run, { name, zone } = {}) => recur(cronSchedule(expression, zone, clock.now()), run, name),
  };
}

function jobHandle<Input, Payload>(
  jobs: Jobs,
  clock: Clock,
  name: string,
  schema: z.ZodType,
  read: (stored: unknown) => Payload,
): Job<Input, Payload> {
  const schedule = async (due: number, payload: unknown): Promise<string> => {
    if (!(Math.abs(due) <= MAX_TIME))
      throw invalid(`job ${name}: there is no such time: give epoch ms or a valid Date`);
    const stored = asStored(payload);
    check(name, schema, stored);
    return await jobs.schedule(name, Math.floor(due), stored);
  };
  return {
    in: async (delay, payload?: unknown) => await schedule(clock.now() + durationMs(delay), payload),
    at: async (time, payload?: unknown) => await schedule(Number(time), payload),
    cancel: (id) => jobs.cancel(name, id),
    list: () =>
      jobs
        .list(name)
        .flatMap(([id, { next, payload }]) =>
          schema.safeParse(payload).success ? [{ id, at: next, payload: read(payload) }] : [],
        ),
  };
}

/** As it will be when the job runs. */
function asStored(payload: unknown): unknown {
  return payload === undefined ? undefined : (JSON.parse(JSON.stringify(payload) ?? "null") as unknown);
}

/** @throws {WarrenError} `PLUGIN_INVALID` */
function check(name: string, schema: z.ZodType, stored: unknown): unknown {
  const result = schema.safeParse(stored);
  if (result.success) return result.data;
  const issues = result.error.issues.map(({ path, message }) =>
    path.length > 0 ? `${path.join(".")}: ${message}` : message,
  );
  throw invalid(`job ${name}: its payload, kept as JSON, does not fit its schema: ${issues.join("; ")}`);
}

function invalid(reason: string): WarrenError {
  return new WarrenError("PLUGIN_INVALID", reason);
}

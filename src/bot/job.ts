/** Job: what the author of a bot is given to do things later, or again and again. See docs/bots.md. */
import type { z } from "zod";
import type { Duration } from "./duration.ts";

/** One run of a job. */
export interface JobCall<Payload> {
  readonly payload: Payload;
  /** The time in epoch ms that it was meant for: long ago, if the bot did not run then. */
  readonly due: number;
  /** 1 for the first try. What earlier ones did through the bot is not done again. */
  readonly attempt: number;
  /** Aborted when the bot or its peer ends: the job is then begun again at the next start. */
  readonly signal: AbortSignal;
}

export interface JobOptions<Schema extends z.ZodType> {
  /** What it is given, as JSON; checked when it is scheduled and again when it runs. */
  readonly payload: Schema;
}

export interface RecurringOptions {
  /** Under what it is kept; by default, what it is: `every 1d`. */
  readonly name?: string;
}

export interface CronOptions extends RecurringOptions {
  /** A time zone of the IANA database, such as `Europe/Berlin`; by default, that of the machine. */
  readonly zone?: string;
}

/** A kind of job, of which any number can be scheduled. Inside a handler, scheduling and cancelling are done once. */
export interface Job<Input, Payload = Input> {
  /** Resolves with the id when it is kept. @throws {WarrenError} `PLUGIN_INVALID` for a payload that does not fit, `JOBS_FULL` */
  in(delay: Duration, ...payload: PayloadArgument<Input>): Promise<string>;
  /** At a time in epoch ms; at once, if that is past. @throws {WarrenError} like `in` */
  at(time: number | Date, ...payload: PayloadArgument<Input>): Promise<string>;
  /** Resolves with whether there was such a job. One that runs already goes on, and is not tried again. */
  cancel(id: string): Promise<boolean>;
  /** Those that are not done yet, the next one first. */
  list(): ScheduledJob<Payload>[];
}

export interface ScheduledJob<Payload> {
  readonly id: string;
  /** Epoch ms. */
  readonly at: number;
  readonly payload: Payload;
}

/** What has no payload is scheduled without one. */
export type PayloadArgument<Input> = undefined extends Input ? [payload?: Input] : [payload: Input];

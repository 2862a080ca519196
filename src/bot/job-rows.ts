/** Job rows: how the jobs of a bot lie in its peer's database, and what is told of them. */
import { WarrenError } from "../base/errors.ts";
import type { PeerInfo } from "../base/ids.ts";
import type { Peer } from "../peer/peer.ts";
import type { Table } from "../peer/tables.ts";
import type { TaskPeer } from "../peer/tasks.ts";

/** A job that fails so often is given up. */
export const MAX_ATTEMPTS = 3;

/** How the last try of a job ended. */
export interface JobEnd {
  readonly at: number;
  /** `failed`: it is tried again. `given up`: for the last time. */
  readonly ended: "done" | "failed" | "given up";
  readonly reason?: string | undefined;
}

export interface JobRow {
  /** Of the registration that runs it. */
  readonly name: string;
  /** What a recurring job was registered with: `every 1d`. */
  readonly schedule?: string;
  readonly payload?: unknown;
  /** The message because of which it was scheduled, if there was one. */
  readonly cause?: { readonly from: PeerInfo; readonly hops: number };
  /** The wall time that it is meant for, in epoch ms, and the one at which it is tried next: later after a failure. */
  readonly due: number;
  readonly next: number;
  /** Tries that were begun; a crash in the middle of one counts. */
  readonly attempts: number;
  /** Nothing of that name was registered when the bot last started. */
  readonly isOrphan?: boolean;
  readonly last?: JobEnd;
}

/** A job as users see it. */
export interface JobInfo {
  readonly id: string;
  readonly name: string;
  /** Null for one that runs once. */
  readonly schedule: string | null;
  readonly next: number;
  readonly attempts: number;
  readonly registered: boolean;
  readonly last: JobEnd | null;
}

/** Under what the effects of a job are kept until it is over. */
export function jobTask(plugin: string, id: string): string {
  return `${plugin}/job/${id}`;
}

/** A table that no store of a plugin can be: plugins' names begin with a letter or a digit. */
export function openJobRows(peer: { table<Value>(name: string): Table<Value> }, plugin: string): Table<JobRow> {
  return peer.table<JobRow>(`.jobs/${plugin}`);
}

/** All of them, the next one first. */
export function listJobs(rows: Table<JobRow>): JobInfo[] {
  const jobs = [...rows.entries()].map(([id, row]): JobInfo => {
    const { name, schedule = null, next, attempts, isOrphan = false, last = null } = row;
    return { id, name, schedule, next, attempts, registered: !isOrphan, last };
  });
  return jobs.toSorted((a, b) => a.next - b.next);
}

/**
 * Drops the job of that id, or all of that name, among those that run once: what recurs is in the code of the bot. One that
 * runs at that moment goes on, and is not tried again. Returns how many they are.
 *
 * @throws {WarrenError} `JOB_UNKNOWN`
 */
export async function dropJobs(peer: Pick<Peer, "table"> & TaskPeer, plugin: string, which: string): Promise<number> {
  const rows = openJobRows(peer, plugin);
  const meant = [...rows.entries()].filter(([id, { name }]) => id === which || name === which);
  const once = meant.filter(([, { schedule }]) => schedule === undefined);
  if (once.length === 0) {
    const reason =
      meant.length > 0 ? "it recurs, and ends when its bot's file says so no more" : '"jobs" shows those that are';
    throw new WarrenError("JOB_UNKNOWN", `no job ${which} that runs once is kept: ${reason}`);
  }
  for (const [id] of once) peer.tasks.forget(jobTask(plugin, id));
  await Promise.all(once.map(([id]) => rows.delete(id)));
  return once.length;
}

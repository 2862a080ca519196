/** Jobs: what a bot does later, or again and again. They are kept in its database, and done also after a restart. */
import { AsyncLocalStorage } from "node:async_hooks";
import { describeError, isWarrenError, WarrenError } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import { backoffMs, type Timer } from "../base/world.ts";
import type { Peer } from "../peer/peer.ts";
import type { Table } from "../peer/tables.ts";
import type { TaskPeer } from "../peer/tasks.ts";
import type { JobCall } from "./job.ts";
import { type JobEnd, type JobRow, jobTask, MAX_ATTEMPTS, openJobRows } from "./job-rows.ts";
import type { Cause } from "./loops.ts";
import type { Schedule } from "./schedule.ts";

/** A job that failed is tried again within this time, and within twice as much after that. */
const RETRY = { baseMs: 10_000 };

/** The wall clock may be set, and a machine may sleep: no timer is relied on for longer than this. */
const LOOK_AGAIN_MS = 60_000;

/** When the disk is full, nothing is begun for so long. */
const POSTPONE_MS = 30_000;

/** After a long time off much is due at once: this many run side by side, the others when those are done. */
const MAX_AT_ONCE = 100;

/** A bot keeps so many: whoever may schedule for others must not fill its disk. */
export const MAX_JOBS = 10_000;

/** What jobs need of the bot's peer. */
export type JobsPeer = Pick<Peer, "world" | "effect" | "table"> & TaskPeer;

/** What jobs need of the bot. */
export interface JobsHost {
  /** What is being handled. A job goes back to it: two bots could answer each other by jobs, too. */
  cause(): Cause | undefined;
  within<Result>(work: { cause: Cause | undefined; signal: AbortSignal }, act: () => Result): Result;
  failed(where: string, error: unknown): void;
  /** A text without the bot's secrets. */
  conceal(text: string): string;
}

/** What is registered under a name. */
export interface JobKind {
  run(call: JobCall<unknown>): unknown;
  /** Of what recurs. */
  readonly schedule?: Schedule;
}

export class Jobs {
  readonly #peer: JobsPeer;
  readonly #plugin: string;
  readonly #log: Log;
  readonly #host: JobsHost;
  readonly #rows: Table<JobRow>;
  readonly #kinds = new Map<string, JobKind>();
  readonly #waiting = new Map<string, number>(); // by id: when it is begun. The row decides whether it really is
  readonly #running = new Map<string, Promise<void>>();
  readonly #end = new AbortController();
  readonly #apart = AsyncLocalStorage.snapshot(); // a job belongs to no handler, not even to the one that scheduled it
  #scheduling = 0; // that may not be in the table yet
  #orphans = 0; // kept, and never run, as nothing of their name is registered
  #isStarted = false;
  #timer: Timer | undefined;
  #lookAt = Infinity; // the wall time for which the timer is set

  constructor(peer: JobsPeer, plugin: string, log: Log, host: JobsHost) {
    this.#peer = peer;
    this.#plugin = plugin;
    this.#log = log;
    this.#host = host;
    this.#rows = openJobRows(peer, plugin);
  }

  /** Returns the end of the registration. @throws {WarrenError} `PLUGIN_INVALID` */
  add(name: string, kind: JobKind): () => void {
    if (this.#isStarted)
      throw invalid(`job ${name}: register jobs in setup, or those of before have nobody to run them`);
    if (name.trim() === "") throw invalid("a job needs a name");
    if (this.#kinds.has(name)) throw invalid(`there are two jobs named ${name}: give one another name`);
    this.#kinds.set(name, kind);
    return () => void (this.#kinds.get(name) === kind && this.#kinds.delete(name));
  }

  /** `name`, or else `name #2` and so on: the first that is free. */
  freeName(name: string): string {
    if (!this.#kinds.has(name)) return name;
    for (let count = 2; ; count++) if (!this.#kinds.has(`${name} #${count}`)) return `${name} #${count}`;
  }

  /**
   * Resolves with the id when it is kept; inside a handler, when it is sure to be kept with what else that does.
   *
   * @throws {WarrenError} `JOBS_FULL`
   */
  async schedule(name: string, due: number, payload: unknown): Promise<string> {
    this.#scheduling++;
    try {
      // A handler that runs again finds the job that it made, even when that is done by now.
      const job = await this.#peer.effect(`job:${name}`, () => {
        this.#checkRoom(name);
        return { id: this.#peer.world.token(), due };
      });
      const { from, hops } = this.#host.cause() ?? {};
      const cause = from && hops !== undefined ? { from, hops } : undefined;
      const times = { due: job.due, next: job.due, attempts: 0 };
      await this.#rows.set(job.id, { name, payload, ...times, ...(cause && { cause }) });
      this.#expect(job.id);
      return job.id;
    } finally {
      this.#scheduling--;
    }
  }

  #checkRoom(name: string): void {
    const atMost = this.#waiting.size + this.#running.size + this.#orphans + this.#scheduling; // without a look at the disk
    if (atMost <= MAX_JOBS || this.#rows.keys().length + this.#scheduling <= MAX_JOBS) return;
    const way = `wait, cancel some, or drop those that nothing runs: "bun run peer jobs --for-bot ${this.#plugin}"`;
    throw new WarrenError("JOBS_FULL", `job ${name}: ${MAX_JOBS} jobs are kept already; ${way}`);
  }

  async cancel(name: string, id: string): Promise<boolean> {
    const exists = await this.#peer.effect(`job-cancel:${id}`, () => this.#rows.get(id)?.name === name);
    if (!exists) return false;
    if (!this.#running.has(id)) this.#peer.tasks.forget(this.#taskOf(id)); // of earlier tries
    this.#waiting.delete(id);
    await this.#rows.delete(id);
    return true;
  }

  /** Those of one kind, the next one first. */
  list(name: string): [id: string, row: JobRow][] {
    const own = [...this.#rows.entries()].filter(([, row]) => row.name === name);
    return own.toSorted(([, a], [, b]) => a.next - b.next);
  }

  /** From here on they run. Everything must be registered. */
  async start(): Promise<void> {
    this.#isStarted = true;
    const writes: Promise<void>[] = [];
    const orphans = new Set<string>();
    for (const [id, row] of this.#rows.entries()) {
      const kind = this.#kinds.get(row.name);
      const isOrphan = kind === undefined || (row.schedule === undefined) !== (kind.schedule === undefined);
      if (isOrphan && row.schedule !== undefined) {
        this.#peer.tasks.forget(this.#taskOf(id));
        writes.push(this.#rows.delete(id)); // it says nothing that the code of the bot did not say
        continue;
      }
      if (!isOrphan) this.#waiting.set(id, row.next);
      else {
        orphans.add(row.name);
        this.#orphans++;
      }
      if (isOrphan !== (row.isOrphan ?? false)) writes.push(this.#rows.set(id, { ...row, isOrphan }));
    }
    for (const [name, { schedule }] of this.#kinds) if (schedule) writes.push(...this.#plan(name, schedule));
    if (orphans.size > 0) {
      this.#log.warn(
        `jobs wait that nothing runs any more: ${[...orphans].join(", ")}. They are kept: "bun run peer jobs --for-bot ${this.#plugin}" lists them, "jobs drop" drops them`,
      );
    }
    await Promise.all(writes);
    this.#look();
  }

  /** What runs is given up, and begun again at the next start. */
  async close(): Promise<void> {
    this.#end.abort(new WarrenError("CLOSED", `${this.#plugin} has ended`));
    this.#timer?.[Symbol.dispose]();
    await Promise.all(this.#running.values());
  }

  /** A recurring job keeps its time over a restart, unless it is another one now. */
  #plan(name: string, schedule: Schedule): Promise<void>[] {
    if (this.#rows.get(name)?.schedule === schedule.text) return [];
    const now = this.#peer.world.clock.now();
    const due = schedule.next(now, now);
    this.#waiting.set(name, due);
    this.#peer.tasks.forget(this.#taskOf(name));
    return [this.#rows.set(name, { name, schedule: schedule.text, due, next: due, attempts: 0 })];
  }

  #expect(id: string): void {
    const row = this.#rows.get(id);
    if (!row || this.#running.has(id)) return;
    this.#waiting.set(id, row.next);
    const isSetForward = this.#peer.world.clock.now() > this.#lookAt; // then the timer comes later than that
    if (row.next < this.#lookAt || isSetForward) this.#look(); // otherwise the next look finds it in time
  }

  /** Begins what is due, and looks again when the next one is. */
  #look(): void {
    if (!this.#isStarted || this.#end.signal.aborted) return;
    this.#timer?.[Symbol.dispose]();
    const { clock } = this.#peer.world;
    const now = clock.now();
    const waiting = [...this.#waiting].toSorted(([, a], [, b]) => a - b);
    const due = waiting.filter(([, next]) => next <= now).slice(0, MAX_AT_ONCE - this.#running.size);
    const later = waiting.find(([, next]) => next > now)?.[1];
    this.#lookAt = later === undefined ? Infinity : Math.min(later, now + LOOK_AGAIN_MS);
    if (later !== undefined) {
      const look = (): void => this.#apart(() => this.#look());
      this.#timer = clock.after(this.#lookAt - now, look);
    }
    for (const [id] of due) this.#apart(() => this.#begin(id));
  }

  #begin(id: string): void {
    this.#waiting.delete(id);
    const run = this.#try(id)
      .catch((error: unknown) => {
        this.#host.failed(`job ${id}`, error);
        this.#waiting.set(id, this.#peer.world.clock.now() + POSTPONE_MS);
      })
      .finally(() => {
        this.#running.delete(id);
        this.#look();
      });
    this.#running.set(id, run);
  }

  /** @throws {WarrenError} `STORE_FAILED`: then nothing of it has happened */
  async #try(id: string): Promise<void> {
    const row = this.#rows.get(id);
    const kind = row && this.#kinds.get(row.name);
    if (!row || !kind) return; // cancelled, or not kept after all
    if (row.attempts >= MAX_ATTEMPTS)
      return await this.#ended(id, row, kind, { error: new Error("the process ended in the middle of it") });
    const begun = { ...row, attempts: row.attempts + 1 };
    await this.#rows.set(id, begun); // before it begins, so that one which ends the process is not begun for ever
    if (!this.#rows.get(id)) return; // cancelled meanwhile
    const { due, payload, attempts: attempt, cause } = begun;
    try {
      await this.#peer.tasks.perform(this.#taskOf(id), cause?.hops ?? 0, async (run) => {
        const signal = AbortSignal.any([run.signal, this.#end.signal]);
        const act = (): unknown => kind.run({ due, payload, attempt, signal });
        await this.#untilEnd(() => this.#host.within({ cause: cause && { ...cause, attempt }, signal }, act));
      });
    } catch (error) {
      if (!this.#end.signal.aborted && !isWarrenError(error, "STORE_FAILED", "CLOSED")) {
        return await this.#ended(id, begun, kind, { error });
      }
      if (this.#rows.get(id)) await this.#rows.set(id, row); // it was no fault of the job
      if (this.#end.signal.aborted) return;
      throw error;
    }
    await this.#ended(id, begun, kind);
  }

  /** Writes down, in one turn, how a try ended and what comes next. */
  async #ended(id: string, row: JobRow, { schedule }: JobKind, failure?: { error: unknown }): Promise<void> {
    const { world } = this.#peer;
    const now = world.clock.now();
    const isCancelled = this.#rows.get(id) === undefined;
    const reason = failure && this.#host.conceal(describeError(failure.error));
    if (failure && row.attempts < MAX_ATTEMPTS && !isCancelled) {
      const next = now + backoffMs(row.attempts - 1, () => world.random(), RETRY);
      this.#log.warn(`job ${row.name} failed, and is tried again in ${Math.ceil((next - now) / 1_000)} s: ${reason}`);
      return await this.#reschedule(id, { ...row, next, last: { at: now, ended: "failed", reason } });
    }
    if (failure) this.#host.failed(`job ${row.name} failed ${row.attempts} times and is given up`, failure.error);
    this.#peer.tasks.forget(this.#taskOf(id));
    if (!schedule || isCancelled) return await this.#rows.delete(id);
    // Not before the time that it was done for: a clock that was set back must not bring that again.
    const due = schedule.next(row.due, Math.max(now, row.due));
    const last: JobEnd = failure ? { at: now, ended: "given up", reason } : { at: now, ended: "done" };
    await this.#reschedule(id, { ...row, due, next: due, attempts: 0, last });
  }

  async #reschedule(id: string, row: JobRow): Promise<void> {
    await this.#rows.set(id, row);
    this.#waiting.set(id, row.next);
  }

  /** Does `work`; rejects when the plugin ends before that. */
  async #untilEnd(work: () => unknown): Promise<void> {
    const { signal } = this.#end;
    const { promise, reject } = Promise.withResolvers<never>();
    const stop = (): void => reject(signal.reason);
    signal.addEventListener("abort", stop);
    try {
      signal.throwIfAborted();
      await Promise.race([promise, work()]);
    } finally {
      signal.removeEventListener("abort", stop);
    }
  }

  #taskOf(id: string): string {
    return jobTask(this.#plugin, id);
  }
}

function invalid(reason: string): WarrenError {
  return new WarrenError("PLUGIN_INVALID", reason);
}

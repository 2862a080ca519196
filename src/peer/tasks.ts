/** Tasks: work of a peer's own (a dialog, a job) that goes on after a crash, and does nothing twice. */
import { WarrenError } from "../base/errors.ts";
import type { Store } from "../store/store.ts";
import { HandlerRun } from "./handler-run.ts";

/** One run of a task, as its work sees it. Steps are named by the caller, and their results are JSON. */
export interface TaskRun {
  /** Aborted when the run is given up. */
  readonly signal: AbortSignal;
  /** The result of a step that this or an earlier run has noted. */
  recall(step: string): { result: unknown } | undefined;
  /** Notes the result of a step, to be committed with this turn. */
  record(step: string, result: unknown): void;
  /** Does what belongs to a step: what it sends and writes is found again by the step's name, whatever other steps there are. */
  within<Result>(step: string, act: () => Result): Result;
  /** The name of the next step called `what`: `what#1`, then `what#2`. */
  nameNext(what: string): string;
}

/** Where tasks run: a peer, as far as those who have tasks need it. */
export interface TaskPeer {
  readonly tasks: Pick<Tasks, "perform" | "forget">;
}

interface Running {
  readonly name: string;
  readonly run: HandlerRun;
  readonly abort: AbortController;
}

export class Tasks {
  readonly #store: Store;
  readonly #running = new Set<Running>();
  readonly #dirty = new Set<Running>(); // with something to record in this turn

  constructor(store: Store) {
    this.#store = store;
    store.db.beforeCommit(() => this.#save());
    store.db.onRollback((error) => this.#giveUpAll(error));
  }

  /**
   * Runs `work`. Its effects (messages, writes to tables, effects, steps) are kept under `name` until it is forgotten; a
   * later run of that name is given their results. `hops`: as of the message that it goes back to.
   *
   * Rejects with what `work` throws, with `STORE_FAILED` when what it did was not saved, and with `CLOSED` when the peer
   * closes; in each case the work may be begun again.
   */
  async perform<Result>(name: string, hops: number, work: (run: TaskRun) => Result | Promise<Result>): Promise<Result> {
    const abort = new AbortController();
    const recorded = this.#store.entries
      .list(folderOf(name), "")
      .map(({ key, value }) => ({ name: key, result: value }));
    const run: HandlerRun = HandlerRun.begin(hops, recorded, () => {
      this.#dirty.add(running);
      this.#store.db.touch();
    });
    const running: Running = { name, run, abort };
    this.#running.add(running);
    try {
      return await Promise.race([run.enter(async () => await work(faceOf(running))), rejection(abort.signal)]);
    } catch (error) {
      // What it has begun and not awaited must not go on beside the next run.
      run.giveUp(new WarrenError("CLOSED", `this run of ${name} has ended: another one takes its place`));
      throw error;
    } finally {
      run.end();
      this.#save(); // now: whoever forgets the task next forgets all of it
      this.#running.delete(running);
    }
  }

  /** Forgets what was kept under `name`, within this turn's transaction: the task is over, or begins anew. */
  forget(name: string): void {
    this.#store.entries.clear(folderOf(name));
  }

  /** Gives up every run. */
  close(): void {
    this.#giveUpAll(new WarrenError("CLOSED", "the peer is closed"));
  }

  #giveUpAll(error: WarrenError): void {
    this.#dirty.clear();
    for (const { run, abort } of this.#running) {
      run.giveUp(error);
      abort.abort(error);
    }
  }

  #save(): void {
    for (const { name, run } of this.#dirty) {
      for (const [step, result] of run.takeFresh()) this.#store.entries.set(folderOf(name), step, result);
    }
    this.#dirty.clear();
  }
}

function faceOf({ run, abort: { signal } }: Running): TaskRun {
  return {
    signal,
    recall: (step) => run.recall(step),
    record: (step, result) => run.record(step, result),
    within: (step, act) => run.within(step, act),
    nameNext: (what) => run.nameNext(what),
  };
}

function rejection(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason), { once: true }));
}

/** A store of entries that no plugin can have: plugins' names begin with a letter or a digit. */
function folderOf(name: string): string {
  return `.task/${name}`;
}

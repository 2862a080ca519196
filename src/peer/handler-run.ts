/** Handler runs: what one run of a message's handlers does, kept by name, so that a run after a crash repeats nothing. */
import { AsyncLocalStorage } from "node:async_hooks";
import type { Database } from "../store/database.ts";

/** The run in whose handlers we are, as seen from anything that they call or await. */
const current = new AsyncLocalStorage<HandlerRun>();

/** Does something to the world outside once for the message that is being handled; see `Peer.effect`. */
export async function performOnce<Result>(
  db: Database,
  name: string,
  perform: () => Promise<Result> | Result,
): Promise<Result> {
  const run = HandlerRun.current();
  if (!run) return await perform();
  const effect = run.nameNext(`effect:${name}`);
  const done = run.recall(effect);
  if (done) return done.result as Result;
  const result = await perform();
  run.record(effect, result);
  await db.committed(); // what follows may rely on it
  return result;
}

export class HandlerRun {
  /** The message that is handled. */
  readonly place: number;
  /** Bots' messages that led to it; what is sent because of it counts one more. */
  readonly hops: number;
  readonly #recorded: Map<string, unknown>; // by an earlier run, and on disk
  readonly #fresh = new Map<string, unknown>(); // by this run, and not on disk yet
  readonly #counts = new Map<string, number>();
  readonly #touched: () => void;
  #isOver = false;

  /** `recorded`: name and result (JSON) of what earlier runs did. `touched`: something must be recorded with this turn's commit. */
  constructor(place: number, hops: number, recorded: readonly (readonly [string, string])[], touched: () => void) {
    this.place = place;
    this.hops = hops;
    this.#recorded = new Map(recorded.map(([name, result]) => [name, JSON.parse(result)]));
    this.#touched = touched;
  }

  /** The run that the caller belongs to; undefined outside of handlers, and once its run is over. */
  static current(): HandlerRun | undefined {
    const run = current.getStore();
    return run === undefined || run.#isOver ? undefined : run;
  }

  /** Calls `handler`, and everything that it calls or awaits, within this run. */
  enter<Result>(handler: () => Result): Result {
    return current.run(this, handler);
  }

  /** What is done from now on is no effect of the handlers. */
  end(): void {
    this.#isOver = true;
  }

  /**
   * Names the next effect on `what`: the first is `what#1`. A run that does the same things to each `what` in the same
   * order finds them again, whatever it does in between.
   */
  nameNext(what: string): string {
    const count = (this.#counts.get(what) ?? 0) + 1;
    this.#counts.set(what, count);
    return `${what}#${count}`;
  }

  /** The result of an effect that was done before, if it was. */
  recall(name: string): { result: unknown } | undefined {
    return this.#recorded.has(name) ? { result: this.#recorded.get(name) } : undefined;
  }

  /** Notes the result of an effect, to be committed with it. Anything that JSON can say. */
  record(name: string, result: unknown): void {
    this.#fresh.set(name, result);
    this.#recorded.set(name, result);
    this.#touched();
  }

  /** What is to be written so that a later run knows it. */
  takeFresh(): [name: string, result: string][] {
    const fresh = [...this.#fresh].map(([name, result]): [string, string] => [name, JSON.stringify(result ?? null)]);
    this.#fresh.clear();
    return fresh;
  }
}

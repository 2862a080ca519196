/** Handler runs: what one run of a message's handlers, or of a task, does, kept by name, so that a run after a crash repeats nothing. */
import { AsyncLocalStorage } from "node:async_hooks";
import type { WarrenError } from "../base/errors.ts";
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

/** What all parts of one run share. */
interface Ledger {
  // Most runs record nothing: there is a map once there is something in it.
  recorded: Map<string, unknown> | undefined; // by an earlier run and on disk, or by this one
  fresh: Map<string, unknown> | undefined; // by this run, and not on disk yet
  readonly touched: () => void;
  isOver: boolean;
  givenUp: WarrenError | undefined; // another run takes its place: this one may do nothing more
}

export class HandlerRun {
  /** Bots' messages that led to it; what is sent because of it counts one more. */
  readonly hops: number;
  readonly #ledger: Ledger;
  readonly #prefix: string;
  #counts: Map<string, number> | undefined;

  /** `recorded`: name and result (JSON) of what earlier runs did. `touched`: something must be recorded with this turn's commit. */
  static begin(
    hops: number,
    recorded: readonly { readonly name: string; readonly result: string }[],
    touched: () => void,
  ): HandlerRun {
    const known =
      recorded.length === 0
        ? undefined
        : new Map(recorded.map(({ name, result }): [string, unknown] => [name, JSON.parse(result)]));
    return new HandlerRun(hops, { recorded: known, fresh: undefined, touched, isOver: false, givenUp: undefined }, "");
  }

  private constructor(hops: number, ledger: Ledger, prefix: string) {
    this.hops = hops;
    this.#ledger = ledger;
    this.#prefix = prefix;
  }

  /**
   * The run that the caller belongs to; undefined outside of handlers, and once its run is over.
   *
   * @throws {WarrenError} the reason for which the run was given up: whatever it still did would be done twice
   */
  static current(): HandlerRun | undefined {
    const run = current.getStore();
    if (run === undefined) return undefined;
    run.#checkNotGivenUp();
    return run.#ledger.isOver ? undefined : run;
  }

  /** Calls `handler`, and everything that it calls or awaits, within this run. */
  enter<Result>(handler: () => Result): Result {
    return current.run(this, handler);
  }

  /** The same for one named step: its effects are counted apart, so that they are found again whatever other steps there are. */
  within<Result>(step: string, act: () => Result): Result {
    return new HandlerRun(this.hops, this.#ledger, `${this.#prefix}${step}/`).enter(act);
  }

  /** What is done from now on is no effect of the handlers. */
  end(): void {
    this.#ledger.isOver = true;
  }

  /** Another run will take its place: what this one still tries to do fails with `reason`. */
  giveUp(reason: WarrenError): void {
    this.#ledger.givenUp ??= reason;
  }

  /**
   * Names the next effect on `what`: the first is `what#1`. A run that does the same things to each `what` in the same
   * order finds them again, whatever it does in between.
   */
  nameNext(what: string): string {
    this.#counts ??= new Map();
    const count = (this.#counts.get(what) ?? 0) + 1;
    this.#counts.set(what, count);
    return `${this.#prefix}${what}#${count}`;
  }

  /** The result of an effect that was done before, if it was. */
  recall(name: string): { result: unknown } | undefined {
    const { recorded } = this.#ledger;
    return recorded?.has(name) ? { result: recorded.get(name) } : undefined;
  }

  /** Notes the result of an effect, to be committed with it. Anything that JSON can say. */
  record(name: string, result: unknown): void {
    this.#checkNotGivenUp();
    const ledger = this.#ledger;
    if (ledger.isOver) return; // begun by the handlers and not awaited: its message is handled, and must not come back for it
    (ledger.fresh ??= new Map()).set(name, result);
    (ledger.recorded ??= new Map()).set(name, result);
    ledger.touched();
  }

  /** What is to be written so that a later run knows it. */
  takeFresh(): [name: string, result: string][] {
    const { fresh } = this.#ledger;
    if (!fresh) return [];
    this.#ledger.fresh = undefined;
    return [...fresh].map(([name, result]): [string, string] => [name, JSON.stringify(result ?? null)]);
  }

  #checkNotGivenUp(): void {
    if (this.#ledger.givenUp) throw this.#ledger.givenUp;
  }
}

/** Talk: a dialog with one person from its start to its end, through failures, as the row on disk tells. */
import { describeError, isWarrenError } from "../base/errors.ts";
import type { PeerInfo } from "../base/ids.ts";
import type { Log } from "../base/log.ts";
import { backoffMs, sleep } from "../base/world.ts";
import type { Peer } from "../peer/peer.ts";
import type { Table } from "../peer/tables.ts";
import type { TaskPeer, TaskRun } from "../peer/tasks.ts";
import { type Dialog, RunningDialog } from "./dialog.ts";
import { Questions } from "./questions.ts";

/** So often a dialog that fails is begun again, from the last step that it has noted. */
export const MAX_RETRIES = 3;
const RETRY = { baseMs: 1_000, maxMs: 30_000 };
const STORE_PAUSE_MS = 1_000;

/** On disk, while the dialog lasts. */
export interface TalkRow {
  readonly name: string;
  readonly peer: PeerInfo;
  readonly input?: unknown;
  /** The id of the message whose handler has begun it. */
  readonly begunBy?: string | undefined;
  /** A token: what its task is called. */
  readonly task: string;
  readonly hops: number;
  /** How often it has failed. */
  readonly attempts: number;
}

export interface TalkParts {
  readonly peer: Pick<Peer, "world" | "effect"> & TaskPeer;
  readonly log: Log;
  readonly send: (text: string) => Promise<unknown>;
  readonly failed: (where: string, error: unknown) => void;
  readonly task: string;
  readonly rows: Table<TalkRow>;
  work(dialog: Dialog<unknown>): unknown;
  /** It runs no more: it is over, or was stopped. */
  over(): void;
}

export class Talk {
  readonly row: TalkRow;
  readonly questions = new Questions();
  readonly #parts: TalkParts;
  readonly #abort = new AbortController();
  #ended: Promise<void> = Promise.resolve();

  constructor(row: TalkRow, parts: TalkParts) {
    this.row = row;
    this.#parts = parts;
  }

  begin(): void {
    this.#ended = this.#keepOn()
      .catch((error: unknown) => this.#parts.log.error(`dialog "${this.row.name}": ${describeError(error)}`)) // for the next start
      .finally(() => this.#parts.over());
  }

  /** Gives up the run; the row stays. Takes no turn of its own. */
  async stop(): Promise<void> {
    this.#abort.abort(new DOMException("the dialog was given up", "AbortError"));
    await this.#ended;
  }

  async #keepOn(): Promise<void> {
    const { signal } = this.#abort;
    // What is kept may have changed with a commit that failed.
    for (let row = this.#kept(); row && !signal.aborted; row = this.#kept()) {
      try {
        await this.#perform(row);
      } catch (error) {
        if (signal.aborted) return;
        if (isWarrenError(error, "CLOSED")) return this.questions.fail(error); // who waits is handled at the next start
        await this.#pause(row, error);
      }
    }
  }

  #kept(): TalkRow | undefined {
    const row = this.#parts.rows.get(this.row.peer.id);
    return row?.task === this.row.task ? row : undefined;
  }

  async #perform(row: TalkRow): Promise<void> {
    const { peer, task, rows } = this.#parts;
    const isHopeless = row.attempts > MAX_RETRIES;
    await peer.tasks.perform(task, row.hops, (run) => (isHopeless ? this.#apologise(run) : this.#converse(run)));
    peer.tasks.forget(task);
    await rows.delete(row.peer.id);
  }

  async #converse(run: TaskRun): Promise<void> {
    const { row, questions } = this;
    const { peer, send } = this.#parts;
    const signal = AbortSignal.any([this.#abort.signal, run.signal]);
    const dialog = new RunningDialog({ peer, send, run, questions, partner: row.peer, input: row.input, signal });
    try {
      await Promise.race([this.#parts.work(dialog), aborted(this.#abort.signal)]);
    } catch (error) {
      if (!isWarrenError(error, "DIALOG_TIMEOUT")) throw error;
      await this.#say(run, "there was no answer in time: cancelled.");
    } finally {
      dialog.end();
    }
  }

  async #apologise(run: TaskRun): Promise<void> {
    this.#parts.log.error(`dialog "${this.row.name}" with ${this.row.peer.name} has failed too often: it is given up`);
    try {
      await this.#say(run, "sorry, something is broken here: cancelled.");
    } catch (error) {
      if (isWarrenError(error, "CLOSED", "STORE_FAILED")) throw error;
      this.#parts.log.warn(`${this.row.peer.name} was not told: ${describeError(error)}`);
    }
  }

  async #say(run: TaskRun, text: string): Promise<void> {
    await run.within(".end", () => this.#parts.send(text));
  }

  async #pause({ name, peer, attempts }: TalkRow, failure: unknown): Promise<void> {
    const { log, rows, failed } = this.#parts;
    const { world } = this.#parts.peer;
    const { clock } = world;
    const { signal } = this.#abort;
    try {
      if (isWarrenError(failure, "STORE_FAILED")) return await sleep(clock, STORE_PAUSE_MS, signal);
      failed(`dialog "${name}" with ${peer.name} failed`, failure);
      await rows.update(peer.id, (row = this.row) => ({ ...row, attempts: attempts + 1 }));
      if (attempts < MAX_RETRIES)
        await sleep(
          clock,
          backoffMs(attempts, () => world.random(), RETRY),
          signal,
        );
    } catch (error) {
      if (signal.aborted) return;
      log.warn(`dialog "${name}": ${describeError(error)}`);
      await sleep(clock, STORE_PAUSE_MS, signal).catch(() => {}); // stopped: the loop sees it
    }
  }
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason), { once: true }));
}

/** Traces: what a bot's hooks did with each of the newest messages, and all that is known here of one message. */
import { WarrenError } from "../base/errors.ts";
import type { PeerInfo } from "../base/ids.ts";
import type { Clock, Timer } from "../base/world.ts";
import type { IncomingWithFate } from "../store/incoming.ts";
import type { Store } from "../store/store.ts";
import type { MessageState } from "./message.ts";
import type { Sessions } from "./sessions.ts";

/** So many runs are remembered by one peer. */
export const MAX_TRACES = 500;

/** Who is busy writes its runs together, this often. A crash takes no more of them than that. */
const WRITE_EVERY_MS = 1_000;

const STORE = "warren:trace"; // no bot's own store is called so: theirs have a slash in their names

/** What one hook did with the message. */
export interface TraceStep {
  readonly hook: string;
  readonly did: "took it" | "passed it on" | "did not match" | "failed";
  /** How long it took, without what it passed the message on to. */
  readonly ms: number;
  /** Which condition did not hold, why it was refused, what was stopped. */
  readonly notes: readonly string[];
}

/** One run of the hooks of one bot, as it is kept. */
export interface Trace {
  readonly bot: string;
  /** Of the message, and of its sender. */
  readonly id: string;
  readonly from: string;
  readonly attempt: number;
  /** When the run began, in epoch ms, and how long it took. */
  readonly at: number;
  readonly ms: number;
  readonly steps: readonly TraceStep[];
  /** What was said meanwhile; long texts are clipped. */
  readonly answers: readonly { readonly id: string; readonly to: string; readonly text: string }[];
  readonly error?: string;
}

/** A message that came here. */
export interface Heard {
  readonly from: PeerInfo;
  readonly text: string;
  readonly at: number;
  /** Delivered (it waits), handled or failed. */
  readonly state: MessageState;
  readonly reason?: string;
  /** Of one that waits: how often its handlers were begun, and whether its sender is blocked. */
  readonly attempts: number;
  readonly isBlocked: boolean;
  /** Oldest first; none where it was long ago, or no bot was there. */
  readonly runs: readonly Trace[];
}

/** A message of ours. */
export interface Said {
  readonly to: PeerInfo;
  readonly text: string;
  readonly at: number;
  readonly state: MessageState;
  readonly reason?: string;
  /** Where a bot is: the runs that said it, oldest first. */
  readonly runs?: readonly Trace[];
}

/** Ids are chosen by senders: two of them may have used the same one. */
export interface Explanation {
  readonly heard: readonly Heard[];
  readonly said: readonly Said[];
}

interface Kept {
  readonly n: number;
  readonly trace: Trace;
}

export class Traces implements Disposable {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #sessions: Pick<Sessions, "of" | "ofMessage">;
  readonly #fresh = new Map<string, Kept>(); // by its place: not written yet
  #waiting: Timer | undefined; // until what is fresh is written; undefined when the next run is written at once
  #next: number | undefined; // the number of the next run; unknown until the first one

  constructor(store: Store, clock: Clock, sessions: Pick<Sessions, "of" | "ofMessage">) {
    this.#store = store;
    this.#clock = clock;
    this.#sessions = sessions;
  }

  /**
   * Keeps a run, in the place of the oldest one. It is written with this turn, unless another one was within the last second
   * and nothing has failed: then all of that second are written together, if they are still among the newest.
   *
   * @throws {WarrenError} `STORE_FAILED`
   */
  keep(trace: Trace): void {
    const n = (this.#next ??= 1 + Math.max(0, ...this.#kept().map((kept) => kept.n)));
    this.#next++;
    this.#fresh.set(String(n % MAX_TRACES), { n, trace });
    if (!this.#waiting || trace.error !== undefined) this.#write();
    this.#waiting ??= this.#clock.after(WRITE_EVERY_MS, () => this.#writeLate());
  }

  /** Writes what is left. */
  [Symbol.dispose](): void {
    this.#waiting?.[Symbol.dispose]();
    this.#writeLate();
  }

  #writeLate(): void {
    this.#waiting = undefined;
    try {
      this.#store.db.lazily(() => this.#write());
    } catch {
      // The store has failed; its other users hear that too, and what is left is written with the next run.
    }
  }

  #write(): void {
    // Not through a table: a change of a table is done once for a message, and each run of its handlers is told here.
    for (const [place, kept] of this.#fresh) this.#store.entries.set(STORE, place, JSON.stringify(kept));
    this.#fresh.clear();
  }

  /** @throws {WarrenError} `MESSAGE_UNKNOWN` */
  explain(id: string): Explanation {
    const { incoming, outgoing, contacts } = this.#store;
    const kept = this.#kept().sort((a, b) => a.n - b.n);
    const runsThat = (fits: (trace: Trace) => boolean): Trace[] =>
      kept.flatMap(({ trace }) => (fits(trace) ? [trace] : []));
    const sayers = kept.length > 0 && { runs: runsThat(({ answers }) => answers.some((answer) => answer.id === id)) };
    const said = outgoing.withId(id).flatMap(({ peer, epoch, seq, text, at }) => {
      const row = contacts.byNumber(peer);
      const session = row && this.#sessions.of(row);
      return session ? { to: session.info, text, at, ...fate(session.stateOf(epoch, seq)), ...sayers } : [];
    });
    const runs = runsThat((trace) => trace.id === id);
    const heard = incoming.withId(id).map((row) => this.#heard(row, runs));
    if (heard.length > 0 || said.length > 0) return { heard, said };
    const doubt = this.#store.retention.forgotten() > 0 ? ", or it is no longer kept" : "";
    const way = '"history --ids" shows ids, and --for-bot <name> looks at a bot of this home';
    throw new WarrenError("MESSAGE_UNKNOWN", `no message ${id} came here or was sent from here${doubt}: ${way}`);
  }

  #heard(row: IncomingWithFate, runs: readonly Trace[]): Heard {
    const { text, at, begun, reason, peer } = row;
    const from = this.#sessions.ofMessage(row).info;
    const state = reason !== null ? "failed" : begun === null ? "handled" : "delivered";
    return {
      from,
      text,
      at,
      ...fate({ state, reason }),
      attempts: begun ?? 0,
      isBlocked: this.#store.contacts.byNumber(peer)?.blocked === 1,
      runs: runs.filter((run) => run.from === from.id),
    };
  }

  #kept(): Kept[] {
    const written = this.#store.entries
      .list(STORE, "")
      .map(({ key, value }): [string, Kept] => [key, JSON.parse(value)]);
    return [...new Map([...written, ...this.#fresh]).values()];
  }
}

function fate({ state, reason }: { state: MessageState; reason: string | null }): Pick<Said, "state" | "reason"> {
  return { state, ...(reason !== null && { reason }) };
}

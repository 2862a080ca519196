/** Traces: what a bot's hooks did with each of the newest messages, and all that is known here of one message. */
import { WarrenError } from "../base/errors.ts";
import type { PeerInfo } from "../base/ids.ts";
import type { IncomingWithFate } from "../store/incoming.ts";
import type { Store } from "../store/store.ts";
import type { MessageState } from "./message.ts";
import type { Sessions } from "./sessions.ts";

/** So many runs are remembered by one peer. */
export const MAX_TRACES = 500;

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

export class Traces {
  readonly #store: Store;
  readonly #sessions: Sessions;
  #next: number | undefined; // the number of the next run; unknown until the first one

  constructor(store: Store, sessions: Sessions) {
    this.#store = store;
    this.#sessions = sessions;
  }

  /** Keeps a run in this turn's transaction, in the place of the oldest one. @throws {WarrenError} `STORE_FAILED` */
  keep(trace: Trace): void {
    const n = (this.#next ??= 1 + Math.max(0, ...this.#kept().map((kept) => kept.n)));
    this.#next++;
    // Not through a table: a change of a table is done once for a message, and each run of its handlers is told here.
    this.#store.entries.set(STORE, String(n % MAX_TRACES), JSON.stringify({ n, trace }));
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

  #kept(): { n: number; trace: Trace }[] {
    return this.#store.entries.list(STORE, "").map(({ value }) => JSON.parse(value) as { n: number; trace: Trace });
  }
}

function fate({ state, reason }: { state: MessageState; reason: string | null }): Pick<Said, "state" | "reason"> {
  return { state, ...(reason !== null && { reason }) };
}

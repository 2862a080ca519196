/** Calls: commands of other peers, used by programs. A call is a message; here its answer is waited for. */
import { ERROR_CODES, type ErrorCode, WarrenError } from "../base/errors.ts";
import type { PeerId } from "../base/ids.ts";
import type { Clock, Timer } from "../base/world.ts";
import type { Store } from "../store/store.ts";
import { decodeData, type MessageData } from "../wire/data.ts";
import { type CallAnswer, type CallRequest, isAnswer, readAnswer, toRequestData } from "./call-data.ts";
import { HandlerRun } from "./handler-run.ts";
import type { SendOptions, Sent } from "./message.ts";
import type { Sender } from "./sender.ts";
import type { Sessions } from "./sessions.ts";

/** How long an answer is waited for. */
export const CALL_TIMEOUT_MS = 30_000;
/** Calls that may wait for their answers at the same time. */
export const MAX_CALLS = 10_000;

/** What another peer may say of a command of its own; any other code is told as `COMMAND_FAILED`. */
export type AnswerCode = Extract<ErrorCode, `COMMAND_${string}`>;
const ANSWER_CODES = ERROR_CODES.filter((code): code is AnswerCode => code.startsWith("COMMAND_"));

/** How far a call without an answer has come; otherwise it is there. */
const LATENESS: Readonly<Record<string, string>> = {
  queued: "it could not be reached",
  sent: "it could not be reached", // or its acknowledgement could not reach us
  expired: "it could not be reached",
  handled: "it took the call and did not answer, as one that knows nothing of calls does",
};

export interface CallParts {
  readonly store: Store;
  readonly clock: Clock;
  readonly sessions: Sessions;
  readonly sender: Sender;
}

export interface AskOptions {
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
  /** How the message is sent; resolves with undefined where it was not. Default: as `Peer.send` does. */
  readonly send?: (to: string, text: string, options: SendOptions) => Promise<Sent | undefined>;
}

interface Waiting {
  readonly peer: PeerId;
  readonly resolve: (answer: CallAnswer) => void;
  readonly reject: (error: unknown) => void;
}

export class Calls {
  readonly #parts: CallParts;
  readonly #waiting = new Map<string, Waiting>(); // by the id of the message that asks

  constructor(parts: CallParts) {
    this.#parts = parts;
  }

  /**
   * Resolves with the result, which is any JSON. `text` is the call as a person would type it. In a handler, a job or a dialog
   * it is an effect: a run after a crash does not ask again, and is given the first answer, whenever that came. (Answers are
   * kept with what was heard.) A time-out is no answer, and nothing that a later run is told.
   *
   * @throws {WarrenError} what the other side answers, `CALL_TIMEOUT`, `CALL_NOT_SENT`, and what `Peer.send` throws
   */
  async ask(to: string, request: CallRequest, text: string, options: AskOptions = {}): Promise<unknown> {
    const { timeoutMs = CALL_TIMEOUT_MS, signal } = options;
    const { send = (whom, words, how) => this.#parts.sender.send(whom, words, how, 0) } = options;
    signal?.throwIfAborted();
    if (this.#waiting.size >= MAX_CALLS) {
      throw new WarrenError("CALL_NOT_SENT", `${MAX_CALLS} calls wait for their answers already: make fewer at a time`);
    }
    const isEffect = HandlerRun.current() !== undefined;
    const sent = await send(to, text, { data: toRequestData(request) }); // for a run after a crash, what was sent before
    if (!sent) {
      const reason = "a layer of what goes out stopped it, or bots would call each other for ever";
      throw new WarrenError("CALL_NOT_SENT", `the call of "${request.command}" was not sent: ${reason}`);
    }
    return resultOf(sent, this.#kept(sent) ?? (await this.#answer(sent, timeoutMs, signal, isEffect)));
  }

  /** An answer was stored in this turn. Dropped where it is not for one who waits, or not from the peer that was called. */
  answered(peer: PeerId, request: string, data: MessageData): void {
    if (this.#waiting.get(request)?.peer !== peer) return;
    this.#parts.store.db.afterCommit((error) => {
      if (!error) this.#waiting.get(request)?.resolve(readAnswer(data));
    });
  }

  close(): void {
    const error = new WarrenError("CLOSED", "the peer was closed before the call was answered");
    for (const { reject } of this.#waiting.values()) reject(error);
  }

  /** The answer that is there already: from before a crash, or because a layer of what goes out took its time. */
  #kept({ id, to }: Sent): CallAnswer | undefined {
    const { store, sessions } = this.#parts;
    const session = sessions.find(to.id);
    const asked = session && store.outgoing.find(session.n, id);
    if (!asked) return undefined;
    const answers = store.incoming.answersTo(session.n, id, asked.place).map(decodeData);
    const first = answers.find((data) => isAnswer({ re: id, data }));
    return first && readAnswer(first);
  }

  async #answer(
    sent: Sent,
    timeoutMs: number,
    signal: AbortSignal | undefined,
    isEffect: boolean,
  ): Promise<CallAnswer> {
    const { promise, resolve, reject } = Promise.withResolvers<CallAnswer>();
    const waiting: Waiting = { peer: sent.to.id, resolve, reject };
    this.#waiting.get(sent.id)?.reject(new WarrenError("CLOSED", "another run of the handlers waits for this answer"));
    this.#waiting.set(sent.id, waiting);
    const timer: Timer = this.#parts.clock.after(timeoutMs, () => reject(this.#lateness(sent, timeoutMs)));
    const abort = (): void => reject(signal?.reason);
    signal?.addEventListener("abort", abort, { once: true });
    if (signal?.aborted) abort();
    try {
      return await promise;
    } catch (error) {
      if (!isEffect) this.#takeBack(sent); // nobody will ever ask for the answer; a handler that runs again does
      throw error;
    } finally {
      timer[Symbol.dispose]();
      signal?.removeEventListener("abort", abort);
      if (this.#waiting.get(sent.id) === waiting) this.#waiting.delete(sent.id);
    }
  }

  /** Drops a call that has not left this machine. */
  #takeBack({ id, to }: Sent): void {
    const { store, sessions } = this.#parts;
    const session = sessions.find(to.id);
    const asked = session && store.outgoing.find(session.n, id);
    if (asked && asked.epoch === session.epoch) session.drop(asked.seq);
  }

  #lateness({ id, to }: Sent, timeoutMs: number): WarrenError {
    const { state, reason } = this.#parts.sessions.fateOf(id, to);
    if (state === "failed") return new WarrenError("COMMAND_FAILED", `${to.name}: ${reason}`);
    const what = LATENESS[state] ?? "it has the call, and has not answered";
    return new WarrenError("CALL_TIMEOUT", `no answer of ${to.name} within ${timeoutMs / 1_000} s: ${what}`);
  }
}

function resultOf({ to: { name } }: Sent, answer: CallAnswer): unknown {
  if ("result" in answer) return answer.result;
  const { code, message } = answer.error;
  const known = ANSWER_CODES.find((one) => one === code);
  throw new WarrenError(known ?? "COMMAND_FAILED", `${name}: ${message}${known ? "" : ` (${code})`}`);
}

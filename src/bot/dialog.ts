/** Dialog: one run of a conversation with one person. What it has asked, heard and done is noted by the names of its steps. */
import type { z } from "zod";
import { describeError, WarrenError } from "../base/errors.ts";
import type { PeerInfo } from "../base/ids.ts";
import type { Clock, Timer } from "../base/world.ts";
import type { Peer } from "../peer/peer.ts";
import type { TaskRun } from "../peer/tasks.ts";
import { answerOf, choiceOf, type ReadAnswer } from "./answer.ts";
import { type Duration, durationMs } from "./duration.ts";
import type { Question, Questions } from "./questions.ts";

/** The longest that one timer is set for: the wall clock, which decides, may jump, and timers have a greatest length. */
const LOOK_AGAIN_MS = 3_600_000;
/** After a failure of the store. */
const STORE_PAUSE_MS = 1_000;

export interface AskOptions {
  /** How long the person may take, counted on the wall clock from the question on, also while the bot is away. Default: `"1d"`. */
  readonly timeout?: Duration;
  /** How many wrong answers are allowed. Default: 3. */
  readonly retries?: number;
}

/**
 * What the function of a dialog is given. After a crash, a restart or a reload the function runs again from its beginning,
 * and each step that was done gives the result that it gave before. Names of steps are unique within a dialog.
 */
export interface Dialog<Input = undefined> {
  readonly peer: PeerInfo;
  /** What `start` was given. */
  readonly input: Input;
  /** Aborted when the dialog is cancelled, and when the bot ends. */
  readonly signal: AbortSignal;
  /**
   * Asks, and resolves with an answer that fits the schema. Answers are kept as JSON.
   *
   * @throws {WarrenError} `DIALOG_TIMEOUT`; `PLUGIN_INVALID` for a step that cannot work
   */
  ask<Schema extends z.ZodType>(
    step: string,
    question: string,
    schema: Schema,
    options?: AskOptions,
  ): Promise<z.output<Schema>>;
  /** Asks for one of several texts; it is answered with the text or its number. @throws {WarrenError} like `ask` */
  choose<const Option extends string>(
    step: string,
    question: string,
    options: readonly Option[],
    asking?: AskOptions,
  ): Promise<Option>;
  /** Says something once; without a name it is the next thing said after the last named step. */
  say(text: string): Promise<void>;
  say(step: string, text: string): Promise<void>;
  /** Does something to the world outside once; the result, as JSON, is kept. */
  once<Result>(step: string, effect: () => Promise<Result> | Result): Promise<Result>;
}

export interface DialogParts {
  readonly peer: Pick<Peer, "effect" | "world">;
  readonly send: (text: string) => Promise<unknown>;
  readonly run: TaskRun;
  readonly questions: Questions;
  readonly partner: PeerInfo;
  readonly input: unknown;
  readonly signal: AbortSignal;
}

export class RunningDialog implements Dialog<unknown> {
  readonly peer: PeerInfo;
  readonly input: unknown;
  readonly signal: AbortSignal;
  readonly #clock: Clock;
  readonly #parts: DialogParts;
  readonly #used = new Set<string>();
  #lastStep = ""; // the named one that was begun last
  #isAsking = false;
  #closeQuestion: (() => void) | undefined;

  constructor(parts: DialogParts) {
    this.#parts = parts;
    this.peer = parts.partner;
    this.input = parts.input;
    this.signal = parts.signal;
    this.#clock = parts.peer.world.clock;
  }

  async ask<Schema extends z.ZodType>(
    step: string,
    question: string,
    schema: Schema,
    options: AskOptions = {},
  ): Promise<z.output<Schema>> {
    // What was noted is what this schema, or the one before an edit, has let through.
    return (await this.#ask(step, question, answerOf(schema), options)) as z.output<Schema>;
  }

  async choose<const Option extends string>(
    step: string,
    question: string,
    options: readonly Option[],
    asking: AskOptions = {},
  ): Promise<Option> {
    const text = [question, ...options.map((option, index) => `${index + 1}. ${option}`)].join("\n");
    return (await this.#ask(step, text, choiceOf(options), asking)) as Option;
  }

  async say(...words: [text: string] | [step: string, text: string]): Promise<void> {
    const { run } = this.#parts;
    const [step, text] = words.length === 2 ? words : [run.nameNext(`${this.#lastStep}/say`), words[0]];
    if (words.length === 2) this.#begin(step);
    await this.#send(step, text);
  }

  async once<Result>(step: string, effect: () => Promise<Result> | Result): Promise<Result> {
    this.#begin(step);
    const { peer, run } = this.#parts;
    return await run.within(step, () => peer.effect("once", async () => asJson(await effect())));
  }

  /** This run asks nothing more. */
  end(): void {
    this.#closeQuestion?.();
  }

  async #ask(step: string, text: string, read: ReadAnswer, options: AskOptions): Promise<unknown> {
    const { timeout = "1d", retries = 3 } = options;
    const timeoutMs = durationMs(timeout);
    this.#begin(step);
    const { run } = this.#parts;
    const noted = run.recall(`answer:${step}`);
    if (noted) return outcome(step, noted.result as Noted);
    if (this.#isAsking) throw invalid(step, "another question is open: await its answer first");
    this.#isAsking = true;
    try {
      await this.#send(step, text);
      const deadline = this.#deadline(step, timeoutMs);
      return outcome(step, await this.#answer(step, { text, read, retries, deadline }));
    } finally {
      this.#isAsking = false;
    }
  }

  /** Epoch ms, as noted when the question was asked. */
  #deadline(step: string, timeoutMs: number): number {
    const { run } = this.#parts;
    const noted = run.recall(`until:${step}`)?.result;
    if (typeof noted === "number") return noted;
    const deadline = this.#clock.now() + timeoutMs;
    run.record(`until:${step}`, deadline);
    return deadline;
  }

  #answer(step: string, asked: { text: string; read: ReadAnswer; retries: number; deadline: number }): Promise<Noted> {
    const { run, questions } = this.#parts;
    const { promise, resolve } = Promise.withResolvers<Noted>(); // never settles once the run has ended
    const open = { is: true };
    let timer: Timer | undefined;
    const close = (): void => {
      open.is = false;
      timer?.[Symbol.dispose]();
      if (questions.open === question) questions.open = undefined;
    };
    const settle = (noted: Noted): void => {
      run.record(`answer:${step}`, noted);
      close();
      resolve(noted);
    };
    const question: Question = {
      text: asked.text,
      read: asked.read,
      get isOpen() {
        return open.is;
      },
      answer: (value) => settle({ kind: "answer", value: asJson(value) }),
      admitWrong: () => {
        const wrong = Number(run.recall(`wrong:${step}`)?.result ?? 0) + 1;
        run.record(`wrong:${step}`, wrong);
        return wrong <= asked.retries;
      },
    };
    const look = (): void => {
      const left = asked.deadline - this.#clock.now();
      try {
        if (left <= 0) return settle({ kind: "timeout" });
      } catch {
        timer = this.#clock.after(STORE_PAUSE_MS, look); // not noted: it is too late then, too
        return;
      }
      timer = this.#clock.after(Math.min(left, LOOK_AGAIN_MS), look);
    };
    this.#closeQuestion = close;
    questions.open = question;
    look();
    return promise;
  }

  async #send(step: string, text: string): Promise<void> {
    const { run, send } = this.#parts;
    await run.within(step, () => send(text));
  }

  #begin(step: string): void {
    if (this.#used.has(step)) throw invalid(step, "it is there twice: give each step a name of its own");
    this.#used.add(step);
    this.#lastStep = step;
  }
}

type Noted = { kind: "answer"; value: unknown } | { kind: "timeout" };

function outcome(step: string, noted: Noted): unknown {
  if (noted.kind === "answer") return noted.value;
  throw new WarrenError("DIALOG_TIMEOUT", `"${step}" was not answered in time: ask again, or let the dialog end`);
}

/** The first run is given what a later one will read. @throws {WarrenError} `PLUGIN_INVALID` */
function asJson<Value>(value: Value): Value {
  if (value === undefined) return value;
  try {
    return JSON.parse(JSON.stringify(value)) as Value;
  } catch (error) {
    throw new WarrenError("PLUGIN_INVALID", `what a step gives must be JSON: ${describeError(error)}`, {
      cause: error,
    });
  }
}

function invalid(step: string, reason: string): WarrenError {
  return new WarrenError("PLUGIN_INVALID", `step "${step.slice(0, 40)}": ${reason}`);
}

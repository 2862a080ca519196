/** Trace: collects what each hook of a bot does with one message while it is handled; `peer why` shows it. */
import { AsyncLocalStorage } from "node:async_hooks";
import { describeError } from "../base/errors.ts";
import { inTurn, isPromiseLike } from "../base/in-turn.ts";
import type { Clock } from "../base/world.ts";
import type { IncomingMessage, Sent } from "../peer/message.ts";
import type { Trace, TraceStep } from "../peer/traces.ts";
import type { ChangingLayer, Layer, Next } from "./onion.ts";

/** Bounds of one trace: steps, answers, notes of a step, characters of a text, and of one that a note quotes. */
const MAX_STEPS = 100;
const MAX_ANSWERS = 20;
const MAX_NOTES = 10;
const MAX_CHARACTERS = 200;
const MAX_QUOTED = 60;

/** The run that whatever is called or awaited now belongs to. */
const current = new AsyncLocalStorage<Run>();

export interface TracingHost {
  readonly clock: Clock;
  /** Covers what nobody may see. */
  conceal(text: string): string;
  keep(trace: Trace): void;
}

/** Traces what one bot does. */
export class Tracing {
  readonly #bot: string;
  readonly #host: TracingHost;

  constructor(bot: string, host: TracingHost) {
    this.#bot = bot;
    this.#host = host;
  }

  /** Runs the hooks, and keeps what they did, in the same turn in which they end. Fails with what they fail with. */
  record(message: IncomingMessage, handle: () => Promise<void> | void): Promise<void> | void {
    const run = new Run(this.#host);
    return inTurn(
      () => current.run(run, handle),
      () => this.#keep(run.end(this.#bot, message)),
      (error) => {
        run.fail(error);
        this.#keep(run.end(this.#bot, message));
        throw error;
      },
    );
  }

  #keep(trace: Trace): void {
    try {
      this.#host.keep(trace);
    } catch {
      // The store has failed, or is closed; its other users hear that too, and the message comes again.
    }
  }
}

/** The same layer, but what it does is noted. `unmatched` names the condition that keeps a message from it. */
export function traced<Message>(
  hook: string,
  layer: Layer<Message>,
  unmatched: (message: Message) => string | undefined = () => undefined,
): Layer<Message> {
  return (message, next) => {
    const run = runNow();
    const condition = unmatched(message);
    if (condition !== undefined) {
      run?.begin(hook, "did not match").notes.push(condition);
      return next();
    }
    return run ? run.step(hook, layer, message, next) : layer(message, next);
  };
}

/** The same layers, but it is noted which of them changes, stops or fails what is said. */
export function tracedOutgoing<Message extends { readonly text: string }, Result>(
  layers: readonly ChangingLayer<Message, Result>[],
): readonly ChangingLayer<Message, Result>[] {
  const run = runNow();
  if (!run) return layers;
  const quote = ({ text }: Message): string => `"${run.shown(text, MAX_QUOTED)}"`;
  return layers.map((layer, index) => async (given, next) => {
    const which = `outgoing layer ${index + 1}`;
    let isOn = false;
    try {
      const result = await layer(given, (changed = given) => {
        isOn = true;
        if (changed.text !== given.text) note(`${which} made ${quote(given)} into ${quote(changed)}`);
        return next(changed);
      });
      if (!isOn) note(`${which} stopped ${quote(given)}`);
      return result;
    } catch (error) {
      if (!isOn) note(`${which} failed at ${quote(given)}: ${describeError(error)}`);
      throw error;
    }
  });
}

/** Adds to what is told of the hook that is at work, if a message is being handled. */
export function note(text: string): void {
  runNow()?.note(text);
}

/** Something was said. */
export function noteAnswer({ id, to }: Sent, text: string): void {
  runNow()?.answer({ id, to: to.name, text });
}

function runNow(): Run | undefined {
  const run = current.getStore();
  return run?.isOver ? undefined : run;
}

interface Step extends TraceStep {
  did: TraceStep["did"];
  ms: number;
  readonly notes: string[];
}

class Run {
  isOver = false;
  readonly #host: TracingHost;
  readonly #at: number;
  readonly #began: number; // steady ms
  #since: number; // steady ms: from here on the time is that of the step at work
  readonly #steps: Step[] = [];
  readonly #answers: { id: string; to: string; text: string }[] = [];
  #now: Step | undefined; // the step at work
  #failure: { readonly error: unknown } | undefined; // the first, which outer layers only pass on

  constructor(host: TracingHost) {
    this.#host = host;
    this.#at = host.clock.now();
    this.#began = this.#since = host.clock.steady();
  }

  begin(hook: string, did: TraceStep["did"]): Step {
    const step: Step = { hook, did, ms: 0, notes: [] };
    if (this.#steps.length < MAX_STEPS) this.#steps.push(step);
    return step;
  }

  step<Message>(hook: string, layer: Layer<Message>, message: Message, next: Next): unknown {
    const step = this.begin(hook, "took it");
    this.#turnTo(step);
    const back = (): void => this.#turnTo(step);
    let inner: Promise<void> | undefined;
    const passOn: Next = () => {
      // Whatever it was called with: after `check().then(next)` it is not what the check gave that goes on.
      step.did = "passed it on";
      inner = next();
      inner.then(back, back);
      return inner;
    };
    const failed = (error: unknown): never => {
      this.fail(error, step);
      throw error;
    };
    try {
      const outcome = layer(message, passOn);
      // What `next` gave is followed already, by the step that it is about.
      return outcome === inner || !isPromiseLike(outcome) ? outcome : Promise.resolve(outcome).catch(failed);
    } catch (error) {
      return failed(error);
    }
  }

  note(text: string): void {
    if (this.#now && this.#now.notes.length < MAX_NOTES) this.#now.notes.push(this.shown(text));
  }

  answer({ id, to, text }: { id: string; to: string; text: string }): void {
    if (this.#answers.length < MAX_ANSWERS) this.#answers.push({ id, to, text: this.shown(text) });
  }

  fail(error: unknown, step?: Step): void {
    if (this.#failure?.error === error) return;
    this.#failure = { error };
    if (!step) return;
    step.did = "failed";
    step.notes.push(this.shown(describeError(error)));
  }

  end(bot: string, { id, from, attempt }: IncomingMessage): Trace {
    this.#turnTo(undefined);
    this.isOver = true;
    for (const step of this.#steps) step.ms = round(step.ms);
    return {
      bot,
      id,
      from: from.id,
      attempt,
      at: this.#at,
      ms: round(this.#since - this.#began),
      steps: this.#steps,
      answers: this.#answers,
      ...(this.#failure && { error: this.shown(describeError(this.#failure.error)) }),
    };
  }

  #turnTo(step: Step | undefined): void {
    if (this.isOver) return;
    const now = this.#host.clock.steady();
    if (this.#now) this.#now.ms += now - this.#since;
    this.#since = now;
    this.#now = step;
  }

  /** Covered first: a part of a secret is one, too. */
  shown(text: string, most = MAX_CHARACTERS): string {
    const covered = this.#host.conceal(text);
    return covered.length > most ? `${covered.slice(0, most)}…` : covered;
  }
}

function round(ms: number): number {
  return Math.round(ms * 100) / 100;
}

/** Command: a name, a zod schema and a function; the schema is also its card, its help and its error messages. */
import { z } from "zod";
import type { CommandCard, JsonSchema } from "../base/card.ts";
import { WarrenError } from "../base/errors.ts";
import { isName } from "../base/ids.ts";
import type { CallAnswer, CallRequest } from "../peer/call-data.ts";
import type { AnswerCode } from "../peer/calls.ts";
import { type Argument, readArguments } from "./arguments.ts";
import { clip, readLine } from "./command-line.ts";
import type { Confirmations } from "./confirmations.ts";
import { Cooldown } from "./cooldown.ts";
import { describeDuration, durationMs } from "./duration.ts";
import { Guard, type GuardHost } from "./guard.ts";
import { type Described, usageOf } from "./help.ts";
import { describeIssue } from "./issue.ts";
import { nearest } from "./nearest.ts";
import type { BotMessage, CommandCall, CommandOptions } from "./plugin.ts";
import { lookingUp, type LookUp } from "./special-arguments.ts";
import { type TimeLimit, timeLimit, type TimeLimitHost } from "./time-limit.ts";
import { note } from "./trace.ts";

/** How many words a command's name may have: `list add`. */
export const MAX_WORDS = 3;

/** What a command needs of the bot that it belongs to. */
export interface CommandHost extends GuardHost, TimeLimitHost {
  readonly lookUp: LookUp;
  readonly confirmations: Confirmations;
}

type Values = Record<string, unknown>;

export class Command {
  readonly card: CommandCard;
  readonly aliases: readonly string[];
  /** For help. */
  readonly described: Described;
  readonly needsYes: boolean;
  readonly #options: CommandOptions<z.ZodObject>;
  readonly #schema: z.ZodObject;
  readonly #shape: readonly Argument[];
  readonly #host: CommandHost;
  readonly #guard: Guard<CommandCall<Values>>;
  readonly #cooldown: Cooldown | undefined;
  readonly #limit: TimeLimit;

  /** @throws {WarrenError} `PLUGIN_INVALID` when a name, the arguments, the cooldown or the guard cannot be used */
  constructor(name: string, options: CommandOptions<z.ZodObject>, host: CommandHost) {
    const { aliases = [], args: schema = z.object({}), cooldown, allow, timeout } = options;
    for (const one of [name, ...aliases]) if (!isCommandName(one)) throw invalid(name, wrongName(one));
    if (typeof options.about !== "string") throw invalid(name, "about: say in a few words what it does");
    if (typeof options.run !== "function") throw invalid(name, "run: must be a function");
    if (!(schema instanceof z.ZodObject)) throw invalid(name, "args: must be a z.object({ … })");
    const { $schema: _, ...args } = z.toJSONSchema(schema, { io: "input", unrepresentable: "any" }) as JsonSchema;
    this.card = { name, about: options.about, args };
    this.aliases = aliases;
    this.described = { ...this.card, aliases };
    this.needsYes = options.confirm !== undefined;
    this.#options = options;
    this.#schema = schema;
    this.#shape = attempt(name, () => readArguments(args));
    this.#host = host;
    this.#limit = attempt(name, () => timeLimit(`"${name}"`, timeout, host));
    this.#guard = attempt(name, () => new Guard(`"${name}"`, allow, host));
    this.#cooldown =
      cooldown && new Cooldown(host.clock, { max: cooldown.max, perMs: attempt(name, () => durationMs(cooldown.per)) });
  }

  /** Runs the command, or says in an answer why not, or asks first. Throws what the author's functions throw. */
  async run(message: BotMessage, line: string): Promise<void> {
    const read = readLine(line, this.#shape);
    const admitted = await this.#admit(message, () =>
      read.kind === "wrong" ? read : this.#parse(read.values, read.typed),
    );
    if (admitted.kind === "refused") {
      if (admitted.isToldAlready) return note("in silence: that was said already");
      const usage = admitted.code === "COMMAND_ARGUMENTS" ? `\nusage: ${usageOf(this.card)}` : "";
      await message.reply(admitted.sentence + usage);
      return;
    }
    const { confirm } = this.#options;
    if (confirm === undefined) return void (await this.#run(message, admitted.args));
    note("it asks first");
    const question = typeof confirm === "string" ? confirm : confirm(admitted.args);
    await this.#host.confirmations.ask(message, question, { command: this.card.name, values: admitted.values });
  }

  /** Runs it for somebody who was asked and said yes with this message; `values` are what was kept then. */
  async runConfirmed(message: BotMessage, values: Values): Promise<void> {
    const admitted = await this.#admit(message, () => this.#parse(values, new Map()), false);
    if (admitted.kind === "args") return void (await this.#run(message, admitted.args));
    const isWrong = admitted.code === "COMMAND_ARGUMENTS";
    await message.reply(isWrong ? `not done: ${admitted.sentence}` : admitted.sentence);
  }

  /** Runs it for a program, which gives values and wants one back. Throws what the author's functions throw. */
  async answer(message: BotMessage, { args: values, confirmed }: CallRequest): Promise<CallAnswer> {
    const admitted = await this.#admit(
      message,
      () => wrongKeys(values, this.#shape) ?? this.#parse(values, inWords(values)),
    );
    if (admitted.kind === "refused") return { error: { code: admitted.code, message: admitted.sentence } };
    const { confirm } = this.#options;
    if (confirm === undefined || confirmed) return { result: await this.#run(message, admitted.args) };
    note("it asks first");
    const question = typeof confirm === "string" ? confirm : confirm(admitted.args);
    return {
      error: { code: "COMMAND_UNCONFIRMED", message: `it asks first: "${question}" (confirmed: true says yes)` },
    };
  }

  async #run(message: BotMessage, args: Values): Promise<unknown> {
    return await this.#limit(message, (limited) => this.#options.run(callOf(limited, args)));
  }

  /** The arguments, or why it may not be done with them, or not now. */
  async #admit(
    message: BotMessage,
    read: () => ReadTyped | Promise<ReadTyped>,
    isCounted = true,
  ): Promise<ReadArguments | Refused> {
    const { needsArguments } = this.#guard;
    // Strangers learn nothing of the arguments, and use up nobody's turn.
    if (!needsArguments && !(await this.#guard.admits(callOf(message, {})))) return this.#denied(message);
    const typed = await read();
    if (needsArguments && typed.kind === "args" && !(await this.#guard.admits(callOf(message, typed.args)))) {
      return this.#denied(message);
    }
    const tooSoon = isCounted ? this.#tooSoon(message) : undefined;
    if (tooSoon) return tooSoon;
    if (typed.kind === "args") return typed;
    note(`its arguments are wrong: ${typed.sentence}`);
    return { kind: "refused", code: "COMMAND_ARGUMENTS", sentence: typed.sentence };
  }

  #denied({ from }: BotMessage): Refused {
    note(`its guard denied ${from.name}`);
    return { kind: "refused", code: "COMMAND_DENIED", sentence: `you may not use "${this.card.name}"` };
  }

  #tooSoon(message: BotMessage): Refused | undefined {
    // A message that is handed out again after a failure has been counted already.
    if (!this.#cooldown || message.attempt > 1) return undefined;
    const admission = this.#cooldown.admit(this.#options.cooldown?.by === "everyone" ? "" : message.from.id);
    if (admission.kind === "go") return undefined;
    note("its cooldown held it back");
    const sentence = `too soon: again in ${describeDuration(admission.ms)}`;
    return { kind: "refused", code: "COMMAND_TOO_SOON", sentence, isToldAlready: admission.kind === "silent" };
  }

  async #parse(values: Values, typed: ReadonlyMap<string, string>): Promise<ReadTyped> {
    if (!this.#options.args) return { kind: "args", args: {}, values: {} };
    const ids = new Map<unknown, string>(); // of the peers that were looked up, by what was typed
    const lookUp: LookUp = async (who) => {
      const found = await this.#host.lookUp(who);
      ids.set(who, found.id);
      return found;
    };
    const read = await lookingUp(lookUp, () => readTyped(values, typed, this.#schema));
    if (read.kind === "wrong") return read;
    const isPeer = (key: string): boolean => this.#shape.find((one) => one.key === key)?.schema["format"] === "peer";
    const kept = Object.entries(values).map(([key, value]) => [key, isPeer(key) ? (ids.get(value) ?? value) : value]);
    return { ...read, values: Object.fromEntries(kept) };
  }
}

type Wrong = { kind: "wrong"; sentence: string };
/** `values` are those that can be kept and parsed again later. */
type ReadArguments = { kind: "args"; args: Values; values: Values };
type ReadTyped = ReadArguments | Wrong;

interface Refused {
  readonly kind: "refused";
  readonly code: AnswerCode;
  readonly sentence: string;
  /** A person need not be told again. */
  readonly isToldAlready?: boolean;
}

/** What a schema would not say, or not well. */
function wrongKeys(values: Values, shape: readonly Argument[]): Wrong | undefined {
  const keys = shape.map(({ key }) => key);
  const stray = Object.keys(values).find((key) => !keys.includes(key));
  if (stray !== undefined) {
    const guess = nearest(stray, keys);
    const meant = guess === undefined ? "" : `; did you mean "${guess}"?`;
    return { kind: "wrong", sentence: `there is no argument "${clip(stray)}"${meant}` };
  }
  const missing = shape.find(({ key, isRequired }) => isRequired && values[key] === undefined);
  return missing && { kind: "wrong", sentence: `${missing.key} is missing` };
}

/** Values as they stand in messages about them. */
function inWords(values: Values): Map<string, string> {
  const words = Object.entries(values).map(([key, value]): [string, string] => [
    key,
    clip(typeof value === "string" ? value : JSON.stringify(value)),
  ]);
  return new Map(words);
}

async function readTyped(
  values: Values,
  typed: ReadonlyMap<string, string>,
  schema: z.ZodObject,
): Promise<{ kind: "args"; args: Values } | Wrong> {
  const wordOf = (path: readonly PropertyKey[]): string => `"${typed.get(String(path[0])) ?? ""}"`;
  // Given here, not in the schema, so that a message of the author's own goes first.
  const error: z.core.$ZodErrorMap = (issue) => describeIssue(issue, wordOf(issue.path ?? []));
  const parsed = await schema.safeParseAsync(values, { error });
  if (parsed.success) return { kind: "args", args: parsed.data };
  const issue = parsed.error.issues[0];
  const about = issue?.path.length ? ` (${issue.path.join(".")})` : "";
  return { kind: "wrong", sentence: `${issue?.message ?? "these arguments will not do"}${about}` };
}

function callOf<Args>(message: BotMessage, args: Args): CommandCall<Args> {
  return {
    args,
    from: message.from,
    message,
    reply: message.reply,
    get signal() {
      return message.signal;
    },
  };
}

function attempt<Result>(name: string, step: () => Result): Result {
  try {
    return step();
  } catch (error) {
    throw error instanceof WarrenError ? invalid(name, error.message) : error;
  }
}

function isCommandName(name: string): boolean {
  const words = name.split(" ");
  return words.length <= MAX_WORDS && words.every(isName);
}

function wrongName(name: string): string {
  return `a command's name is one to three words, each 1 to 32 of a-z, 0-9 and "-"; "${name.slice(0, 40)}" is not`;
}

function invalid(name: string, reason: string): WarrenError {
  return new WarrenError("PLUGIN_INVALID", `command "${name.slice(0, 40)}": ${reason}`);
}

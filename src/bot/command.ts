/** Command: a name, a zod schema and a function; the schema is also its card, its help and its error messages. */
import { z } from "zod";
import type { CommandCard, JsonSchema } from "../base/card.ts";
import { WarrenError } from "../base/errors.ts";
import { isName } from "../base/ids.ts";
import { type Argument, readArguments } from "./arguments.ts";
import { readLine } from "./command-line.ts";
import type { Confirmations } from "./confirmations.ts";
import { Cooldown } from "./cooldown.ts";
import { describeDuration, durationMs } from "./duration.ts";
import { Guard, type GuardHost } from "./guard.ts";
import { type Described, usageOf } from "./help.ts";
import { describeIssue } from "./issue.ts";
import type { BotMessage, CommandCall, CommandOptions } from "./plugin.ts";
import { lookingUp, type LookUp } from "./special-arguments.ts";
import { note } from "./trace.ts";

/** How many words a command's name may have: `list add`. */
export const MAX_WORDS = 3;

/** What a command needs of the bot that it belongs to. */
export interface CommandHost extends GuardHost {
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

  /** @throws {WarrenError} `PLUGIN_INVALID` when a name, the arguments, the cooldown or the guard cannot be used */
  constructor(name: string, options: CommandOptions<z.ZodObject>, host: CommandHost) {
    const { aliases = [], args: schema = z.object({}), cooldown, allow } = options;
    for (const one of [name, ...aliases]) if (!isCommandName(one)) throw invalid(name, wrongName(one));
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
    this.#guard = attempt(name, () => new Guard(`"${name}"`, allow, host));
    this.#cooldown =
      cooldown && new Cooldown(host.clock, { max: cooldown.max, perMs: attempt(name, () => durationMs(cooldown.per)) });
  }

  /** Runs the command, or says in an answer why not, or asks first. Throws what the author's functions throw. */
  async run(message: BotMessage, line: string): Promise<void> {
    // Strangers learn nothing of the arguments, and use up nobody's turn.
    if (!this.#guard.needsArguments && !(await this.#admits(message, {}))) return;
    const read = readLine(line, this.#shape);
    const typed = read.kind === "wrong" ? read : await this.#parse(read.values, read.typed);
    if (typed.kind === "args" && this.#guard.needsArguments && !(await this.#admits(message, typed.args))) return;
    if (!(await this.#isInTime(message))) return;
    if (typed.kind === "wrong") {
      note(`its arguments are wrong: ${typed.sentence}`);
      await message.reply(`${typed.sentence}\nusage: ${usageOf(this.card)}`);
      return;
    }
    const { confirm } = this.#options;
    if (confirm === undefined) return void (await this.#options.run(callOf(message, typed.args)));
    note("it asks first");
    const question = typeof confirm === "string" ? confirm : confirm(typed.args);
    await this.#host.confirmations.ask(message, question, { command: this.card.name, values: typed.values });
  }

  /** Runs it for somebody who was asked and said yes with this message; `values` are what was kept then. */
  async runConfirmed(message: BotMessage, values: Values): Promise<void> {
    if (!this.#guard.needsArguments && !(await this.#admits(message, {}))) return;
    const typed = await this.#parse(values, new Map());
    if (typed.kind === "wrong") {
      await message.reply(`not done: ${typed.sentence}`);
      return;
    }
    if (this.#guard.needsArguments && !(await this.#admits(message, typed.args))) return;
    await this.#options.run(callOf(message, typed.args));
  }

  async #admits(message: BotMessage, args: Values): Promise<boolean> {
    if (await this.#guard.admits(callOf(message, args))) return true;
    note(`its guard denied ${message.from.name}`);
    await message.reply(`you may not use "${this.card.name}"`);
    return false;
  }

  async #isInTime(message: BotMessage): Promise<boolean> {
    // A message that is handed out again after a failure has been counted already.
    if (!this.#cooldown || message.attempt > 1) return true;
    const admission = this.#cooldown.admit(this.#options.cooldown?.by === "everyone" ? "" : message.from.id);
    if (admission.kind !== "go") {
      note(`its cooldown held it back${admission.kind === "silent" ? " in silence: that was said already" : ""}`);
    }
    if (admission.kind === "wait") await message.reply(`too soon: again in ${describeDuration(admission.ms)}`);
    return admission.kind === "go";
  }

  async #parse(values: Values, typed: ReadonlyMap<string, string>): Promise<ReadTyped> {
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
type ReadTyped = { kind: "args"; args: Values; values: Values } | Wrong;

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

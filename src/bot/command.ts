/** Command: a name, a zod schema and a function; the schema is also its card, its help and its error messages. */
import { z } from "zod";
import type { CommandCard, JsonSchema } from "../base/card.ts";
import { WarrenError } from "../base/errors.ts";
import { isName } from "../base/ids.ts";
import type { Clock } from "../base/world.ts";
import { type Argument, readArguments } from "./arguments.ts";
import { readLine } from "./command-line.ts";
import { Cooldown } from "./cooldown.ts";
import { describeDuration, durationMs } from "./duration.ts";
import { usageOf } from "./help.ts";
import { describeIssue } from "./issue.ts";
import type { BotMessage, CommandCall, CommandOptions } from "./plugin.ts";

export class Command {
  readonly card: CommandCard;
  readonly #run: (message: BotMessage, line: string) => Promise<void>;
  readonly #cooldown: Cooldown | undefined;
  readonly #cooldownKey: (message: BotMessage) => string;

  /** @throws {WarrenError} `PLUGIN_INVALID` when the name, the arguments or the cooldown cannot be used */
  constructor(name: string, options: CommandOptions<z.ZodObject>, clock: Clock) {
    if (!isName(name)) throw invalid(name, `a command's name is 1 to 32 of a-z, 0-9 and "-"`);
    const schema = options.args ?? z.object({});
    if (!(schema instanceof z.ZodObject)) throw invalid(name, "args: must be a z.object({ … })");
    const { $schema: _, ...args } = z.toJSONSchema(schema, { io: "input", unrepresentable: "any" }) as JsonSchema;
    this.card = { name, about: options.about, args };
    const shape = attempt(name, () => readArguments(args));
    this.#run = async (message, line) => {
      const read = await readTyped(line, shape, schema);
      if (read.kind === "wrong") await message.reply(`${read.sentence}\nusage: ${usageOf(this.card)}`);
      else await options.run(callOf(message, read.args));
    };
    const { cooldown } = options;
    this.#cooldown =
      cooldown && new Cooldown(clock, { max: cooldown.max, perMs: attempt(name, () => durationMs(cooldown.per)) });
    this.#cooldownKey = (message) => (cooldown?.by === "everyone" ? "" : message.from.id);
  }

  /** Runs the command, or says in an answer why not. Throws what the author's function throws. */
  async run(message: BotMessage, line: string): Promise<void> {
    // A message that is handed out again after a failure has been counted already.
    const admission = message.attempt > 1 ? undefined : this.#cooldown?.admit(this.#cooldownKey(message));
    if (admission?.kind === "silent") return;
    if (admission?.kind === "wait") await message.reply(`too soon: again in ${describeDuration(admission.ms)}`);
    else await this.#run(message, line);
  }
}

type ReadTyped = { kind: "args"; args: Record<string, unknown> } | { kind: "wrong"; sentence: string };

async function readTyped(line: string, shape: readonly Argument[], schema: z.ZodObject): Promise<ReadTyped> {
  const read = readLine(line, shape);
  if (read.kind === "wrong") return read;
  const wordOf = (path: readonly PropertyKey[]): string => `"${read.typed.get(String(path[0])) ?? ""}"`;
  // Given here, not in the schema, so that a message of the author's own goes first.
  const error: z.core.$ZodErrorMap = (issue) => describeIssue(issue, wordOf(issue.path ?? []));
  const parsed = await schema.safeParseAsync(read.values, { error });
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

function invalid(name: string, reason: string): WarrenError {
  return new WarrenError("PLUGIN_INVALID", `command "${name.slice(0, 40)}": ${reason}`);
}

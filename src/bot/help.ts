/** Help: generated from what the commands declare, so that it cannot fall behind. */
import type { JsonSchema } from "../base/card.ts";
import { type Argument, readArguments, WORD_FORMATS } from "./arguments.ts";
import { TYPE_WORDS } from "./command-line.ts";

/** What help needs to know of a command; a `CommandCard` of any bot will do. */
export interface Described {
  readonly name: string;
  readonly about: string;
  readonly args: JsonSchema;
  readonly aliases?: readonly string[];
}

/** `roll [sides=6] [times=2] [--loud]` */
export function usageOf(command: Described): string {
  const parts = readArguments(command.args).map(usageOfArgument);
  return [command.name, ...parts].join(" ");
}

/** Usage, purpose and arguments of one command. */
export function helpForCommand(command: Described): string {
  const args = readArguments(command.args);
  const width = Math.max(...args.map((argument) => argument.key.length));
  const lines = args.map((argument) => `  ${argument.key.padEnd(width)}  ${describeArgument(argument)}`);
  return [titleOf(command), ...lines].join("\n");
}

export function helpForAll(about: string, commands: readonly Described[]): string {
  const lines = commands.map((command) => `  ${titleOf(command)}`);
  return [about, ...lines].join("\n");
}

/** The answer to a person's message that nothing takes. */
export function helpInOneLine(about: string, commands: readonly Described[], guess: string | undefined): string {
  const names = commands.map((command) => command.name).join(", ");
  return `${guess === undefined ? "" : `did you mean "${guess}"? `}${about} (commands: ${names})`;
}

function titleOf(command: Described): string {
  const others = command.aliases?.length ? ` (or ${command.aliases.join(", ")})` : "";
  return `${usageOf(command)}: ${command.about}${others}`;
}

function usageOfArgument({ key, flag, type, isRequired, isPositional, takesRest, choices, schema }: Argument): string {
  if (!isPositional) return schema["default"] === true ? `[--no-${flag}]` : `[--${flag}]`;
  const fallback = schema["default"] === undefined ? "" : `=${plain(schema["default"])}`;
  const value = choices ? choices.join("|") : type === "boolean" ? `${key}: yes|no` : `${key}${takesRest ? "..." : ""}`;
  return isRequired ? `<${value}>` : `[${value}${fallback}]`;
}

function describeArgument({ type, isRequired, choices, schema }: Argument): string {
  const facts = [
    typeof schema["description"] === "string" ? schema["description"] : undefined,
    choices ? `one of ${choices.join(", ")}` : (WORD_FORMATS.get(schema["format"]) ?? TYPE_WORDS[type]),
    describeRange(schema),
  ];
  const without = schema["default"] === undefined ? "may be left out" : `${plain(schema["default"])} if left out`;
  return [...facts, isRequired ? undefined : without].filter((fact) => fact !== undefined && fact !== "").join(", ");
}

function describeRange({ minimum, maximum }: JsonSchema): string {
  const least = isBound(minimum) ? minimum : undefined;
  const most = isBound(maximum) ? maximum : undefined;
  if (least !== undefined && most !== undefined) return `${least} to ${most}`;
  if (least !== undefined) return `at least ${least}`;
  return most === undefined ? "" : `at most ${most}`;
}

/** zod states the limits of exact integers as bounds; nobody needs to read those. */
function isBound(value: unknown): value is number {
  return typeof value === "number" && Math.abs(value) < Number.MAX_SAFE_INTEGER;
}

function plain(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}

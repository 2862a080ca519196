/** Call words: how a call of a bot may go on, from its card alone. A card is a stranger's: only plain words of it are shown. */
import type { Card, CommandCard } from "../base/card.ts";
import { isWarrenError } from "../base/errors.ts";
import { type Argument, readArguments } from "../bot/arguments.ts";

/** What can be typed as it is, and shown as it is. */
const PLAIN = /^[\p{L}\p{N}][\p{L}\p{N}_.-]{0,63}$/u;

/**
 * What may stand in the place of the last of the words `typed`, which is being typed: a command's word, an argument's
 * value, a flag that is not there yet.
 *
 * @param names of those whom an argument can mean
 */
export function callWords({ commands }: Card, typed: readonly string[], names: readonly string[]): string[] {
  const before = typed.slice(0, -1);
  const last = typed.at(-1) ?? "";
  const hasOwnHelp = commands.some(({ name }) => name === "help");
  if (before[0] === "help" && !hasOwnHelp) return commandWords(commands, before.slice(1));
  const called = commands
    .filter(({ name }) => startsWith(before, name.split(" ")))
    .toSorted((a, b) => b.name.length - a.name.length)[0];
  const further = commandWords(commands, before);
  const help = before.length === 0 && !hasOwnHelp ? ["help"] : []; // every bot answers it
  return [...further, ...help, ...(called ? argumentWords(called, before, last, names) : [])];
}

/** The next word of each command that begins with the words typed so far. */
function commandWords(commands: readonly CommandCard[], before: readonly string[]): string[] {
  const longer = commands.map(({ name }) => name.split(" ")).filter((parts) => startsWith(parts, before));
  return [...new Set(longer.flatMap((parts) => parts.slice(before.length, before.length + 1)))];
}

function argumentWords(command: CommandCard, before: readonly string[], last: string, names: readonly string[]) {
  const args = argumentsOf(command);
  const given = new Set<Argument>();
  const find = (flag: string): Argument | undefined => args.find((one) => one.flag === flag || one.key === flag);
  let awaited: Argument | undefined; // whose flag was typed, and whose value comes next
  let areFlagsOver = false;
  for (const word of before.slice(command.name.split(" ").length)) {
    const [flag = "", value] = word.slice(2).split("=", 2);
    if (awaited) awaited = undefined;
    else if (word === "--") areFlagsOver = true;
    else if (word.startsWith("--") && !areFlagsOver) {
      const argument = find(flag) ?? find(flag.replace(/^no-/, ""));
      if (argument) given.add(argument);
      if (argument?.type !== "boolean" && value === undefined) awaited = argument;
    } else {
      const placed = args.find((one) => one.isPositional && !given.has(one));
      if (placed?.takesRest) return []; // a text of one's own
      if (placed) given.add(placed);
    }
  }
  if (awaited) return valuesOf(awaited, names);
  const next = args.find((one) => one.isPositional && !given.has(one));
  const flags = areFlagsOver ? [] : args.filter((one) => !given.has(one)).map(flagOf);
  return [...(next && !last.startsWith("-") ? valuesOf(next, names) : []), ...flags];
}

function flagOf({ flag, type, isPositional, schema }: Argument): string {
  return type === "boolean" && !isPositional && schema["default"] === true ? `--no-${flag}` : `--${flag}`;
}

function valuesOf({ choices, type, schema }: Argument, names: readonly string[]): string[] {
  if (choices) return choices.map(String).filter((word) => PLAIN.test(word));
  if (type === "boolean") return ["yes", "no"];
  return schema["format"] === "peer" ? [...names] : [];
}

/** None where the card tells of arguments that cannot be typed. */
function argumentsOf({ args }: CommandCard): Argument[] {
  try {
    return readArguments(args);
  } catch (error) {
    if (isWarrenError(error, "PLUGIN_INVALID")) return [];
    throw error;
  }
}

function startsWith(words: readonly string[], beginning: readonly string[]): boolean {
  return beginning.every((word, index) => words[index] === word);
}

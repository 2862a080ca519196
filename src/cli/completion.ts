/** Completion: how a line that is being typed in the chat may go on. */
import type { Card } from "../base/card.ts";

export interface Completions {
  /** With their slash. */
  readonly commands: readonly string[];
  /** The commands that are followed by a name. */
  readonly withName: readonly string[];
  readonly names: readonly string[];
  /** The name of whom plain lines are for. */
  readonly partner?: string | undefined;
  readonly cardOf: (name: string) => Card | undefined;
}

/** All continuations of `line`, as whole replacements of its last word, and that word. */
export function complete(line: string, words: Completions): [matches: string[], completed: string] {
  const parts = line.trimStart().split(/\s+/u);
  const last = parts.at(-1) ?? "";
  const candidates = candidatesFor(parts, words);
  return [candidates.filter((word) => word.startsWith(last)).map((word) => `${word} `), last];
}

function candidatesFor([first = "", ...rest]: string[], words: Completions): string[] {
  const { commands, withName, names, partner } = words;
  if (rest.length === 0) {
    if (first.startsWith("/")) return [...commands];
    if (first.startsWith("@")) return names.map((name) => `@${name}`);
    const own = partner === undefined ? [] : botWords(words, partner, []);
    return [...own, ...(partner === undefined ? names : names.map((name) => `${name}:`))];
  }
  if (withName.includes(first)) {
    return rest.length === 1 ? [...names] : first === "/message" ? botWords(words, rest[0] ?? "", rest.slice(1)) : [];
  }
  if (first.startsWith("/")) return [];
  const named = /^@?(.+?):?$/u.exec(first)?.[1] ?? "";
  return names.includes(named) ? botWords(words, named, rest) : botWords(words, partner ?? "", [first, ...rest]);
}

/** The commands of a bot, and after one of them the flags of its arguments. */
function botWords({ cardOf }: Completions, name: string, typed: readonly string[]): string[] {
  const commands = cardOf(name)?.commands ?? [];
  if (typed.length <= 1) return commands.map((command) => command.name);
  const properties = commands.find((command) => command.name === typed[0])?.args["properties"];
  return typeof properties === "object" && properties !== null
    ? Object.keys(properties).map((property) => `--${property}`)
    : [];
}

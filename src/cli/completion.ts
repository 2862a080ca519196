/** Completion: how a line that is being typed in the chat may go on. */
import type { Card } from "../base/card.ts";
import { callWords } from "./call-words.ts";

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
  const isAddressed = first.startsWith("@") || names.includes(named);
  return isAddressed ? botWords(words, named, rest) : botWords(words, partner ?? "", [first, ...rest]);
}

/** What can be said to a bot; people and bots without commands have no words of their own. */
function botWords({ cardOf, names }: Completions, name: string, typed: readonly string[]): string[] {
  const card = cardOf(name);
  return card && card.commands.length > 0 ? callWords(card, typed, names) : [];
}

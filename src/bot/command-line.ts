/** A command line: the words after a command's name, turned into the values that its schema declares. */
import type { Argument, ArgumentType } from "./arguments.ts";
import { nearest } from "./nearest.ts";
import { splitWords, type Word } from "./words.ts";

export type ReadLine =
  { kind: "values"; values: Record<string, unknown>; typed: Map<string, string> } | { kind: "wrong"; sentence: string };

export type ReadValue = { kind: "value"; value: unknown } | { kind: "wrong"; sentence: string };

/** What is wrong with the line, as a sentence for the person who typed it. Never leaves this file. */
class Wrong extends Error {}

/**
 * Reads `--flag value`, `--flag=value`, `--flag` and `--no-flag` (booleans), and the other words in the order of the
 * arguments. After `--`, and in the rest of the line that a last free text takes, nothing is a flag.
 */
export function readLine(line: string, args: readonly Argument[]): ReadLine {
  const reader = new LineReading(line, args);
  try {
    reader.read();
  } catch (error) {
    if (error instanceof Wrong) return { kind: "wrong", sentence: error.message };
    throw error;
  }
  return { kind: "values", values: reader.values, typed: reader.typed };
}

class LineReading {
  readonly values: Record<string, unknown> = {};
  readonly typed = new Map<string, string>(); // key to the words that gave it, for messages about the value
  readonly #line: string;
  readonly #args: readonly Argument[];
  readonly #words: Word[];

  constructor(line: string, args: readonly Argument[]) {
    this.#line = line;
    this.#args = args;
    this.#words = splitWords(line);
  }

  read(): void {
    let flagsAllowed = true;
    for (let word = this.#words.shift(); word; word = this.#words.shift()) {
      if (flagsAllowed && !word.isQuoted && word.text === "--") flagsAllowed = false;
      else if (flagsAllowed && !word.isQuoted && word.text.startsWith("--")) this.#readFlag(word.text.slice(2));
      else this.#readPlaced(word);
    }
    const missing = this.#args.find((argument) => argument.isRequired && !this.typed.has(argument.key));
    if (missing) throw new Wrong(`${missing.key} is missing`);
  }

  #readPlaced(word: Word): void {
    const argument = this.#args.find((one) => one.isPositional && !this.typed.has(one.key));
    if (!argument) throw new Wrong(`"${clip(word.text)}" is one word too many`);
    if (argument.takesRest && this.#words.length > 0) {
      this.#words.length = 0;
      this.#put(argument, this.#line.slice(word.start).trimEnd());
    } else {
      this.#put(argument, word.text);
    }
  }

  #readFlag(flag: string): void {
    const [name, value] = cut(flag, "=");
    const argument = this.#find(name);
    if (argument) {
      if (value !== undefined) return this.#put(argument, value);
      if (argument.type === "boolean") return this.#put(argument, "yes");
      const next = this.#words.shift();
      if (!next) throw new Wrong(`--${argument.flag} needs a value`);
      return this.#put(argument, next.text);
    }
    const negated = name.startsWith("no-") ? this.#find(name.slice(3)) : undefined;
    if (negated?.type === "boolean" && value === undefined) return this.#put(negated, "no");
    const guess = nearest(
      name,
      this.#args.map((one) => one.flag),
    );
    throw new Wrong(`there is no --${clip(name)}${guess === undefined ? "" : `; did you mean --${guess}?`}`);
  }

  #find(name: string): Argument | undefined {
    return this.#args.find((argument) => argument.flag === name || argument.key === name);
  }

  #put(argument: Argument, text: string): void {
    if (this.typed.has(argument.key)) throw new Wrong(`${argument.key} is given twice`);
    this.typed.set(argument.key, text);
    const read = readValue(text, argument);
    if (read.kind === "wrong") throw new Wrong(`${read.sentence} (${argument.key})`);
    this.values[argument.key] = read.value;
  }
}

/** One text as the type that the argument declares; undefined where it is none. */
export function wordValue({ type, choices }: Pick<Argument, "type" | "choices">, text: string): unknown {
  return choices ? choose(choices, text.trim()) : CONVERTERS[type](text.trim(), text);
}

/** The same, with a sentence about what is wrong. */
export function readValue(text: string, argument: Pick<Argument, "type" | "choices">): ReadValue {
  const { type, choices } = argument;
  const value = wordValue(argument, text);
  if (value !== undefined) return { kind: "value", value };
  return {
    kind: "wrong",
    sentence: `"${clip(text)}" is not ${choices ? `one of ${choices.join(", ")}` : TYPE_WORDS[type]}`,
  };
}

/** The choice that `text` names; another case will do where none fits exactly. */
export function choose<Choice>(choices: readonly Choice[], text: string): Choice | undefined {
  const fits = (fold: (word: string) => string): Choice | undefined =>
    choices.find((one) => fold(String(one)) === fold(text));
  return fits(String) ?? fits((word) => word.toLowerCase());
}

export const TYPE_WORDS: Readonly<Record<ArgumentType, string>> = {
  string: "a text",
  integer: "a whole number",
  number: "a number",
  boolean: "yes or no",
};

const CONVERTERS: Readonly<Record<ArgumentType, (trimmed: string, text: string) => unknown>> = {
  string: (_, text) => text,
  integer: (text) => (/^[+-]?\d{1,15}$/.test(text) ? Number(text) : undefined), // 15 digits are always exact
  number: (text) => (/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d{1,3})?$/i.test(text) ? finite(Number(text)) : undefined),
  boolean: (text) => (/^(true|yes|on|1)$/i.test(text) ? true : /^(false|no|off|0)$/i.test(text) ? false : undefined),
};

function finite(number: number): number | undefined {
  return Number.isFinite(number) ? number : undefined;
}

function cut(text: string, mark: string): [string, string?] {
  const at = text.indexOf(mark);
  return at === -1 ? [text] : [text.slice(0, at), text.slice(at + 1)];
}

/** Short enough to be quoted in a sentence. */
export function clip(text: string): string {
  return text.length > 40 ? `${text.slice(0, 39)}…` : text;
}

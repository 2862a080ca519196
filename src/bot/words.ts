/** Words: a line as a person types it, cut the way a command line is, and forgiving what phones make of quotes and dashes. */

export interface Word {
  /** What it says, with its quotes taken off. */
  readonly text: string;
  /** Where it begins in the line, its quote included. */
  readonly start: number;
  /** A word in quotes is never a flag. */
  readonly isQuoted: boolean;
}

const DOUBLE_QUOTES = '"“”„‟«»';
const SINGLE_QUOTES = "'‘’‚‛";
const SPACE = /\s/;

/**
 * A quote opens only at the beginning of a word (or of a flag's value) and closes only at the end of one, so that
 * `don't` and `5"` need no care; one that is never closed is an ordinary character. A backslash before a quote or a
 * backslash, inside quotes, takes its meaning away. Reads the line once, whatever is in it.
 */
export function splitWords(line: string): Word[] {
  const words: Word[] = [];
  const unclosed = new Set<string>(); // kinds of quotes that nothing closes from here on: looked for once, not once a word
  for (let at = 0; at < line.length;) {
    if (SPACE.test(line.charAt(at))) {
      at++;
      continue;
    }
    const start = at;
    const flag = /^(?:--|[—–])[a-zA-Z][\w-]{0,63}=/.exec(line.slice(start, start + 68))?.[0] ?? "";
    const quoted = readQuoted(line, start + flag.length, unclosed);
    if (quoted) {
      at = quoted.end;
      words.push({ text: plainDashes(flag) + quoted.text, start, isQuoted: flag === "" });
    } else {
      while (at < line.length && !SPACE.test(line.charAt(at))) at++;
      words.push({ text: plainDashes(line.slice(start, at)), start, isQuoted: false });
    }
  }
  return words;
}

function readQuoted(line: string, start: number, unclosed: Set<string>): { text: string; end: number } | undefined {
  const kind = [DOUBLE_QUOTES, SINGLE_QUOTES].find((quotes) => quotes.includes(line.charAt(start) || " "));
  if (kind === undefined || unclosed.has(kind)) return undefined;
  let text = "";
  for (let at = start + 1; at < line.length; at++) {
    const char = line.charAt(at);
    const next = line.charAt(at + 1);
    if (char === "\\" && (next === "\\" || kind.includes(next || " "))) text += line.charAt(++at);
    else if (kind.includes(char) && (next === "" || SPACE.test(next))) return { text, end: at + 1 };
    else text += char;
  }
  unclosed.add(kind);
  return undefined;
}

/** Phones turn `--` into a long dash, and typographers a minus into anything but. Only the beginning of a word is mended. */
function plainDashes(word: string): string {
  return word.replace(/^[—–](?=[a-zA-Z])/, "--").replace(/^[–−](?=[\d.])/, "-");
}

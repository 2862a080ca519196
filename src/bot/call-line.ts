/** Call line: a call with its values, as a person would type it. For people who read it, and for bots that know nothing of calls. */

const PLAIN_WORD = /^(?:[\w.:@/+][\w.:@/+-]*|-\d[\w.+-]*)$/;
/** What begins or ends a quote, as in words.ts, and the backslash. */
const QUOTES = /["“”„‟«»\\]/g;

export function callLine(command: string, args: Readonly<Record<string, unknown>>): string {
  const flags = Object.entries(args).flatMap(([key, value]) => {
    const flag = key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
    if (typeof value === "boolean") return [value ? `--${flag}` : `--no-${flag}`];
    const text: string | undefined = typeof value === "string" ? value : JSON.stringify(value);
    return text === undefined ? [] : [`--${flag} ${wordOf(text)}`]; // JSON says nothing of undefined
  });
  return [command, ...flags].join(" ");
}

function wordOf(text: string): string {
  if (PLAIN_WORD.test(text)) return text;
  return `"${text.replace(QUOTES, (quote) => `\\${quote}`)}"`;
}

/** Paint: the few colours of the terminal face, and none of them where NO_COLOR is set or nobody looks. */

const NAME_COLOURS = [36, 35, 34, 33, 32, 96, 95, 94] as const;

export interface Paint {
  dim(text: string): string;
  bold(text: string): string;
  good(text: string): string;
  warn(text: string): string;
  bad(text: string): string;
  /** Each name in a colour of its own, the same one everywhere. */
  name(name: string): string;
}

export function createPaint(isColoured: boolean): Paint {
  const code = (on: number, off: number) => (text: string) => (isColoured ? `\x1b[${on}m${text}\x1b[${off}m` : text);
  return {
    dim: code(2, 22),
    bold: code(1, 22),
    good: code(32, 39),
    warn: code(33, 39),
    bad: code(31, 39),
    name: (name) => code(NAME_COLOURS[Bun.hash.crc32(name) % NAME_COLOURS.length] ?? 36, 39)(name),
  };
}

/** See https://no-color.org */
export function wantsColour(stream: { isTTY?: boolean }, environment = process.env): boolean {
  return stream.isTTY === true && !environment["NO_COLOR"] && environment["TERM"] !== "dumb";
}

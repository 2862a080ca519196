/** Paste: what a terminal marks as pasted ("bracketed paste"), and how it stands in a line that is being edited. */

/** Terminals that do not know the mode pass over these, and mark nothing. */
export const PASTE_MODE = { on: "\x1b[?2004h", off: "\x1b[?2004l" } as const;

const START = "\x1b[200~";
const END = "\x1b[201~";

/** Cells that stand in a line for what would end it or be wider than one cell. */
const LINE_BREAK = "⏎";
const TAB = "⇥";
/** Behind a cell that stands for itself, because it was pasted. Takes no room (it asks for the form without colours). */
const ITSELF = "\ufe0e";

/** Colours, and what else a terminal could have been told. */
// eslint-disable-next-line no-control-regex -- they begin with one
const SEQUENCE = /\x1b\[[0-?]*[ -/]*[@-~]/g;
/** The characters that are not shown anywhere else either: see `oneLine`. */
const HARMFUL = /[\p{Cc}\u2028-\u202e\u2066-\u2069]/gu;

/** Puts pastes together from the keys as which they come. */
export class PasteReader {
  readonly #onPaste: (text: string) => void;
  #text = "";
  #tail = ""; // of #text: to look for the end in all of it, at every key, takes long
  #isOpen = false;

  constructor(onPaste: (text: string) => void) {
    this.#onPaste = onPaste;
  }

  /** Whether a paste has begun and not ended. */
  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** Takes what a key has sent; false if it belongs to no paste. */
  take(sequence: string): boolean {
    if (!this.#isOpen) return (this.#isOpen = sequence.endsWith(START));
    this.#text += sequence;
    this.#tail = (this.#tail + sequence).slice(-END.length); // the end can come as several keys, if it comes slowly
    if (this.#tail !== END) return true;
    const text = this.#text.slice(0, -END.length);
    [this.#text, this.#tail, this.#isOpen] = ["", "", false];
    this.#onPaste(text);
    return true;
  }
}

/** A pasted text as it stands in the line: of one row, each character a cell. What ends its only line is left out. */
export function toCells(pasted: string): string {
  return pasted
    .replace(SEQUENCE, "")
    .replace(/\r\n?/g, "\n")
    .replace(/^([^\n]*)\n$/, "$1")
    .replace(/[⏎⇥]/g, `$&${ITSELF}`)
    .replaceAll("\n", LINE_BREAK)
    .replaceAll("\t", TAB)
    .replace(HARMFUL, "");
}

/** The text for which a line stands. */
export function fromCells(line: string): string {
  return line.replace(/([⏎⇥])(\ufe0e)?/g, (_, cell: string, itself?: string) =>
    itself ? cell : cell === TAB ? "\t" : "\n",
  );
}

/** Glass: a terminal of our own, as far as the chat needs one, so that a test can look at what is on the screen. */
import { PassThrough, Writable } from "node:stream";

/** Something that node:readline takes for a terminal that is being typed at. */
export class Keyboard extends PassThrough {
  readonly isTTY = true;
  setRawMode(): this {
    return this;
  }
}

/** Understands text, line feed, carriage return, and the escape sequences for moving and clearing. */
export class Glass extends Writable {
  readonly isTTY = true;
  readonly columns: number;
  readonly rows: number;
  #cells: string[][] = [[]];
  #row = 0;
  #column = 0;

  constructor(columns: number, rows: number) {
    super({ decodeStrings: false });
    this.columns = columns;
    this.rows = rows;
  }

  /** What is on the screen, without empty rows below; the cursor is shown as "▏". */
  get shown(): string[] {
    const cells = this.#cells.map((row) => [...row]);
    (cells[this.#row] ??= []).splice(this.#column, 0, "▏");
    return cells.map((row) =>
      Array.from(row, (cell) => cell ?? " ")
        .join("")
        .trimEnd(),
    );
  }

  override _write(text: string, _: string, done: () => void): void {
    // eslint-disable-next-line no-control-regex -- escape sequences are what this is about
    for (const [, code, kind, char] of text.matchAll(/\x1b\[([\d;]*)([A-Za-z])|([^])/gu)) {
      if (kind !== undefined) this.#control(kind, Number(code || 0));
      else if (char !== undefined) this.#put(char);
    }
    done();
  }

  #control(kind: string, count: number): void {
    if (kind === "A") this.#row = Math.max(0, this.#row - (count || 1));
    else if (kind === "B") this.#row += count || 1;
    else if (kind === "C") this.#column += count || 1;
    else if (kind === "D") this.#column = Math.max(0, this.#column - (count || 1));
    else if (kind === "G") this.#column = Math.max(0, count - 1);
    else if (kind === "K") (this.#cells[this.#row] ??= []).length = this.#column;
    else if (kind === "J") {
      (this.#cells[this.#row] ??= []).length = this.#column;
      this.#cells.length = this.#row + 1;
    }
  }

  #put(char: string): void {
    if (char === "\r") this.#column = 0;
    else if (char === "\n") [this.#row, this.#column] = [this.#row + 1, 0];
    else {
      if (this.#column >= this.columns) {
        this.#column = 0;
        this.#row++;
      }
      (this.#cells[this.#row] ??= [])[this.#column++] = char;
    }
    while (this.#cells.length <= this.#row) this.#cells.push([]);
  }
}

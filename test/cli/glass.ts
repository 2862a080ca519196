/** Glass: a terminal of our own, as far as the chat needs one, so that a test can look at what is on the screen. */
import { PassThrough, Writable } from "node:stream";

/** Something that node:readline takes for a terminal that is being typed at. */
export class Keyboard extends PassThrough {
  readonly isTTY = true;
  setRawMode(): this {
    return this;
  }
}

/** Understands text, line feed, carriage return, and the escape sequences for moving and clearing; passes over modes. */
export class Glass extends Writable {
  readonly isTTY = true;
  columns: number;
  readonly rows: number;
  readonly #wrapped = new Set<number>(); // the rows that go on in the next one
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

  /** Another width: what is there is fitted to it, as terminals do, and whoever writes is told. */
  resize(columns: number): void {
    const before = this.#cells;
    const cursor = before.slice(0, this.#row).reduce((sum, row) => sum + row.length, this.#column);
    this.#cells = [[]];
    this.columns = columns;
    const wrapped = new Set(this.#wrapped);
    this.#wrapped.clear();
    [this.#row, this.#column] = [0, 0];
    let at = 0;
    let place = [0, 0] as [number, number];
    for (const [index, row] of before.entries()) {
      for (const cell of row) {
        this.#put(cell ?? " ");
        if (++at === cursor) place = [this.#row, this.#column];
      }
      if (wrapped.has(index) || index === before.length - 1) continue;
      this.#put("\r");
      this.#put("\n");
    }
    [this.#row, this.#column] = place;
    this.emit("resize");
  }

  override _write(text: string, _: string, done: () => void): void {
    // eslint-disable-next-line no-control-regex -- escape sequences are what this is about
    for (const [, code, kind, char] of text.matchAll(/\x1b\[([\d;?]*)([A-Za-z])|([^])/gu)) {
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
    else if (kind === "H")
      [this.#row, this.#column] = [0, 0]; // of the places, all that is asked for
    else if (kind === "K") (this.#cells[this.#row] ??= []).length = this.#column;
    else if (kind === "J") {
      (this.#cells[this.#row] ??= []).length = this.#column;
      this.#cells.length = this.#row + 1;
      for (const row of this.#wrapped) if (row >= this.#row) this.#wrapped.delete(row);
    }
  }

  #put(char: string): void {
    if (char === "\r") this.#column = 0;
    else if (char === "\n") [this.#row, this.#column] = [this.#row + 1, 0];
    else {
      if (this.#column >= this.columns) {
        this.#wrapped.add(this.#row);
        this.#column = 0;
        this.#row++;
      }
      (this.#cells[this.#row] ??= [])[this.#column++] = char;
    }
    while (this.#cells.length <= this.#row) this.#cells.push([]);
  }
}

/** Screen: a terminal on which text appears above the line that is being typed, and never tears it. */
import { createInterface, type Interface } from "node:readline";
import { WarrenError } from "../base/errors.ts";
import { fromCells, PASTE_MODE, PasteReader, toCells } from "./paste.ts";
import type { Asker } from "./start.ts";

/** A complete replacement of the text before the cursor, as node:readline wants it. */
export type Completer = (line: string) => [matches: string[], completed: string];

/** What was printed; while it is still on the screen a few cells of it can be written anew. */
export interface Block {
  /** Writes over the first row, from `column` on; `text` must be as wide as what it replaces. */
  mark(column: number, text: string): void;
}

export interface LineHandlers {
  /** Every line that answers no question. One into which several were pasted has line breaks. */
  onLine(line: string): void;
  /** There will be no more lines: Ctrl-C on an empty line, Ctrl-D, end of input. */
  onEnd(): void;
}

export interface ScreenOptions {
  input: NodeJS.ReadStream;
  output: NodeJS.WriteStream;
  complete: Completer;
}

interface Key {
  readonly name?: string;
  readonly ctrl?: boolean;
  readonly sequence?: string;
}

/** The blank at which a row was broken, behind the colours that go on in the next one. */
// eslint-disable-next-line no-control-regex -- a colour begins with one
const BREAK = /^((?:\x1b\[[\d;]*m)*) /;

/** Moves the cursor; 0 would move it by one. */
const right = (count: number): string => (count > 0 ? `\x1b[${count}C` : "");

export class Screen implements Asker, Disposable {
  readonly isTerminal: boolean;
  readonly #input: NodeJS.ReadStream;
  readonly #output: NodeJS.WriteStream;
  readonly #readline: Interface;
  readonly #paste: PasteReader;
  #question: PromiseWithResolvers<string> | undefined; // that is being asked
  #typedRows = 0; // rows above the one in which the typed line ended, prompt included
  #printedRows = 0; // since the start
  #floating: string[] = []; // rows between what was printed and the typed line
  #isAbove = false; // the typed line and what floats are away; they come back when all is printed
  #fixedRows = 0; // blocks above that row are where nobody knows, because the window has changed its size
  #isPrompting = false;
  #isClosed = false;
  #early: string[] = []; // typed before anybody wanted lines
  #hasEnded = false;
  #reader: LineHandlers | undefined;

  constructor({ input, output, complete }: ScreenOptions) {
    this.isTerminal = input.isTTY && output.isTTY;
    this.#input = input;
    this.#output = output;
    this.#readline = createInterface({
      input,
      output,
      terminal: this.isTerminal,
      completer: complete,
      historySize: 500,
      removeHistoryDuplicates: true,
      escapeCodeTimeout: 50,
    });
    this.#paste = new PasteReader((text) => this.#readline.write(toCells(text)));
    this.#readline.on("line", (line) => this.#onLine(line));
    this.#readline.on("close", () => {
      this.#isPrompting = false; // a closed readline cannot show its prompt again
      if (this.isTerminal && !this.#isClosed) this.#erase(0);
      this.#onEnd();
    });
    this.#readline.on("SIGINT", () => (this.#readline.line === "" ? this.#onEnd() : this.#clearTyped()));
    if (!this.isTerminal) return;
    this.#watchKeys();
    output.write(PASTE_MODE.on);
    process.on("exit", this.#endPasteMode);
    output.prependListener("resize", () => this.#onResize());
    this.#readline.on("SIGTSTP", () => this.#suspend());
    process.on("SIGCONT", this.#resume);
  }

  get columns(): number {
    return this.isTerminal ? Math.max(20, this.#output.columns) : 1_000_000;
  }

  get isTyping(): boolean {
    return this.#readline.line !== "" || this.#paste.isOpen;
  }

  /** Prints above the line being typed. Rows that are too wide are broken, and go on below `indent` blanks. */
  print(text: string | readonly string[], indent = 0): Block {
    const lines = typeof text === "string" ? [text] : text;
    const rows = lines.flatMap((line) => this.#rowsOf(line, indent));
    const row = this.#printedRows;
    this.#above(() => this.#write(rows));
    this.#printedRows += rows.length;
    return { mark: (column, cells) => this.#mark(row, column, cells) };
  }

  /**
   * Shows lines between what is printed and the line being typed, in place of those that were there. Of more rows than the
   * screen has room for, the last are shown. Only on a terminal.
   */
  float(lines: readonly string[], indent = 0): void {
    if (!this.isTerminal || this.#isClosed) return;
    const rows = lines.flatMap((line) => this.#rowsOf(line, indent)).slice(-this.#room);
    const changed = rows.findIndex((row, index) => row !== this.#floating[index]);
    const kept = changed === -1 ? rows.length : changed;
    if (kept === this.#floating.length && kept === rows.length) return;
    this.#above(() => (this.#floating = rows), kept);
  }

  /** Prints and floats several things as one, so that nobody sees the half of it. */
  atOnce(work: () => void): void {
    this.#above(work);
  }

  say(text: string): void {
    this.print(text);
  }

  /** @throws {WarrenError} `CLOSED` when the user leaves instead of answering */
  async ask(question: string, preset: string): Promise<string> {
    this.#question = Promise.withResolvers();
    this.prompt(`${question} [${preset}] `);
    const answer = (await this.#question.promise).trim() || preset;
    this.#isPrompting = false;
    this.print(`${question} ${answer}`);
    return answer;
  }

  /** Nobody is going to answer what is being asked. */
  endQuestion(): void {
    this.#question?.reject(new WarrenError("CLOSED", "nothing was answered, so nothing was started"));
    this.#question = undefined;
  }

  /** From now on lines go to `reader`, those first that have come already. */
  read(reader: LineHandlers): void {
    this.#reader = reader;
    for (const line of this.#early.splice(0)) reader.onLine(line);
    if (this.#hasEnded) reader.onEnd();
  }

  /** Shows the prompt, or another one, and takes lines from now on. */
  prompt(text: string): void {
    if (this.#isClosed) return;
    this.#isPrompting = true;
    this.#above(() => this.#readline.setPrompt(text));
  }

  [Symbol.dispose](): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    process.off("SIGCONT", this.#resume);
    process.off("exit", this.#endPasteMode);
    if (this.isTerminal) this.#endPasteMode();
    this.#above(() => {
      this.#isPrompting = false;
      this.#floating = [];
    });
    this.#readline.close();
  }

  #rowsOf(line: string, indent: number): string[] {
    const width = this.columns - 1; // a full row leaves the cursor in a place of which terminals disagree
    if (!line.includes("\n") && Bun.stringWidth(line) <= width) return [line];
    const rows = line.split("\n").flatMap((part) => {
      const [first = "", ...rest] = Bun.wrapAnsi(part, width - indent, { hard: true, trim: false }).split("\n");
      return [first, ...rest.map((row) => row.replace(BREAK, "$1"))];
    });
    return rows.map((row, index) => (index === 0 ? row : " ".repeat(indent) + row));
  }

  /** Takes the typed line away and what floats above it, but for the first rows of that; does something; and brings both back. */
  #above(work: () => void, kept = 0): void {
    if (!this.isTerminal || this.#isAbove) return work();
    const floating = this.#heightOf(this.#floating.slice(kept));
    if (this.#isPrompting || floating > 0) this.#erase(floating + this.#cursorRow);
    this.#isAbove = true;
    try {
      work();
    } finally {
      this.#isAbove = false;
      this.#write(this.#floating.slice(kept));
      if (this.#isPrompting) {
        Object.assign(this.#readline, { prevRows: 0 }); // or it would go up as many rows as the line had before
        this.#readline.prompt(true);
      }
    }
  }

  #write(rows: readonly string[]): void {
    if (rows.length > 0) this.#output.write(rows.map((row) => `${row}\n`).join(""));
  }

  /** The row of the typed line that the cursor is in. */
  get #cursorRow(): number {
    return this.#isPrompting ? this.#readline.getCursorPos().rows : 0;
  }

  /** Rows that may float: one is left for what is printed last, and one for a typed line that grows. */
  get #room(): number {
    const typed = Bun.stringWidth(this.#readline.getPrompt() + this.#readline.line);
    return Math.max(1, this.#output.rows - 3 - Math.floor(typed / this.columns));
  }

  /** Of rows that were written when the screen may have been wider. */
  #heightOf(rows: readonly string[]): number {
    return rows.reduce((sum, row) => sum + Math.max(1, Math.ceil(Bun.stringWidth(row) / this.#output.columns)), 0);
  }

  #erase(rowsAbove: number): void {
    this.#output.write(`${rowsAbove > 0 ? `\x1b[${rowsAbove}A` : ""}\r\x1b[J`);
  }

  #mark(row: number, column: number, cells: string): void {
    if (!this.isTerminal || this.#isClosed || row < this.#fixedRows) return;
    const { rows, cols } = this.#isPrompting ? this.#readline.getCursorPos() : { rows: 0, cols: 0 };
    const up = this.#printedRows - row + this.#heightOf(this.#floating) + rows;
    if (up >= this.#output.rows) return; // it has left the screen
    this.#output.write(`\x1b[${up}A\r${right(column)}${cells}\x1b[${up}B\r${right(cols)}`);
  }

  /** Terminals of today fit what is on them to their new width, the line that is being typed too. */
  #onResize(): void {
    this.#fixedRows = this.#printedRows;
    Object.assign(this.#readline, { prevRows: this.#readline.getCursorPos().rows });
  }

  /** Every key goes through readline's own method: what is pasted must not, and some things are done around it. */
  #watchKeys(): void {
    const onKey: unknown = Reflect.get(this.#readline, "_ttyWrite"); // where Node's own REPL takes its keys
    if (typeof onKey !== "function") throw new TypeError("readline has no _ttyWrite any more");
    const watched = (text: string | undefined, key?: Key): void => {
      if (this.#paste.take(key?.sequence ?? "")) return;
      this.#beforeKey(key);
      Reflect.apply(onKey, this.#readline, [text, key]);
      this.#afterKey();
    };
    Object.assign(this.#readline, { _ttyWrite: watched });
  }

  #beforeKey({ name, ctrl }: Key = {}): void {
    const readline = this.#readline;
    const { cursor } = readline;
    // Bun 1.4.5 does not count the rows that a line grows by, and would then write it once more further down.
    Object.assign(readline, { prevRows: readline.getCursorPos().rows });
    if (ctrl && name === "l") {
      this.#fixedRows = this.#printedRows; // readline clears the screen
      this.#floating = [];
    }
    if (name !== "return" && name !== "enter") return;
    Object.assign(readline, { cursor: readline.line.length });
    this.#typedRows = readline.getCursorPos().rows;
    Object.assign(readline, { cursor });
  }

  /** A row that is full leaves the cursor behind its last cell, where readline believes it in the next row: move it. */
  #afterKey(): void {
    const { rows, cols } = this.#readline.getCursorPos();
    const isAtEnd = this.#readline.cursor === this.#readline.line.length;
    if (!this.#isClosed && isAtEnd && cols === 0 && rows > 0) this.#output.write(" \r");
  }

  #onLine(cells: string): void {
    const line = this.isTerminal ? fromCells(cells) : cells;
    if (this.isTerminal && this.#isPrompting) this.#erase(this.#typedRows + 1); // whoever handles it prints it as it likes
    const question = this.#question;
    this.#question = undefined;
    if (question) return question.resolve(line);
    if (this.isTerminal && this.#isPrompting) this.#readline.prompt();
    if (this.#reader) this.#reader.onLine(line);
    else this.#early.push(line);
  }

  #onEnd(): void {
    if (this.#isClosed) return;
    this.#hasEnded = true;
    this.endQuestion();
    this.#reader?.onEnd();
  }

  /**
   * Ctrl-Z: stops all that the shell calls this job, as the terminal itself does where nobody reads single keys. Were this
   * process stopped alone, `bun run` would go on waiting for it, and the shell for `bun run`.
   */
  #suspend(): void {
    this.#endPasteMode();
    this.#input.setRawMode(false);
    process.kill(0, "SIGTSTP");
    this.#input.setRawMode(true); // where no shell could bring it back, the system does not stop it
    this.#output.write(PASTE_MODE.on);
  }

  /** After a stop, from outside too: the shell has had the terminal meanwhile, and the cursor is below what it printed. */
  readonly #resume = (): void => {
    this.#fixedRows = this.#printedRows;
    this.#input.setRawMode(false); // or it would be believed to read single keys still
    this.#input.setRawMode(true);
    this.#output.write(PASTE_MODE.on);
    this.#write(this.#floating);
    if (!this.#isPrompting) return;
    Object.assign(this.#readline, { prevRows: 0 });
    this.#readline.prompt(true);
  };

  /** What reads from the terminal next would take the marks for text. */
  readonly #endPasteMode = (): void => void this.#output.write(PASTE_MODE.off);

  #clearTyped(): void {
    this.#erase(this.#readline.getCursorPos().rows);
    Object.assign(this.#readline, { line: "", cursor: 0, prevRows: 0 });
    this.#readline.prompt();
  }
}

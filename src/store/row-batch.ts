/** Row batch: rows of one table that are written some at a time: a statement for each would cost every message a quarter more. */
export type Value = string | number | null;

/** Rows in one statement; more save nothing. */
const ROWS = 16;

export class RowBatch {
  readonly #write: (sql: string, values: readonly Value[]) => void;
  readonly #columns: number;
  readonly #one: string;
  readonly #many: string;
  #values: Value[] = []; // of rows that are not written yet; fewer than ROWS of them

  /** `write` runs a statement. What it throws, `add` and `flush` throw: of the row at hand, or of one before it. */
  constructor(table: string, columns: number, write: (sql: string, values: readonly Value[]) => void) {
    const row = `(${Array.from({ length: columns }, () => "?").join()})`;
    this.#write = write;
    this.#columns = columns;
    this.#one = `INSERT INTO ${table} VALUES ${row}`;
    this.#many = `INSERT INTO ${table} VALUES ${Array.from({ length: ROWS }, () => row).join()}`;
  }

  add(row: readonly Value[]): void {
    if (this.#values.push(...row) < ROWS * this.#columns) return;
    const values = this.#values;
    this.#values = [];
    this.#write(this.#many, values);
  }

  /** Writes what is left. */
  flush(): void {
    if (this.#values.length === 0) return;
    const values = this.#values;
    this.#values = [];
    for (let at = 0; at < values.length; at += this.#columns) {
      this.#write(this.#one, values.slice(at, at + this.#columns));
    }
  }

  /** Forgets what is left. */
  clear(): void {
    this.#values = [];
  }
}

/** Row batch: rows of one table that are written some at a time: a statement for each would cost every message a quarter more. */
export type Value = string | number | null;

/** Of a prepared statement, what is needed here. */
interface Insert {
  run(...values: Value[]): unknown;
}

/** Rows in one statement; more save nothing. */
const ROWS = 16;

export class RowBatch {
  readonly #prepare: (sql: string) => Insert;
  readonly #table: string;
  readonly #row: string;
  #one: Insert | undefined;
  #many: Insert | undefined;
  #rows: (readonly Value[])[] = []; // that are not written yet; fewer than ROWS

  constructor(table: string, columns: number, prepare: (sql: string) => Insert) {
    this.#prepare = prepare;
    this.#table = table;
    this.#row = `(${Array.from({ length: columns }, () => "?").join()})`;
  }

  /** Throws what a statement throws: because of this row, or of one before it. The transaction is to be given up then. */
  add(row: readonly Value[]): void {
    if (this.#rows.push(row) < ROWS) return;
    const rows = this.#rows;
    this.#rows = [];
    this.#many ??= this.#insert(ROWS);
    this.#many.run(...rows.flat());
  }

  /** Writes what is left. Throws like `add`. */
  flush(): void {
    if (this.#rows.length === 0) return;
    const rows = this.#rows;
    this.#rows = [];
    this.#one ??= this.#insert(1);
    for (const row of rows) this.#one.run(...row);
  }

  /** Forgets what is left. */
  clear(): void {
    this.#rows = [];
  }

  /**
   * OR FAIL: what a failing statement has written stays, to go with its transaction. To be able to undo the one statement SQLite
   * would copy every page that it touches, which for rows of many peers is most of the work (https://sqlite.org/tempfiles.html, 2.4).
   */
  #insert(count: number): Insert {
    const rows = Array.from({ length: count }, () => this.#row);
    return this.#prepare(`INSERT OR FAIL INTO ${this.#table} VALUES ${rows.join()}`);
  }
}

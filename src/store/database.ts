/** Database: one SQLite file that one process owns, and the grouped commits by which durability is nearly free. */
import { Database as Sqlite, SQLiteError, type Statement } from "bun:sqlite";
import { closeSync, openSync, rmSync } from "node:fs";
import { describeError, WarrenError } from "../base/errors.ts";
import type { Clock, Timer } from "../base/world.ts";
import { RowBatch, type Value } from "./row-batch.ts";
import { MIGRATIONS } from "./schema.ts";

/** A statement that is prepared once; see `Database.run` for what it does and throws. */
export type Write = (...values: Value[]) => number;
/** Takes the values of a row, one for each column; see `Database.append`. */
export type Append = (...row: Value[]) => void;
type CommitListener = (error?: WarrenError) => void;

/** How long what is written lazily may wait for its commit. */
const LAZY_MS = 50;
/** So many pages of 4 KiB go from the log to the file at a time, within a commit: a thousand would hold up for 2 ms whoever waits. */
const CHECKPOINT_PAGES = 250;
/** A file from before pages could be given back is written anew if it is not larger: 32 MiB, a moment's work. */
const MAX_REWRITTEN_BYTES = 33_554_432;

/**
 * Everything that is written in one turn of the event loop is one transaction with `synchronous=FULL`, committed at the
 * end of the turn. It is durable, or none of it happened; which of the two, the listeners are told. What may be lost by a
 * crash, because it would be learned again, is written lazily: it goes with the next commit, or waits for a moment.
 */
export class Database implements Disposable {
  readonly #sqlite: Sqlite;
  readonly #clock: Clock;
  #group: CommitListener[] | undefined; // who waits for the open transaction; undefined when none is open
  #failure: WarrenError | undefined; // why the open transaction can only be rolled back
  #committed: Promise<void> | undefined; // of the open transaction, once somebody has asked for it
  #isLazy = false; // what is written now need not be on disk soon
  #isHurried = false; // the open transaction ends with this turn
  #patience: Timer | undefined; // until a transaction in which nothing is urgent ends
  readonly #batches: RowBatch[] = [];
  #hasRows = false; // in a batch, to be written before anything else is read or written
  readonly #closings = new Set<() => void>(); // run inside every transaction, just before its commit
  readonly #rollbacks = new Set<(error: WarrenError) => void>();

  /**
   * Opens and locks `path` (":memory:" for a database that is kept nowhere), or begins with what `serialize` gave.
   *
   * @throws {WarrenError} `IDENTITY_IN_USE` when another process owns it, `STORE_CORRUPT`, `STORE_NEWER`, `HOME_UNWRITABLE`
   */
  constructor(path: string | Uint8Array, clock: Clock) {
    this.#clock = clock;
    try {
      this.#sqlite =
        typeof path === "string"
          ? new Sqlite(path, { create: true, strict: true })
          : Sqlite.deserialize(path, { strict: true });
      // Exclusive: the lock says that the identity is running, and WAL needs no shared memory. The kernel frees it.
      this.#sqlite.run("PRAGMA locking_mode=EXCLUSIVE");
      this.#sqlite.run("PRAGMA auto_vacuum=INCREMENTAL"); // for a new file, and for copies of an older one
      this.#sqlite.run("PRAGMA journal_mode=WAL");
      this.#sqlite.run("PRAGMA synchronous=FULL");
      this.#sqlite.run(`PRAGMA wal_autocheckpoint=${CHECKPOINT_PAGES}`);
      migrate(this.#sqlite, nameOf(path));
      if (!this.#canGiveBack && this.bytes.file <= MAX_REWRITTEN_BYTES) rewrite(this.#sqlite);
    } catch (error) {
      throw openFailure(nameOf(path), error);
    }
  }

  /** Reads; sees what the open transaction has written. @throws {WarrenError} `STORE_CORRUPT` */
  all<Row>(sql: string, ...values: Value[]): Row[] {
    this.#writeRows();
    return readable(() => this.#sqlite.query<Row, Value[]>(sql).all(...values));
  }

  /** @throws {WarrenError} `STORE_CORRUPT` */
  get<Row>(sql: string, ...values: Value[]): Row | undefined {
    this.#writeRows();
    return readable(() => this.#sqlite.query<Row, Value[]>(sql).get(...values)) ?? undefined;
  }

  /**
   * Writes within this turn's transaction; returns the number of rows changed.
   *
   * @throws {WarrenError} `STORE_FAILED`, and then the whole transaction is given up
   */
  run(sql: string, ...values: Value[]): number {
    this.#writeRows();
    this.#begin();
    try {
      return this.#sqlite.query(sql).run(...values).changes;
    } catch (error) {
      this.#failure ??= storeFailure(error);
      throw this.#failure;
    }
  }

  /** The same as `run`, for what is written with every message: to find a statement by its text costs as much as a small row. */
  write(sql: string): Write {
    let statement: Statement<unknown, Value[]> | undefined;
    return (...values) => {
      this.#writeRows();
      this.#begin();
      try {
        statement ??= this.#sqlite.query<unknown, Value[]>(sql);
        return statement.run(...values).changes;
      } catch (error) {
        this.#failure ??= storeFailure(error);
        throw this.#failure;
      }
    };
  }

  /**
   * The same for a table that grows with every message: some rows are one statement, once they are enough or anything else is
   * read or written. So a row may turn out to be impossible only later in its turn, which is given up then like any other.
   */
  append(table: string, columns: number): Append {
    const batch = new RowBatch(table, columns, (sql) => this.#sqlite.query(sql));
    this.#batches.push(batch);
    return (...row) => {
      this.#begin();
      this.#hasRows = true;
      try {
        batch.add(row);
      } catch (error) {
        this.#failure ??= storeFailure(error);
        throw this.#failure;
      }
    };
  }

  /** There is something that `beforeCommit` will write: this turn has a commit. */
  touch(): void {
    this.#begin();
  }

  /** What `work` writes, and whoever waits for it, can wait for the commit of something else, or for 50 ms. */
  lazily(work: () => void): void {
    const before = this.#isLazy;
    this.#isLazy = true;
    try {
      work();
    } finally {
      this.#isLazy = before;
    }
  }

  /** Whether there is an open transaction that ends with this turn. */
  get isHurried(): boolean {
    return this.#isHurried;
  }

  /** The open transaction, if there is one, ends with this turn. */
  hasten(): void {
    if (!this.#group || this.#isHurried) return;
    this.#isHurried = true;
    this.#clock.soon(() => this.#isHurried && this.commit());
  }

  /** Calls back once what was written in this turn is on disk, or failed; at the end of the turn if nothing was. */
  afterCommit(listener: CommitListener): void {
    this.#begin();
    this.#group?.push(listener);
  }

  /** Resolves once what was written in this turn is on disk. @throws {WarrenError} `STORE_FAILED` */
  committed(): Promise<void> {
    return (this.#committed ??= new Promise((resolve, reject) =>
      this.afterCommit((error) => (error ? reject(error) : resolve())),
    ));
  }

  /** Registers what must be written just before each commit: state that is collected in memory during a turn. */
  beforeCommit(closing: () => void): void {
    this.#closings.add(closing);
  }

  /** Registers what must be forgotten because it was not committed after all. Told before those who wait. */
  onRollback(rollback: (error: WarrenError) => void): void {
    this.#rollbacks.add(rollback);
  }

  /** Commits what is open now, as the end of the turn will do otherwise. */
  commit(): void {
    const group = this.#group;
    if (!group) return;
    this.#committed = undefined; // who asks from here on, asks for what comes after
    try {
      for (const closing of this.#closings) closing();
      this.#writeRows();
      if (this.#failure) throw this.#failure;
      this.#group = undefined; // from here on a new turn's writes begin a new transaction
      this.#isHurried = false;
      this.#sqlite.run("COMMIT");
    } catch (error) {
      this.#rollBack(group, error instanceof WarrenError ? error : storeFailure(error));
      return;
    }
    for (const listener of group) listener();
  }

  /** Forgets what is not committed and tells nobody, as the end of the process would. Then only reads and `serialize` make sense. */
  giveUp(): void {
    this.#group = undefined;
    this.#forgetRows();
    this.#patience?.[Symbol.dispose]();
    this.#closings.clear();
    if (this.#sqlite.inTransaction) this.#sqlite.run("ROLLBACK");
  }

  /** How large the file is, and how much of it is in use; looked up at once, whatever the size. */
  get bytes(): { file: number; used: number } {
    const size = this.#pragma("page_size");
    const pages = this.#pragma("page_count");
    return { file: pages * size, used: (pages - this.#pragma("freelist_count")) * size };
  }

  /**
   * Makes the file shorter by at most so many bytes of what it does not use, within the open transaction. A large file of an
   * older Warren cannot: it keeps its size, and uses again what is free.
   */
  giveBack(bytes: number): void {
    if (!this.#canGiveBack) return;
    const pages = Math.ceil(bytes / this.#pragma("page_size"));
    this.all(`PRAGMA incremental_vacuum(${pages})`); // a row for each page: only who reads them all has them all given back
  }

  /** The whole database as the bytes of its file. */
  serialize(): Uint8Array {
    return this.#sqlite.serialize();
  }

  /**
   * Commits what is open, and copies the whole to a new file of mode 600. The thread stands still meanwhile.
   *
   * @throws {WarrenError} `STORE_FAILED`; then no part of the file is left
   */
  copyTo(path: string): void {
    this.commit();
    try {
      closeSync(openSync(path, "wx", 0o600)); // SQLite takes an empty file as it is, and would make one that others can read
    } catch (error) {
      throw new WarrenError("STORE_FAILED", `${path} cannot be made: ${describeError(error)}`, { cause: error });
    }
    try {
      this.#sqlite.run("VACUUM INTO ?", [path]);
    } catch (error) {
      rmSync(path, { force: true });
      throw storeFailure(error);
    }
  }

  /** Commits and closes; the lock is free afterwards. */
  [Symbol.dispose](): void {
    this.commit();
    this.#patience?.[Symbol.dispose]();
    this.#sqlite.close();
  }

  get #canGiveBack(): boolean {
    return this.#pragma("auto_vacuum") === 2;
  }

  #pragma(name: "page_size" | "page_count" | "freelist_count" | "auto_vacuum"): number {
    return this.get<{ value: number }>(`SELECT ${name} AS value FROM pragma_${name}`)?.value ?? 0;
  }

  #begin(): void {
    if (this.#failure) throw this.#failure;
    if (!this.#group) {
      try {
        this.#sqlite.run("BEGIN IMMEDIATE");
      } catch (error) {
        throw storeFailure(error);
      }
      this.#group = [];
      if (this.#isLazy) this.#patience ??= this.#clock.after(LAZY_MS, () => this.#losePatience());
    }
    if (!this.#isLazy) this.hasten();
  }

  /** Who reads is not told if it fails: whoever writes or commits is. */
  #writeRows(): void {
    if (!this.#hasRows) return;
    this.#hasRows = false;
    try {
      for (const batch of this.#batches) batch.flush();
    } catch (error) {
      this.#failure ??= storeFailure(error);
    }
  }

  #forgetRows(): void {
    this.#hasRows = false;
    for (const batch of this.#batches) batch.clear();
  }

  /** One timer serves all transactions of its time: the one that it finds may have begun after it did. */
  #losePatience(): void {
    this.#patience = undefined;
    this.commit();
  }

  #rollBack(group: CommitListener[], error: WarrenError): void {
    this.#group = undefined;
    this.#isHurried = false;
    this.#failure = undefined;
    this.#forgetRows();
    if (this.#sqlite.inTransaction) this.#sqlite.run("ROLLBACK"); // SQLite may have rolled back by itself (disk full)
    for (const rollback of this.#rollbacks) rollback(error);
    for (const listener of group) listener(error);
  }
}

function nameOf(path: string | Uint8Array): string {
  return typeof path === "string" ? path : "the copy in memory";
}

function migrate(sqlite: Sqlite, path: string): void {
  const { user_version: version } = sqlite.query<{ user_version: number }, []>("PRAGMA user_version").get() ?? {
    user_version: 0,
  };
  if (version > MIGRATIONS.length) {
    throw new WarrenError(
      "STORE_NEWER",
      `${path} was written by a newer Warren (schema ${version}; this one knows ${MIGRATIONS.length}): update Warren`,
    );
  }
  sqlite.run("BEGIN EXCLUSIVE"); // also takes the lock where nothing has to be migrated
  for (const migration of MIGRATIONS.slice(version)) sqlite.run(migration);
  sqlite.run(`PRAGMA user_version=${MIGRATIONS.length}`);
  sqlite.run("COMMIT");
}

function rewrite(sqlite: Sqlite): void {
  try {
    sqlite.run("VACUUM");
  } catch (error) {
    // There is no room for a second one now: the file is good as it was, and the next start tries again.
    if (!(error instanceof SQLiteError) || error.code !== "SQLITE_FULL") throw error;
  }
}

function readable<Result>(read: () => Result): Result {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof SQLiteError) || !error.code?.startsWith("SQLITE_CORRUPT")) throw error;
    const message = "the database is damaged: restore it from a backup, or move peer.db away to begin without history";
    throw new WarrenError("STORE_CORRUPT", message, { cause: error });
  }
}

function openFailure(path: string, error: unknown): WarrenError {
  if (error instanceof WarrenError) return error;
  const code = error instanceof SQLiteError ? error.code : undefined;
  if (code?.startsWith("SQLITE_BUSY")) {
    return new WarrenError("IDENTITY_IN_USE", `another process is using ${path}`, { cause: error });
  }
  if (code === "SQLITE_NOTADB" || code?.startsWith("SQLITE_CORRUPT")) {
    const message = `${path} is not a readable database: restore it from a backup, or move it away to begin without history`;
    return new WarrenError("STORE_CORRUPT", message, { cause: error });
  }
  const way = code === "SQLITE_FULL" ? "free some space, or give" : "give";
  const message = `${path} cannot be opened or written (${describeError(error)}): ${way} another folder with --home`;
  return new WarrenError("HOME_UNWRITABLE", message, { cause: error });
}

function storeFailure(error: unknown): WarrenError {
  const full = error instanceof SQLiteError && error.code === "SQLITE_FULL";
  const what = full ? "the disk is full: free some space" : describeError(error);
  return new WarrenError("STORE_FAILED", `nothing was saved: ${what}`, { cause: error });
}

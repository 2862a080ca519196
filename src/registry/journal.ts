/**
 * Journal: keys with their last values, which several processes share. Each write has a number, the same order holds for
 * everybody, and a write says which one it replaces.
 */

export interface Entry {
  readonly key: string;
  /** Empty once it was removed. */
  readonly value: string;
  /** The number of the write, from 1; they rise within a journal, with gaps. */
  readonly revision: number;
  /** Epoch ms by the journal's own clock. */
  readonly time: number;
}

export type Written = { kind: "written"; revision: number } | { kind: "conflict" };

/** Who is told what is in a journal. Nothing here may throw. */
export interface JournalWatcher {
  /** In the order of revisions. One that was replaced before it could be told is left out. */
  entry(entry: Entry): void;
  /** All that was there when the telling began, or went on, has been told. */
  caughtUp(): void;
  /** From here on everything is told again: the journal may have lost its last writes. */
  began(): void;
  /** Nothing comes until the next `caughtUp`. */
  away(): void;
}

export interface Journal extends AsyncDisposable {
  /**
   * Writes `value`, if `revision` is the last of `key` (0: there is none yet). An answer that was lost is looked for: if
   * `value` is what is there, this write has succeeded, so a value should say who wrote it.
   *
   * @throws {WarrenError} `STORE_UNREACHABLE` when that cannot be found out. It may still be written, even later.
   */
  put(key: string, value: string, revision: number): Promise<Written>;
  /** As it is now, never older than what was written before. @throws {WarrenError} `STORE_UNREACHABLE` */
  get(key: string): Promise<Entry | undefined>;
  /**
   * Drops a key whose last value is empty, so that not even that is left of it. Only for keys that nobody writes again: for
   * who knows of `revision` still, whatever it writes is a conflict. @throws whatever keeps it from being done
   */
  forget(key: string, revision: number): Promise<void>;
  /** To be called once. */
  follow(watcher: JournalWatcher): void;
}

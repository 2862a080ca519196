/** Journal copy: the last value of each key of a journal, as it is told, and writes that say which one they replace. */
import { WarrenError } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import type { Clock } from "../base/world.ts";
import type { Entry, Journal } from "./journal.ts";
import { Watermark } from "./watermark.ts";

export interface JournalCopyOptions {
  journal: Journal;
  clock: Clock;
  log: Log;
  /** A value is another one than before; empty once it is gone. */
  onValue: (key: string, value: string) => void;
}

export class JournalCopy {
  readonly #journal: Journal;
  readonly #log: Log;
  readonly #onValue: (key: string, value: string) => void;
  readonly #revisions = new Map<string, number>(); // of the last write, by key
  readonly #seen: Watermark;
  #told: Set<string> | undefined; // keys, while everything is told from the beginning
  #isCurrent = false;

  constructor({ journal, clock, log, onValue }: JournalCopyOptions) {
    this.#journal = journal;
    this.#log = log;
    this.#onValue = onValue;
    this.#seen = new Watermark(clock);
  }

  get isCurrent(): boolean {
    return this.#isCurrent;
  }

  /** To be called once; resolves when all that is there has been told. */
  load(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#journal.follow({
      entry: (entry) => this.#take(entry),
      began: () => void (this.#told = new Set()),
      caughtUp: () => {
        this.#forgetUntold();
        this.#isCurrent = true;
        resolve();
      },
      away: () => void (this.#isCurrent = false),
    });
    return promise;
  }

  /** Of what is known under a key, also if it is gone; 0 if there was never anything. */
  revisionOf(key: string): number {
    return this.#revisions.get(key) ?? 0;
  }

  /**
   * Writes over what is known. False if that was not so any more: what is so is known now.
   *
   * @throws {WarrenError} `STORE_UNREACHABLE`; it may be written all the same
   */
  async put(key: string, value: string): Promise<boolean> {
    const written = await this.#journal.put(key, value, this.revisionOf(key));
    if (written.kind === "written") {
      if (await this.#seen.wait(written.revision)) return true;
      throw new WarrenError("STORE_UNREACHABLE", "the shared store does not tell what is written to it");
    }
    const entry = await this.#journal.get(key);
    if (entry) this.#apply(entry); // it may not have been told yet
    return false;
  }

  #take(entry: Entry): void {
    this.#told?.add(entry.key);
    this.#apply(entry);
    this.#seen.reach(entry.revision);
  }

  #apply({ key, value, revision }: Entry): void {
    if (!this.#told && this.revisionOf(key) >= revision) return;
    this.#revisions.set(key, revision);
    this.#onValue(key, value);
  }

  /** What was there before and is no more: the journal has lost its last writes. */
  #forgetUntold(): void {
    const told = this.#told;
    this.#told = undefined;
    if (!told) return;
    for (const key of this.#revisions.keys()) {
      if (told.has(key)) continue;
      this.#log.warn(`the shared store has lost ${key}`);
      this.#revisions.delete(key);
      this.#onValue(key, "");
    }
  }
}

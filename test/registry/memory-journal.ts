/** A journal in memory that any number of journals share, and that can be cut off, be slow, forget, and lose its answers. */
import { WarrenError } from "../../src/base/errors.ts";
import type { Clock } from "../../src/base/world.ts";
import type { Entry, Journal, JournalWatcher, Written } from "../../src/registry/journal.ts";

export class MemoryShare {
  readonly clock: Clock;
  readonly journals = new Set<MemoryJournal>();
  entries = new Map<string, Entry>();
  revision = 0;

  constructor(clock: Clock) {
    this.clock = clock;
  }

  journal(): MemoryJournal {
    return new MemoryJournal(this);
  }

  write(key: string, value: string): number {
    const entry = { key, value, revision: ++this.revision, time: this.clock.now() };
    this.entries.delete(key); // those that were written last are the last ones
    this.entries.set(key, entry);
    for (const journal of this.journals) journal.wake();
    return entry.revision;
  }

  /** What was there before `change`, as after a power cut. */
  async forgetting(change: () => Promise<void>): Promise<void> {
    const [entries, revision] = [new Map(this.entries), this.revision];
    await change();
    [this.entries, this.revision] = [entries, revision];
    for (const journal of this.journals) journal.startOver();
  }
}

export class MemoryJournal implements Journal {
  readonly #share: MemoryShare;
  #watcher: JournalWatcher | undefined;
  #told = 0; // revision
  isCut = false;
  #isDeaf = false;
  #pause: Promise<void> | undefined;
  /** Writes are made, and their answers lost. */
  losesAnswers = false;

  constructor(share: MemoryShare) {
    this.#share = share;
    share.journals.add(this);
  }

  async put(key: string, value: string, revision: number): Promise<Written> {
    await this.#pause;
    this.#assertReachable();
    if ((this.#share.entries.get(key)?.revision ?? 0) !== revision) return { kind: "conflict" };
    const written = this.#share.write(key, value);
    if (this.losesAnswers) throw new WarrenError("STORE_UNREACHABLE", "the answer was lost");
    return { kind: "written", revision: written };
  }

  async get(key: string): Promise<Entry | undefined> {
    await Promise.resolve();
    this.#assertReachable();
    return this.#share.entries.get(key);
  }

  async forget(key: string, revision: number): Promise<void> {
    await Promise.resolve();
    this.#assertReachable();
    if ((this.#share.entries.get(key)?.revision ?? Infinity) <= revision) this.#share.entries.delete(key);
  }

  follow(watcher: JournalWatcher): void {
    this.#watcher = watcher;
    this.startOver();
  }

  /** Writes wait until what this returns is called. */
  pause(): () => void {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#pause = promise;
    return () => {
      this.#pause = undefined;
      resolve();
    };
  }

  cut(): void {
    this.isCut = true;
    this.#watcher?.away();
  }

  heal(): void {
    this.isCut = false;
    this.#tell();
    this.#watcher?.caughtUp();
  }

  /** From now on nothing is told; writing and reading go on. */
  deafen(): void {
    this.#isDeaf = true;
  }

  startOver(): void {
    this.#told = 0;
    this.#watcher?.began();
    this.heal();
  }

  wake(): void {
    queueMicrotask(() => this.#tell());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.resolve();
    this.#share.journals.delete(this);
    this.#watcher = undefined;
  }

  #tell(): void {
    if (this.isCut || this.#isDeaf || !this.#watcher) return;
    for (const entry of this.#share.entries.values()) {
      if (entry.revision <= this.#told) continue;
      this.#told = entry.revision;
      this.#watcher.entry(entry);
    }
  }

  #assertReachable(): void {
    if (this.isCut) throw new WarrenError("STORE_UNREACHABLE", "cut off");
  }
}

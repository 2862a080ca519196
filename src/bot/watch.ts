/** Watch: tells that something in some folders has changed, once for a burst of changes. */
import { statSync, watch, type FSWatcher } from "node:fs";
import { describeError } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import type { Clock, Timer } from "../base/world.ts";

/** An editor saves in several steps: this long after the last one it is looked at. */
const CALM_MS = 100;

type WatchFolder = (folder: string, changed: () => void) => FSWatcher;

export class FolderWatch implements Disposable {
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #onChange: () => void;
  readonly #watch: WatchFolder;
  readonly #watched = new Map<string, { watcher: FSWatcher; identity: string }>();
  readonly #unwatched = new Set<string>(); // the system does not let us, and that was said
  #timer: Timer | undefined;

  constructor(clock: Clock, log: Log, onChange: () => void, watchFolder: WatchFolder = watch) {
    this.#clock = clock;
    this.#log = log;
    this.#onChange = onChange;
    this.#watch = watchFolder;
  }

  /** Watches these folders from now on, and no others. One that is not there is not watched. */
  set(folders: ReadonlySet<string>): void {
    for (const [folder, { identity }] of this.#watched) {
      if (!folders.has(folder) || identityOf(folder) !== identity) this.#leave(folder); // another folder may have its name now
    }
    for (const folder of folders) this.#enter(folder);
  }

  /** Has it looked at again, `ms` from now. */
  soon(ms = CALM_MS): void {
    this.#timer?.[Symbol.dispose]();
    this.#timer = this.#clock.after(ms, this.#onChange);
  }

  [Symbol.dispose](): void {
    this.#timer?.[Symbol.dispose]();
    for (const folder of this.#watched.keys()) this.#leave(folder);
  }

  #enter(folder: string): void {
    const identity = identityOf(folder);
    if (identity === undefined || this.#watched.has(folder)) return;
    try {
      const watcher = this.#watch(folder, () => this.soon());
      watcher.on("error", () => this.#leave(folder)); // the folder is gone; the next look finds out what became of it
      this.#watched.set(folder, { watcher, identity });
    } catch (error) {
      if (this.#unwatched.has(folder)) return;
      this.#unwatched.add(folder);
      this.#log.warn(`changes in ${folder} will not be noticed (${describeError(error)}): restart to take them up`);
    }
  }

  #leave(folder: string): void {
    this.#watched.get(folder)?.watcher.close();
    this.#watched.delete(folder);
  }
}

/** Which folder it is that has this path now. Numbers are used again: the time of its birth belongs to it. */
function identityOf(folder: string): string | undefined {
  const found = statSync(folder, { throwIfNoEntry: false });
  return found && `${found.ino} ${found.birthtimeMs}`;
}

/** Notifications: what a plugin is told. All listeners are told; a failure is reported and hides no other. */
import { describeError } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import { type Clock, sleep } from "../base/world.ts";
import type { NotificationArguments, NotificationListener, NotificationName } from "./hooks.ts";

export class Notifications {
  readonly #listeners = new Map<NotificationName, Set<NotificationListener<never>>>();
  readonly #log: Log;
  readonly #describe: (error: unknown) => string;

  constructor(log: Log, describe = describeError) {
    this.#log = log;
    this.#describe = describe;
  }

  /** Returns the end of the registration. `Bot.on` sees to it that the listener takes what `name` gives. */
  on(name: NotificationName, listener: NotificationListener<never>): () => void {
    const entry: NotificationListener<never> = (...args) => listener(...args); // the same function may be there twice
    const listeners = this.#listeners.get(name) ?? new Set();
    this.#listeners.set(name, listeners.add(entry));
    return () => void listeners.delete(entry);
  }

  /** Tells all of them at once. Resolves when the last is done; never rejects. */
  async tell<Name extends NotificationName>(name: Name, ...args: NotificationArguments[Name]): Promise<void> {
    const listeners = [...(this.#listeners.get(name) ?? [])] as NotificationListener<Name>[];
    await Promise.all(
      listeners.map(async (listener) => {
        try {
          await listener(...args);
        } catch (error) {
          if (name === "error") this.#log.error(`a listener to "error" failed: ${this.#describe(error)}`);
          else this.failed(name, error);
        }
      }),
    );
  }

  /** Tells all of them, and waits for so long; who is late by then has failed. */
  async tellWithin<Name extends NotificationName>(
    ms: number,
    clock: Clock,
    name: Name,
    ...args: NotificationArguments[Name]
  ): Promise<void> {
    const wait = new AbortController();
    const isLate = sleep(clock, ms, wait.signal).then(
      () => true,
      () => false, // not waited for any more
    );
    const told = this.tell(name, ...args).then(() => false);
    if (await Promise.race([told, isLate])) this.failed(name, new Error(`it was not done within ${ms / 1_000} s`));
    wait.abort();
  }

  /** Something of this bot failed: one line in the log, and `error` for those who want to know. */
  failed(where: string, error: unknown): void {
    this.#log.error(`${where}: ${this.#describe(error)}`);
    void this.tell("error", { where, error });
  }
}

/** Supervisor: keeps the bots of some files running, each for itself. Says one line for everything that happens. */
import { KeptBot, type KeptBotOptions } from "./kept-bot.ts";
import type { BotStart } from "./worker-link.ts";

export class Supervisor implements AsyncDisposable {
  readonly #bots: KeptBot[];

  constructor(files: readonly string[], shared: Omit<BotStart, "file">, options: KeptBotOptions) {
    this.#bots = files.map((file) => new KeptBot({ ...shared, file }, options));
  }

  /** Resolves when no bot runs and none will be started again. */
  async allEnded(): Promise<void> {
    await Promise.all(this.#bots.map((bot) => bot.ended));
  }

  /** Stops all of them at once, each within the time that one may take. */
  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#bots.map((bot) => bot.stop()));
  }
}

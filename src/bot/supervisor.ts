/** Supervisor: keeps the bots of some files running, each for itself. Says one line for everything that happens. */
import { existsSync } from "node:fs";
import { availableParallelism } from "node:os";
import { basename, dirname } from "node:path";
import { configHash } from "./config-file.ts";
import { KeptBot, type KeptBotOptions } from "./kept-bot.ts";
import { MemoryBound, type MemoryUser } from "./memory-bound.ts";
import { readSources } from "./sources.ts";
import { StartingLine } from "./starting-line.ts";
import { FolderWatch } from "./watch.ts";
import type { BotStart } from "./worker-link.ts";

/** A file that vanishes for less is being saved. */
const GONE_AFTER_MS = 1_000;

export interface SupervisorOptions extends KeptBotOptions {
  /** Which files are to run now, absolute. */
  readonly files: () => readonly string[];
  /** The folder that `files` reads, if it reads one. */
  readonly folder?: string | undefined;
  /** Where their users write down what they set: bots that lack something look there again when it changes. */
  readonly configFiles?: readonly string[] | undefined;
  /** Whether bots are loaded again when their files change, and come and go with them. */
  readonly isWatching: boolean;
  /** How much memory they may use together, above what the process uses at the start. */
  readonly memoryBytes: number;
  /** What the whole process uses. Default: what the system says. */
  readonly usedBytes?: () => number;
}

export class Supervisor implements AsyncDisposable {
  readonly #shared: Omit<BotStart, "file">;
  readonly #options: SupervisorOptions;
  readonly #bots = new Map<string, KeptBot>(); // by the paths of their files
  readonly #goneSince = new Map<string, number>(); // steady ms, by the paths of files that are not there
  readonly #watch: FolderWatch | undefined;
  readonly #memory: MemoryBound;
  readonly #line: StartingLine;
  readonly #configFiles: readonly string[];
  #configHash: string;

  constructor(shared: Omit<BotStart, "file">, options: SupervisorOptions) {
    this.#shared = shared;
    this.#options = options;
    this.#configFiles = options.configFiles ?? [];
    this.#configHash = configHash(this.#configFiles);
    const { memoryBytes, world, log, usedBytes = () => process.memoryUsage.rss() } = options;
    const users = (): MemoryUser[] => [...this.#bots.values()].flatMap((bot) => bot.memoryUsers);
    this.#memory = new MemoryBound({ bytes: memoryBytes, clock: world.clock, log, users, usedBytes });
    this.#line = new StartingLine(world.clock, 2 * availableParallelism());
    for (const file of options.files()) this.#add(file);
    if (!options.isWatching) return;
    this.#watch = new FolderWatch(world.clock, log, () => this.#look());
    this.#watchFolders();
    this.#watch.soon(); // what changed while the first look was taken
  }

  /** Resolves when no bot runs and none will be started again. */
  async allEnded(): Promise<void> {
    await Promise.all([...this.#bots.values()].map((bot) => bot.ended));
  }

  /** Stops all of them at once, each within the time that one may take. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#watch?.[Symbol.dispose]();
    this.#memory[Symbol.dispose]();
    await Promise.all([...this.#bots.values()].map((bot) => bot.stop()));
  }

  #add(file: string): void {
    const all = (): Iterable<KeptBot> => this.#bots.values();
    this.#bots.set(file, new KeptBot({ ...this.#shared, file }, { ...this.#options, line: this.#line, all }));
  }

  /** Something has changed somewhere: what that is for each bot, its fingerprint tells. */
  #look(): void {
    for (const [file, bot] of this.#bots) {
      const sources = readSources(file);
      if (!sources.isIncomplete) this.#goneSince.delete(file);
      else if (this.#isBeingSaved(file)) continue;
      if (existsSync(file)) bot.changed(sources);
      else if (bot.sources.hash !== sources.hash) this.#remove(file, bot); // else it never was there, as its start will say
    }
    this.#lookAtConfig();
    for (const file of this.#options.files()) if (!this.#bots.has(file) && existsSync(file)) this.#add(file);
    this.#watchFolders();
  }

  #lookAtConfig(): void {
    const hash = configHash(this.#configFiles);
    if (hash === this.#configHash) return;
    this.#configHash = hash;
    for (const bot of this.#bots.values()) bot.configured();
  }

  #isBeingSaved(file: string): boolean {
    const now = this.#options.world.clock.steady();
    const since = this.#goneSince.get(file) ?? now;
    this.#goneSince.set(file, since);
    if (now - since >= GONE_AFTER_MS) return false;
    this.#watch?.soon(GONE_AFTER_MS);
    return true;
  }

  #remove(file: string, bot: KeptBot): void {
    this.#goneSince.delete(file);
    this.#bots.delete(file);
    if (bot.state !== "ended") this.#options.log.info(`${bot.name} is stopped: ${basename(file)} is gone`);
    void bot.stop();
  }

  #watchFolders(): void {
    const { folder, files } = this.#options;
    const all = new Set(folder === undefined ? [] : [folder]);
    for (const file of this.#configFiles) all.add(dirname(file));
    for (const file of files()) all.add(dirname(file)); // also of those that are not there now
    for (const bot of this.#bots.values()) for (const one of bot.sources.folders) all.add(one);
    this.#watch?.set(all);
  }
}

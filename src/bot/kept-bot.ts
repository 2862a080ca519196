/** One bot, kept running in a worker of its own: watched, ended when it hangs, started again when it crashes. */
import { basename } from "node:path";
import type { Log } from "../base/log.ts";
import { backoffMs, type Timer, type World } from "../base/world.ts";
import type { BotStart, FromWorker, SpawnWorker, WorkerLink } from "./worker-link.ts";

/** A worker is asked for a sign of life this often, and ended after so long without one. */
export const PING_EVERY_MS = 1_000;
export const SILENT_FOR_MS = 10_000;

/** This many crashes within this time, and the bot is not started again. */
export const MAX_CRASHES = 5;
export const CRASH_WINDOW_MS = 60_000;

/** How long the bots' process before us may take to let go of an identity, and how often that is tried. */
const IDENTITY_WAIT_MS = 10_000;
const IDENTITY_RETRY_MS = 500;

/** How long a bot may take to stop in order. */
export const STOP_WITHIN_MS = 5_000;

export interface KeptBotOptions {
  readonly spawn: SpawnWorker;
  readonly world: World;
  readonly log: Log;
}

export type KeptBotState = "starting" | "online" | "waiting" | "ended";

/** One life of the worker. What an earlier one still says is not heard. */
interface Life {
  link: WorkerLink | undefined;
  silentMs: number;
  lastWords: string | undefined;
}

export class KeptBot {
  readonly #start: BotStart;
  readonly #spawn: SpawnWorker;
  readonly #world: World;
  readonly #log: Log;
  readonly #onEnd = Promise.withResolvers<void>();
  #name: string;
  #state: KeptBotState = "starting";
  #life: Life | undefined;
  #timer: Timer | undefined; // the next ping, or the next start
  #crashes: number[] = []; // steady times in ms, within CRASH_WINDOW_MS
  #firstRefusal: number | undefined; // steady time of the first IDENTITY_IN_USE
  #stopping = false;

  constructor(start: BotStart, { spawn, world, log }: KeptBotOptions) {
    this.#start = start;
    this.#spawn = spawn;
    this.#world = world;
    this.#log = log;
    this.#name = basename(start.file);
    this.#begin();
  }

  get state(): KeptBotState {
    return this.#state;
  }

  /** Resolves when it runs no more and will not be started again. */
  get ended(): Promise<void> {
    return this.#onEnd.promise;
  }

  /** Lets the bot close its peer; ends it after `STOP_WITHIN_MS` all the same. */
  async stop(): Promise<void> {
    this.#stopping = true;
    if (this.#state === "waiting") this.#end();
    if (this.#state === "ended") return;
    this.#timer?.[Symbol.dispose]();
    this.#timer = this.#world.clock.after(STOP_WITHIN_MS, () => {
      this.#log.warn(`${this.#name} did not stop within ${STOP_WITHIN_MS / 1_000} s and was ended`);
      this.#end();
    });
    this.#life?.link?.post({ t: "stop" });
    await this.ended;
  }

  #begin(): void {
    const life: Life = { link: undefined, silentMs: 0, lastWords: undefined };
    this.#state = "starting";
    this.#life = life;
    life.link = this.#spawn({
      message: (message) => void (this.#life === life && this.#hear(message, life)),
      closed: (reason) => void (this.#life === life && this.#closed(life.lastWords ?? reason)),
    });
    life.link.post({ t: "start", bot: this.#start });
    this.#watch(life, this.#world.clock.steady());
  }

  #hear(message: FromWorker, life: Life): void {
    life.silentMs = 0;
    switch (message.t) {
      case "loaded":
        this.#name = message.name;
        return;
      case "ready":
        this.#state = "online";
        this.#firstRefusal = undefined;
        this.#log.info(`${message.name} is online on port ${message.port}`);
        return;
      case "log":
        this.#log.named(message.source)[message.level](message.text);
        return;
      case "crashed":
        life.lastWords = message.message;
        return;
      case "failed":
        return this.#failed(message.code, message.message);
      case "stopped":
        return this.#closed("it stopped by itself");
      case "pong":
        return;
    }
  }

  #failed(code: string, message: string): void {
    const now = this.#world.clock.steady();
    this.#firstRefusal ??= now;
    if (code === "IDENTITY_IN_USE" && now - this.#firstRefusal < IDENTITY_WAIT_MS && !this.#stopping) {
      this.#beginAfter(IDENTITY_RETRY_MS); // the process that ran the bots before us is still on its way out
      return;
    }
    if (code === "CONFIG_MISSING")
      this.#log.info(`${this.#name} is ${message}`); // nothing is wrong, it is not wanted yet
    else this.#log.warn(`${this.#name} is not started: ${message}`);
    this.#end();
  }

  /** The worker is gone, or must go. */
  #closed(cause: string): void {
    if (this.#stopping) return this.#end();
    const now = this.#world.clock.steady();
    this.#crashes = [...this.#crashes.filter((at) => now - at < CRASH_WINDOW_MS), now];
    if (this.#crashes.length < MAX_CRASHES) {
      this.#log.warn(`${this.#name} crashed and is started again: ${cause}`);
      this.#beginAfter(backoffMs(this.#crashes.length - 1, () => this.#world.random()));
    } else {
      this.#log.error(`${this.#name} crashed ${MAX_CRASHES} times within a minute and stays off: ${cause}`);
      this.#end();
    }
  }

  /** Counts how long the worker has been silent, but no time in which this thread itself stood still. */
  #watch(life: Life, since: number): void {
    this.#timer = this.#world.clock.after(PING_EVERY_MS, () => {
      const now = this.#world.clock.steady();
      life.silentMs += Math.min(now - since, 2 * PING_EVERY_MS);
      if (life.silentMs >= SILENT_FOR_MS) return this.#closed(`it did not answer for ${SILENT_FOR_MS / 1_000} s`);
      life.link?.post({ t: "ping" });
      this.#watch(life, now);
    });
  }

  #beginAfter(ms: number): void {
    this.#leave();
    this.#state = "waiting";
    this.#timer = this.#world.clock.after(ms, () => this.#begin());
  }

  #end(): void {
    this.#leave();
    this.#state = "ended";
    this.#onEnd.resolve();
  }

  #leave(): void {
    this.#timer?.[Symbol.dispose]();
    const link = this.#life?.link;
    this.#life = undefined;
    link?.terminate();
  }
}

/** One bot, kept running: started again when it crashes, replaced by its new code when that is good, off when it must be. */
import { existsSync } from "node:fs";
import { basename, extname } from "node:path";
import type { Log } from "../base/log.ts";
import { backoffMs, sleep, type Timer, type World } from "../base/world.ts";
import { Attempt, type Outcome } from "./attempt.ts";
import { Life, type LifeListener } from "./life.ts";
import type { MemoryUser } from "./memory-bound.ts";
import { Quarantine } from "./quarantine.ts";
import { type Place, StartingLine } from "./starting-line.ts";
import { readSources, type Sources } from "./sources.ts";
import type { BotStart, FromWorker, SpawnWorker } from "./worker-link.ts";

/** This many crashes within this time, and the bot is not started again until its file has changed. */
export const MAX_CRASHES = 5;
export const CRASH_WINDOW_MS = 60_000;

/** How long the bots' process before us may take to let go of an identity, and how often that is tried. */
const IDENTITY_WAIT_MS = 10_000;
const IDENTITY_RETRY_MS = 500;

/** How long a bot may take to stop in order. */
export const STOP_WITHIN_MS = 5_000;

/** How long the thread of a worker that was ended is waited for. */
const GONE_WITHIN_MS = 1_000;

/** It waits to be configured by its users, or is online elsewhere. */
export type OffCode = "CONFIG_MISSING" | "NAME_TAKEN";

export interface KeptBotOptions {
  readonly spawn: SpawnWorker;
  readonly world: World;
  readonly log: Log;
  /** Where it waits for its turn to be loaded. Default: it is always its turn. */
  readonly line?: StartingLine | undefined;
  /** All that this process keeps, itself too: two of them cannot have one name. Default: it is alone. */
  readonly all?: (() => Iterable<KeptBot>) | undefined;
  /** Told of a bot that is off though nothing is wrong with it: `tea is ${reason}`. Default: that is logged. */
  readonly onOff?: ((why: OffCode, name: string, reason: string) => void) | undefined;
}

export type KeptBotState = "starting" | "online" | "waiting" | "ended";

export class KeptBot {
  readonly #start: BotStart;
  readonly #spawn: SpawnWorker;
  readonly #world: World;
  readonly #log: Log;
  readonly #quarantine: Quarantine;
  readonly #line: StartingLine;
  readonly #all: () => Iterable<KeptBot>;
  readonly #onOff: NonNullable<KeptBotOptions["onOff"]>;
  #onEnd = Promise.withResolvers<void>();
  #name: string;
  #port = 0; // where it listened last
  #state: KeptBotState = "starting";
  #sources: Sources;
  #place: Place | undefined; // in the line, until it is up
  #life: Life | undefined;
  #attempt: Attempt | undefined; // at replacing the life by one with newer code
  #next: (Outcome & { kind: "good" }) | undefined; // takes over as soon as the life has stopped
  #isReplaced = false; // the next `ready` is of newer code
  #isUnconfigured = false; // why it is off
  #isRefused = false; // it was told that newer code is not good
  #timer: Timer | undefined; // the next start, or the end of the patience with a stop
  #crashes: number[] = []; // steady times in ms, within CRASH_WINDOW_MS
  #firstRefusal: number | undefined; // steady time of the first IDENTITY_IN_USE
  #isStopping = false;

  constructor(start: BotStart, { spawn, world, log, line, all, onOff }: KeptBotOptions) {
    this.#start = start;
    this.#spawn = spawn;
    this.#world = world;
    this.#log = log;
    this.#quarantine = new Quarantine(start.home);
    this.#line = line ?? new StartingLine(world.clock, Infinity);
    this.#all = all ?? (() => []);
    this.#onOff =
      onOff ?? ((why, name, reason) => log[why === "CONFIG_MISSING" ? "info" : "warn"](`${name} is ${reason}`));
    this.#name = basename(start.file);
    this.#sources = readSources(start.file);
    this.#beginUnlessConfined();
  }

  get state(): KeptBotState {
    return this.#state;
  }

  get file(): string {
    return this.#start.file;
  }

  /** As far as is known: before the file was loaded, the file's. */
  get name(): string {
    return this.#name;
  }

  /** The files that it is made of, as they were read last. */
  get sources(): Sources {
    return this.#sources;
  }

  /** Resolves when it runs no more and will not be started again, unless its files change. */
  get ended(): Promise<void> {
    return this.#onEnd.promise;
  }

  /** Who may use memory because of this bot. */
  get memoryUsers(): MemoryUser[] {
    return [this.#life, this.#attempt?.life].filter((life) => life !== undefined);
  }

  /** Its files were read again. What has not changed is not loaded again. */
  changed(sources: Sources): void {
    const isSame = sources.hash === this.#sources.hash;
    this.#sources = sources;
    if (isSame || this.#isStopping || this.#next) return; // whoever takes over looks again
    this.#giveUpAttempt(); // what it tries is no longer the newest
    this.#crashes = [];
    if (this.#state === "ended") this.#onEnd = Promise.withResolvers();
    if (this.#state === "ended" || this.#state === "waiting") return this.#beginUnlessConfined();
    if (this.#life?.hash !== sources.hash) this.#try(sources.hash);
    else if (this.#isRefused) this.#mended(`${this.#name} is what is in its file again`);
  }

  /** What its users have set is another now: it starts if that is what it lacked. */
  configured(): void {
    if (!this.#isUnconfigured || this.#isStopping) return;
    this.#onEnd = Promise.withResolvers();
    this.#beginUnlessConfined();
  }

  /** Lets the bot close its peer; ends it after `STOP_WITHIN_MS` all the same. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    this.#giveUpAttempt();
    this.#next?.life[Symbol.dispose]();
    if (this.#state === "waiting") this.#end();
    if (this.#state !== "ended") this.#stopLife(false, () => this.#end());
    await this.ended;
  }

  #beginUnlessConfined(): void {
    const { file } = this.#start;
    const confined = this.#quarantine.find(file);
    if (confined?.hash !== this.#sources.hash) {
      if (confined) this.#quarantine.lift(file);
      return this.#begin();
    }
    const since = new Date(confined.at).toISOString().slice(0, 16).replace("T", " ");
    this.#log.warn(`${this.#name} stays off since ${since} UTC: ${confined.cause}. ${this.#wayOut(confined.path)}`);
    this.#end();
  }

  #begin(): void {
    this.#isUnconfigured = false;
    this.#leave();
    this.#giveUpAttempt(); // what it tries begins here
    this.#state = "waiting";
    this.#place = this.#line.join(() => this.#load());
    this.#line.advance();
  }

  #load(): void {
    this.#state = "starting";
    const life: Life = new Life(
      this.#sources.hash,
      this.#spawn,
      this.#world.clock,
      this.#listener(() => life),
    );
    this.#life = life;
    life.post({ t: "load", bot: this.#start });
  }

  #listener(life: () => Life): LifeListener {
    return { hear: (message) => this.#hear(message, life()), lost: (cause) => this.#closed(cause) };
  }

  #hear(message: FromWorker, life: Life): void {
    switch (message.t) {
      case "loaded":
        this.#name = message.name;
        return life.post({ t: "open", port: this.#port });
      case "ready":
        this.#state = "online";
        this.#place?.[Symbol.dispose]();
        this.#port = message.port;
        this.#firstRefusal = undefined;
        if (this.#isReplaced) this.#mended(`${message.name} is reloaded on port ${message.port}`);
        else this.#log.info(`${message.name} is online on port ${message.port}`);
        this.#isReplaced = false;
        return;
      case "log":
        return this.#log.named(message.source)[message.level](message.text);
      case "failed":
        return this.#failed(message.code, message.message);
      case "stopped":
        return this.#closed("it stopped by itself");
      case "declared": // only an attempt asks for that
      case "crashed": // told when the worker is lost
      case "pong":
        return;
    }
  }

  /** Whoever reads of warnings only, and was told that it is not reloaded, is told also that this is over. */
  #mended(text: string): void {
    this.#log[this.#isRefused ? "warn" : "info"](text);
    this.#isRefused = false;
  }

  /** Looks whether the new code is good; until that is known, the old goes on. */
  #try(hash: string): void {
    const { clock } = this.#world;
    this.#attempt = new Attempt({ start: this.#start, hash, spawn: this.#spawn, clock }, (outcome) => {
      this.#attempt = undefined;
      if (outcome.kind === "good" && this.#life) return this.#replaceBy(outcome);
      if (outcome.kind === "good") return outcome.life[Symbol.dispose](); // it crashed, and the next start is of this code
      this.#isRefused = true;
      this.#log.warn(`${this.#name} is not reloaded and goes on as it was: ${outcome.reason}`);
    });
  }

  #replaceBy(next: Outcome & { kind: "good" }): void {
    this.#next = next;
    next.life.hand({
      hear: () => {}, // a life that waits has nothing to say
      lost: () => (this.#next = undefined), // another one is begun in its place
    });
    this.#stopLife(next.name === this.#name, () => this.#takeOver());
  }

  #takeOver(): void {
    const [old, next] = [this.#life, this.#next];
    this.#isReplaced = true;
    if (!next) return this.#begin();
    this.#next = undefined;
    this.#leave();
    this.#state = "starting";
    if (next.name !== this.#name) this.#port = 0; // another peer, with another place
    this.#name = next.name;
    this.#life = next.life;
    next.life.hand(this.#listener(() => next.life));
    // What setup opens (a port of the bot's own) is free when the thread is gone.
    const gone = Promise.race([old?.gone, sleep(this.#world.clock, GONE_WITHIN_MS)]);
    void gone.then(() => next.life.post({ t: "open", port: this.#port }));
    if (next.life.hash !== this.#sources.hash) this.#try(this.#sources.hash); // it changed again meanwhile
  }

  /** Asks the worker to stop; `then` is called when it has, or after `STOP_WITHIN_MS`. */
  #stopLife(isComingBack: boolean, then: () => void): void {
    this.#timer?.[Symbol.dispose]();
    this.#timer = this.#world.clock.after(STOP_WITHIN_MS, () => {
      this.#log.warn(`${this.#name} did not stop within ${STOP_WITHIN_MS / 1_000} s and was ended`);
      then();
    });
    const done = (): void => {
      this.#timer?.[Symbol.dispose]();
      then();
    };
    this.#life?.hand({
      hear: (message) => {
        if (message.t === "log") this.#log.named(message.source)[message.level](message.text);
        if (message.t === "stopped" || message.t === "failed") done();
      },
      lost: done,
    });
    this.#life?.post({ t: "stop", isComingBack });
  }

  #failed(code: string, message: string): void {
    const now = this.#world.clock.steady();
    const twin = code === "IDENTITY_IN_USE" ? this.#twin() : undefined;
    if (twin) {
      const files = `${basename(this.file)} and ${basename(twin.file)}`;
      this.#log.warn(`${this.#name} is not started: ${files} have one name: give one of them another`);
      return this.#end();
    }
    this.#firstRefusal ??= now;
    if (code === "IDENTITY_IN_USE" && now - this.#firstRefusal < IDENTITY_WAIT_MS) {
      this.#beginAfter(IDENTITY_RETRY_MS); // the process that ran the bots before us is still on its way out
      return;
    }
    this.#isUnconfigured = code === "CONFIG_MISSING" || code === "CONFIG_INVALID";
    if (code === "CONFIG_MISSING") this.#onOff(code, this.#name, message);
    else if (code === "NAME_TAKEN") this.#onOff(code, this.#name, `not started: ${message}`);
    else this.#log.warn(`${this.#name} is not started: ${message}`);
    this.#end();
  }

  /** Another bot of this process that has its name; not one whose file was renamed to this one's, which is about to end. */
  #twin(): KeptBot | undefined {
    const others = [...this.#all()].filter((bot) => bot !== this && bot.name === this.#name && bot.state !== "ended");
    return others.find(({ file }) => existsSync(file));
  }

  /** The worker is gone, or must go. */
  #closed(cause: string): void {
    const now = this.#world.clock.steady();
    this.#crashes = [...this.#crashes.filter((at) => now - at < CRASH_WINDOW_MS), now];
    if (this.#crashes.length < MAX_CRASHES) {
      this.#log.warn(`${this.#name} crashed and is started again: ${cause}`);
      this.#beginAfter(backoffMs(this.#crashes.length - 1, () => this.#world.random()));
    } else {
      this.#confine(`it crashed ${MAX_CRASHES} times within a minute, the last time because ${cause}`);
      this.#end();
    }
  }

  #confine(cause: string): void {
    const { file } = this.#start;
    const hash = this.#life?.hash ?? this.#sources.hash;
    const at = this.#world.clock.now();
    const name = basename(this.#name, extname(this.#name));
    let wayOut = "";
    try {
      wayOut = this.#wayOut(this.#quarantine.add(name, { file, hash, cause, at }));
    } catch (error) {
      wayOut = `That could not be written down (${String(error)}): the next start tries it again`;
    }
    this.#log.error(`${this.#name} stays off: ${cause}. ${wayOut}`);
  }

  #wayOut(path: string): string {
    return `It runs again when ${basename(this.#start.file)} changes, or at the next start without ${path}`;
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
    this.#place?.[Symbol.dispose]();
    this.#life?.[Symbol.dispose]();
    this.#life = undefined;
  }

  #giveUpAttempt(): void {
    this.#attempt?.[Symbol.dispose]();
    this.#attempt = undefined;
  }
}

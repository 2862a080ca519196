/** Dialogs: those of one bot, who is in which, and which messages are their answers. */
import { AsyncLocalStorage } from "node:async_hooks";
import { WarrenError } from "../base/errors.ts";
import { isName, type PeerId, type PeerInfo } from "../base/ids.ts";
import type { Log } from "../base/log.ts";
import type { Cause } from "./loops.ts";
import type { Peer } from "../peer/peer.ts";
import type { Table } from "../peer/tables.ts";
import type { TaskPeer } from "../peer/tasks.ts";
import type { Dialog } from "./dialog.ts";
import type { Next } from "./onion.ts";
import type { BotMessage, DialogHandle } from "./plugin.ts";
import { Talk, type TalkRow } from "./talk.ts";

export type DialogsPeer = Pick<Peer, "world" | "effect" | "table"> & TaskPeer;

export interface DialogsOptions {
  readonly plugin: string;
  readonly peer: DialogsPeer;
  readonly log: Log;
  /** The message that is being handled now. */
  readonly cause: () => Cause | undefined;
  /** Does something of a dialog, with its signal. */
  readonly within: <Result>(dialog: { readonly signal: AbortSignal }, act: () => Result) => Result;
  /** Says something as the bot does. */
  readonly send: (to: string, text: string) => Promise<unknown>;
  readonly failed: (where: string, error: unknown) => void;
}

type Work = (dialog: Dialog<never>) => unknown;

/** Kept with the message that is handled, so that one that is handled again is no second answer. */
const TAKEN = ".dialog";

export class Dialogs {
  readonly #options: DialogsOptions;
  readonly #peer: DialogsPeer;
  readonly #rows: Table<TalkRow>; // by the id of the person; no plugin's name begins like its name
  readonly #works = new Map<string, Work>();
  readonly #talks = new Map<PeerId, Talk>(); // that run
  readonly #missing = new Set<string>(); // names that were warned of
  readonly #current = new AsyncLocalStorage<Talk>();
  readonly #outside = AsyncLocalStorage.snapshot(); // a dialog is no part of the handler that begins it
  #isReady = false;
  #isClosed = false;

  constructor(options: DialogsOptions) {
    this.#options = options;
    this.#peer = options.peer;
    this.#rows = options.peer.table<TalkRow>(`.dialogs/${options.plugin}`);
  }

  /** @throws {WarrenError} `PLUGIN_INVALID` */
  add<Input>(name: string, work: (dialog: Dialog<Input>) => unknown): DialogHandle<Input> {
    if (!isName(name)) throw invalid(name, `a dialog's name is 1 to 32 of a-z, 0-9 and "-"`);
    if (this.#works.has(name)) throw invalid(name, "it is there twice");
    this.#works.set(name, work);
    if (this.#isReady) this.resume();
    return {
      start: (peer, ...[input, options]) => this.#start(name, peer, input, options?.replace === true),
      cancel: (peer) => this.#cancel(name, peer),
    };
  }

  /** Whether the plugin has any. */
  get areThere(): boolean {
    return this.#works.size > 0;
  }

  /** Goes on with those that a crash, a restart or a reload has interrupted. */
  resume(): void {
    this.#isReady = true;
    for (const [, { peer }] of this.#rows.entries()) this.#wake(peer.id);
  }

  /** Takes what a person in a dialog says directly; everything else, and what begins with "!", goes on. */
  async take(message: BotMessage, next: Next): Promise<void> {
    const { from, room, text, attempt } = message;
    const isFor = room === undefined && from.kind === "person" && !text.trimStart().startsWith("!");
    const isNew = attempt === 1 && !this.#talks.has(from.id); // it cannot have been taken before
    if (!isFor || isNew || !(await this.#isTaken(message))) await next();
  }

  /** Gives up every dialog, for another run of the bot to go on with. */
  async close(): Promise<void> {
    this.#isClosed = true;
    const error = new WarrenError("CLOSED", "the bot ends: the message is handled at its next start");
    for (const { questions } of this.#talks.values()) questions.fail(error);
    await Promise.all([...this.#talks.values()].map((talk) => talk.stop()));
  }

  async #isTaken(message: BotMessage): Promise<boolean> {
    try {
      return await this.#peer.effect(TAKEN, () => this.#offer(message));
    } finally {
      this.#wake(message.from.id); // a dialog that was ended, and whose end was not saved, goes on
    }
  }

  /** Whether a dialog took the message: waits for the next question while the dialog is at work. */
  async #offer(message: BotMessage): Promise<boolean> {
    for (;;) {
      const talk = this.#talks.get(message.from.id);
      if (!talk || talk.row.begunBy === message.id) return false; // handled again, it is still no answer
      if (message.text.trim().toLowerCase() === "cancel") return await this.#end(talk, message, "cancelled.");
      const question = await talk.questions.next();
      const answer = await question?.read(message.text);
      if (!question?.isOpen || !answer) continue; // its time is over, or the dialog, or this run of it
      if (answer.kind === "value") question.answer(answer.value);
      else if (question.admitWrong()) await message.reply(`${answer.sentence}\n${question.text}`);
      else await this.#end(talk, message, `${answer.sentence}\nthat was one wrong answer too many: cancelled.`);
      return true;
    }
  }

  /** Ends a dialog because of a message, with the last word. */
  async #end({ row }: Talk, message: BotMessage, word: string): Promise<true> {
    await message.reply(word);
    await this.#drop(row.peer);
    return true;
  }

  async #start(name: string, peer: PeerInfo, input: unknown, isReplacing: boolean): Promise<boolean> {
    if (peer.kind !== "person") throw invalid(name, `${peer.name} is a bot: dialogs are with persons`);
    if (isReplacing) this.#checkNotInside(name, peer);
    const { id: begunBy, hops = 0 } = this.#options.cause() ?? {};
    try {
      return await this.#peer.effect(`${TAKEN}/start/${name}/${peer.id}`, async () => {
        const running = this.#rows.get(peer.id);
        if (running && !isReplacing && this.#works.has(running.name)) return false;
        if (running) await this.#drop(peer);
        const row = { name, peer, task: this.#peer.world.token(), hops, attempts: 0, begunBy, input };
        await this.#rows.set(peer.id, row);
        return true;
      });
    } finally {
      this.#wake(peer.id); // also when nothing was saved: what ran before goes on
    }
  }

  async #cancel(name: string, peer: PeerInfo): Promise<boolean> {
    this.#checkNotInside(name, peer);
    try {
      return await this.#peer.effect(`${TAKEN}/cancel/${name}/${peer.id}`, async () => {
        if (this.#rows.get(peer.id)?.name !== name) return false;
        await this.#drop(peer);
        return true;
      });
    } finally {
      this.#wake(peer.id);
    }
  }

  /** Stops the dialog with a person and forgets it, within one turn. */
  async #drop(peer: PeerInfo): Promise<void> {
    const talk = this.#talks.get(peer.id);
    if (talk) await talk.stop(); // first: what it still notes when it ends is forgotten, too
    const row = this.#rows.get(peer.id);
    if (row) this.#peer.tasks.forget(taskOf(row));
    await this.#rows.delete(peer.id);
  }

  #checkNotInside(name: string, peer: PeerInfo): void {
    if (this.#current.getStore()?.row.peer.id !== peer.id) return;
    throw invalid(name, "a dialog cannot end itself: return from its function");
  }

  /** Runs the dialog that is kept for a person, unless it runs. */
  #wake(id: PeerId): void {
    if (!this.#isReady || this.#isClosed || this.#talks.has(id)) return;
    const row = this.#rows.get(id);
    if (!row) return;
    const work = this.#works.get(row.name);
    if (work) return this.#outside(() => this.#run(row, work));
    if (!this.#missing.has(row.name)) {
      this.#options.log.warn(`dialog "${row.name}" is not registered any more: those who are in it wait`);
    }
    this.#missing.add(row.name);
  }

  #run(row: TalkRow, work: Work): void {
    const { id } = row.peer;
    const talk = new Talk(row, {
      peer: this.#peer,
      log: this.#options.log,
      send: (text) => this.#options.send(id, text),
      failed: this.#options.failed,
      task: taskOf(row),
      rows: this.#rows,
      work: (dialog) =>
        this.#current.run(talk, () => this.#options.within(dialog, () => work(dialog as Dialog<never>))),
      over: () => {
        this.#talks.delete(id); // first: who has waited looks who is there now
        talk.questions.end();
      },
    });
    this.#talks.set(id, talk);
    talk.begin();
  }
}

function taskOf(row: TalkRow): string {
  return `dialog/${row.task}`;
}

function invalid(name: string, reason: string): WarrenError {
  return new WarrenError("PLUGIN_INVALID", `dialog "${name.slice(0, 40)}": ${reason}`);
}

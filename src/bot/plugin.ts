/** Plugin: what the one file of a bot exports, and the `bot` that it is given. See docs/bots.md. */
import type { z } from "zod";
import { WarrenError } from "../base/errors.ts";
import { isName, type PeerInfo } from "../base/ids.ts";
import type { Log } from "../base/log.ts";
import type { DirectoryEntry, DirectoryQuery } from "../peer/directory.ts";
import type { IncomingMessage, ReplyText, SendOptions, Sent } from "../peer/message.ts";
import type { Table } from "../peer/tables.ts";
import type { Dialog } from "./dialog.ts";
import type { Duration } from "./duration.ts";
import type { Group } from "./group.ts";
import type { Allow } from "./guard.ts";
import type { NotificationListener, NotificationName } from "./hooks.ts";
import type { CronOptions, Job, JobCall, JobOptions, RecurringOptions } from "./job.ts";
import type { Match } from "./match.ts";
import type { FetchOptions } from "./network.ts";
import type { Next } from "./onion.ts";
import type { OutgoingListener } from "./outgoing.ts";
import type { AnyResult, CallOptions, ResultOf, ResultSchema } from "./typed-call.ts";

export interface Plugin<Config extends z.ZodObject = z.ZodObject> {
  /** The name under which the bot is online, as far as it is free. */
  readonly name: string;
  /** What it does, in a few words: the first line of its help and of its card. */
  readonly about: string;
  /** `z.object` of what its users set (warren.toml, environment, `--set`); `secret()` for what nobody may see. */
  readonly config?: Config;
  /** Registers everything; no message comes before it is done. */
  setup(bot: Bot<z.output<Config>>): unknown;
}

/** Undoes a registration early; the end of the plugin does it anyway. Calling it twice is harmless. */
export type End = () => void;

export interface Bot<Config = Record<string, unknown>> {
  readonly self: PeerInfo;
  /** What its users have set, checked, with defaults. Shown as a whole, it shows no secrets. */
  readonly config: Readonly<Config>;
  readonly log: Log;
  /** Aborted when the plugin ends. */
  readonly signal: AbortSignal;

  /** Takes messages that begin with `name`, which is one to three words: in a direct chat the word is enough, in a room it is `!name` or `@bot name`. */
  command<Schema extends z.ZodObject = NoArguments>(name: string, options: CommandOptions<Schema>): End;

  /** Registers a conversation with one person that survives a restart; nothing is said before it is started. */
  dialog<Input = undefined>(name: string, run: (dialog: Dialog<Input>) => unknown): DialogHandle<Input>;

  /** Takes messages; see `MessageOptions` for the order, and `MessageListener` for how to pass one on. */
  on(event: "message", listener: MessageListener): End;
  on(event: "message", options: MessageOptions, listener: MessageListener): End;
  /** Is told of what happens; see `NotificationArguments`. */
  on<Name extends NotificationName>(event: Name, listener: NotificationListener<Name>): End;

  /** Takes what this plugin sends, on its way out: `bot.outgoing((message, next) => next({ ...message, text }))`. */
  outgoing(listener: OutgoingListener): End;

  /** Resolves when the message is kept; with undefined when it was not sent: a layer of `outgoing` stopped it, or `MAX_HOPS`. */
  send(to: string, text: string, options?: SendOptions): Promise<Sent | undefined>;
  /**
   * Has another bot do one of its commands, and resolves with its result: `bot.call("dice", "roll", { times: 3 }, { result: schema })`.
   * Inside a handler it is asked once, whatever crashes. Rejects as docs/errors.md tells of calls.
   */
  call<Result extends ResultSchema = AnyResult>(
    to: string,
    command: string,
    args?: Readonly<Record<string, unknown>>,
    options?: CallOptions<Result>,
  ): Promise<ResultOf<Result>>;
  /** Who is known, and what they can do: `bot.find({ command: "roll" })`. */
  find(query: DirectoryQuery): Promise<DirectoryEntry[]>;
  /** A durable set of peer ids, private to this plugin; `allow: { group: name }` lets its members use a command. */
  group(name: string): Group;
  /** Durable values, private to this plugin. What is written inside a handler is written once, whatever crashes. */
  store<Value>(name: string, options?: StoreOptions<Value>): Table<Value>;
  /** Runs `run` once for the message that is being handled, whatever crashes; its result (JSON) is kept and given again. */
  effect<Result>(name: string, run: () => Promise<Result> | Result): Promise<Result>;
  /** The standard `fetch`, given up when the plugin ends, or the handler, job or dialog that called it. A test answers it: `warren.http`. */
  fetch(input: string | URL | Request, init?: FetchOptions): Promise<Response>;
  /** Registers, in setup, what can be done later: `job.in("10m", payload)`, `job.at(time, payload)`. */
  job<Schema extends z.ZodType = z.ZodUndefined>(
    name: string,
    run: (call: JobCall<z.output<Schema>>) => unknown,
    options?: JobOptions<Schema>,
  ): Job<z.input<Schema>, z.output<Schema>>;
  /** Does it again and again, for the first time after one interval; never twice at once. Only in setup. */
  every(interval: Duration, run: (call: JobCall<undefined>) => unknown, options?: RecurringOptions): End;
  /** Does it at the times of a cron expression, such as `0 9 * * 1-5`. Only in setup. */
  cron(expression: string, run: (call: JobCall<undefined>) => unknown, options?: CronOptions): End;
  /** Uniform in [0, 1), and the same in every run of a test. */
  random(): number;
  /** Epoch ms, and turned by hand in a test. */
  now(): number;
}

export interface StoreOptions<Value> {
  /** What each value must fit, when it is written and when it is read. */
  readonly schema?: z.ZodType<Value>;
}

export interface BotMessage extends Omit<IncomingMessage, "reply"> {
  /**
   * Answers where it was said. Resolves like `bot.send`. A text that comes in pieces is seen to grow over there, and is sent as
   * one message when it has ended; rejects with what they throw, and then nothing was sent.
   */
  readonly reply: (text: ReplyText) => Promise<Sent | undefined>;
}

/** Takes the message, unless it calls `next` (and returns what that returns): then those after it see it too. */
export type MessageListener = (message: BotMessage, next: Next) => unknown;

export interface MessageOptions extends Match {
  /** `pre` sees what is meant for the commands too; `post`, the default, sees what no command took. */
  order?: "pre" | "post";
  /** How long it may take, with those after it that it calls. Past it `message.signal` is aborted, and the attempt has failed. */
  timeout?: Duration;
}

// eslint-disable-next-line typescript/no-generated-empty-object-type -- no key at all is what it means
type NoArguments = z.ZodObject<Record<never, never>>;

export interface CommandOptions<Schema extends z.ZodObject = NoArguments> {
  readonly about: string;
  /** `z.object` of strings, numbers, booleans and enums: types, defaults, help and error messages come from it. */
  readonly args?: Schema;
  readonly cooldown?: CooldownOptions;
  /** How long `run` may take. Past it `signal` is aborted, and the attempt has failed. Default: as long as it likes. */
  readonly timeout?: Duration;
  /** Other names for it, of one to three words. */
  readonly aliases?: readonly string[];
  /** Who may use it; everybody, if it is left out. Whatever goes wrong in deciding is a no. */
  readonly allow?: Allow<CommandCall<z.output<Schema>>>;
  /** Asked before it is done; only a plain "yes" within a minute is one. */
  readonly confirm?: string | ((args: z.output<Schema>) => string);
  /** What it gives back, which must be JSON, is the result where a program calls the command. */
  run(call: CommandCall<z.output<Schema>>): unknown;
}

export interface CommandCall<Args> {
  readonly args: Args;
  readonly from: PeerInfo;
  readonly message: BotMessage;
  /** Aborted when the plugin or its peer ends, and after `timeout`. */
  readonly signal: AbortSignal;
  readonly reply: BotMessage["reply"];
}

export interface CooldownOptions {
  readonly max: number;
  readonly per: Duration;
  /** Counted for each sender, which is the default, or for everyone together. */
  readonly by?: "sender" | "everyone";
}

export interface DialogHandle<Input> {
  /**
   * Begins the dialog with a person. Resolves with false when another one of this bot with that person runs; `replace`
   * cancels that one. Inside a handler it is done once, whatever crashes.
   */
  start(peer: PeerInfo, ...given: StartArguments<Input>): Promise<boolean>;
  /** Ends it without a word. Resolves with false when it does not run. */
  cancel(peer: PeerInfo): Promise<boolean>;
}

/** The input, which must be JSON, has to be given where the dialog declares one. */
type StartArguments<Input> = undefined extends Input
  ? [input?: Input, options?: StartOptions]
  : [input: Input, options?: StartOptions];

export interface StartOptions {
  readonly replace?: boolean;
}

/** @throws {WarrenError} `PLUGIN_INVALID` */
export function definePlugin<Config extends z.ZodObject = NoArguments>(plugin: Plugin<Config>): Plugin<Config> {
  checkPlugin(plugin);
  return plugin;
}

/** @throws {WarrenError} `PLUGIN_INVALID` saying which field is wrong */
export function checkPlugin(value: unknown): asserts value is Plugin {
  if (typeof value !== "object" || value === null) throw invalid("it is not an object made with definePlugin({ … })");
  const { name, about, setup } = value as Partial<Record<keyof Plugin, unknown>>;
  if (typeof name !== "string" || !isName(name)) throw invalid(`name: use 1 to 32 of a-z, 0-9 and "-"`);
  if (typeof about !== "string" || about.trim() === "") throw invalid("about: say in a few words what it does");
  if (typeof setup !== "function") throw invalid("setup: a function that is given the bot is missing");
}

function invalid(reason: string): WarrenError {
  return new WarrenError("PLUGIN_INVALID", `not a plugin: ${reason}`);
}

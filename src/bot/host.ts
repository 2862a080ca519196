/** Host: gives a plugin its `bot` on any peer, and undoes everything when it ends. */
import { AsyncLocalStorage } from "node:async_hooks";
import type { Card } from "../base/card.ts";
import { describeError, isWarrenError, WarrenError } from "../base/errors.ts";
import { createLog, type Log } from "../base/log.ts";
import { inTurn } from "../base/in-turn.ts";
import { Scope } from "../base/scope.ts";
import { type CallRequest, readRequest } from "../peer/call-data.ts";
import type { AskOptions } from "../peer/calls.ts";
import type { IncomingMessage } from "../peer/message.ts";
import type { Peer } from "../peer/peer.ts";
import type { Table } from "../peer/tables.ts";
import type { TaskPeer } from "../peer/tasks.ts";
import { answerCall } from "./answering.ts";
import { botMessage } from "./bot-message.ts";
import { checkedTable } from "./checked-table.ts";
import { Commands } from "./commands.ts";
import { Dialogs } from "./dialogs.ts";
import { type Group, openGroup } from "./group.ts";
import { checkListening, type NotificationListener, type NotificationName } from "./hooks.ts";
import { type Cause, Loops } from "./loops.ts";
import { jobMembers } from "./job-members.ts";
import { Jobs } from "./jobs.ts";
import { type BotConfig, parseConfig } from "./config.ts";
import { MessageLayers } from "./message-layers.ts";
import { type Fetch, Network, noNetwork } from "./network.ts";
import { Notifications } from "./notifications.ts";
import { Outgoing } from "./outgoing.ts";
import type { Bot, BotMessage, End, MessageListener, MessageOptions, Plugin, StoreOptions } from "./plugin.ts";
import { isToAnswer, publishCard } from "./published-card.ts";
import { lookUpPeer } from "./special-arguments.ts";
import { traced, Tracing } from "./trace.ts";
import { type Caller, callThrough, type CallOptions, type ResultOf, type ResultSchema } from "./typed-call.ts";
import { unaskedHelp } from "./unasked-help.ts";

/** How long listeners to `stopping` are waited for. */
const STOPPING_MS = 3_000;

/** What a plugin needs of its peer. */
export type HostPeer = Pick<
  Peer,
  "info" | "world" | "log" | "directory" | "on" | "send" | "resolve" | "find" | "effect" | "table" | "setCard"
> &
  TaskPeer &
  Caller & { readonly traces: Pick<Peer["traces"], "keep"> };

export interface AttachOptions {
  /** Where `bot.random` draws from, if not from the peer's world. */
  random?: () => number;
  /** Default: nothing is given, so the schema's defaults. */
  config?: BotConfig;
  /** What `bot.fetch` reaches the network by. Default: there is none, and it rejects. */
  fetch?: Fetch;
  /** What the log says of an error. Default: its message, without the place, so that tests can compare it. */
  describe?: (error: unknown) => string;
}

export interface AttachedPlugin extends AsyncDisposable {
  readonly plugin: Plugin;
  readonly card: Card;
}

/**
 * Runs the plugin on the peer until the result is disposed.
 *
 * @throws {WarrenError} `PLUGIN_INVALID` for a registration that cannot work; `PLUGIN_LOAD_FAILED` when setup throws;
 *   `CONFIG_MISSING` when the plugin needs a configuration and is given none
 */
export async function attachPlugin(
  plugin: Plugin,
  peer: HostPeer,
  options: AttachOptions = {},
): Promise<AttachedPlugin> {
  const config = options.config ?? (await parseConfig(plugin, []));
  const host = new Host(plugin, peer, { ...options, config });
  try {
    await host.start();
  } catch (error) {
    await host[Symbol.asyncDispose]();
    const code = error instanceof WarrenError ? error.code : "PLUGIN_LOAD_FAILED";
    const cause = withoutSecrets(error, config);
    throw new WarrenError(code, `${plugin.name}: setup failed: ${describeError(cause)}`, { cause });
  }
  return host;
}

class Host implements AttachedPlugin {
  readonly plugin: Plugin;
  readonly #peer: HostPeer;
  readonly #scope = new Scope();
  readonly #ended = new AbortController(); // with a reason that is nobody's fault
  readonly #random: () => number;
  readonly #config: BotConfig;
  readonly #log: Log;
  readonly #commands: Commands;
  readonly #jobs: Jobs;
  readonly #dialogs: Dialogs;
  readonly #layers: MessageLayers;
  readonly #outgoing: Outgoing;
  readonly #handling = new AsyncLocalStorage<Cause | undefined>(); // what bot.send is called because of
  readonly #network: Network;
  readonly #notifications: Notifications;
  readonly #tracing: Tracing;
  #isSetUp = false;
  #ending: Promise<void> | undefined;

  constructor(plugin: Plugin, peer: HostPeer, options: AttachOptions & { config: BotConfig }) {
    const { random = () => peer.world.random(), fetch = noNetwork, config, describe } = options;
    this.plugin = plugin;
    this.#peer = peer;
    this.#scope.signal.addEventListener("abort", () => {
      this.#ended.abort(new WarrenError("CLOSED", `${plugin.name} has ended: it waits for no answer any more`));
    });
    this.#random = random;
    this.#config = config;
    this.#log = createLog(plugin.name, (level, name, text) => peer.log.named(name)[level](config.conceal(text)));
    this.#tracing = new Tracing(plugin.name, {
      clock: peer.world.clock,
      conceal: (text) => config.conceal(text),
      keep: (trace) => peer.traces.keep(trace),
    });
    this.#outgoing = new Outgoing(peer, new Loops(peer.info, peer.world.clock, this.#log));
    this.#network = new Network(fetch, peer.world.clock, this.#scope);
    this.#notifications = new Notifications(this.#log, describe);
    this.#jobs = new Jobs(peer, plugin.name, this.#log, {
      cause: () => this.#handling.getStore(),
      within: ({ cause, signal }, act) =>
        this.#outgoing.outside(() => this.#network.within({ signal }, () => this.#handling.run(cause, act))),
      failed: (where, error) => this.#notifications.failed(where, error),
      conceal: (text) => config.conceal(text),
    });
    this.#commands = new Commands(peer.info, plugin.about, {
      clock: peer.world.clock,
      store: (name) => peer.table(`${plugin.name}/${name}`),
      group: (name) => this.#group(name),
      lookUp: (who) => lookUpPeer(peer, who),
      within: (work, act) => this.#network.within(work, act),
      failed: (where, error) => this.#notifications.failed(where, error),
    });
    this.#dialogs = new Dialogs({
      plugin: plugin.name,
      peer,
      log: this.#log,
      cause: () => this.#handling.getStore(),
      within: (work, act) => this.#network.within(work, act),
      send: (to, text) => this.#outgoing.send(undefined, to, text),
      failed: (where, error) => this.#notifications.failed(where, error),
    });
    const inDialogs = traced<BotMessage>("dialogs", (message, next) => this.#dialogs.take(message, next));
    const inCommands = traced<BotMessage>("commands", (message, next) => this.#commands.take(message, next));
    const help = unaskedHelp(this.#commands, peer.world.clock);
    this.#layers = new MessageLayers({
      clock: peer.world.clock,
      within: (work, act) => this.#network.within(work, act),
      between: () => (this.#dialogs.areThere ? [inDialogs, inCommands] : [inCommands]),
      last: help,
    });
  }

  /** Whether a call of this command is for this plugin. */
  has(command: string): boolean {
    return this.#commands.has(command);
  }

  get card(): Card {
    return this.#commands.card;
  }

  async start(): Promise<void> {
    for (const event of ["peer:online", "peer:offline"] as const) {
      this.#scope.defer(
        this.#peer.on(event, (peer) => this.#outgoing.outside(() => this.#notifications.tell(event, peer))),
      );
    }
    await this.plugin.setup(this.#createBot());
    this.#isSetUp = true;
    this.#scope.defer(() => publishCard(this.#peer, this, undefined));
    publishCard(this.#peer, this, this.card);
    this.#scope.defer(() => this.#jobs.close());
    await this.#jobs.start();
    this.#scope.defer(() => this.#dialogs.close());
    this.#dialogs.resume();
    // The last thing: messages wait in the inbox until there is a handler.
    this.#scope.defer(this.#peer.on("message", (message) => this.#handle(message)));
    void this.#notifications.tell("started");
    if (this.#peer.directory?.isConnected) void this.#notifications.tell("registered");
    this.#scope.defer(
      this.#peer.on("registered", () => this.#outgoing.outside(() => this.#notifications.tell("registered"))),
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#ending ??= this.#end();
    await this.#ending;
  }

  async #end(): Promise<void> {
    try {
      if (this.#isSetUp) await this.#notifications.tellWithin(STOPPING_MS, this.#peer.world.clock, "stopping");
    } finally {
      await this.#scope.close();
    }
  }

  #createBot(): Bot {
    const peer = this.#peer;
    return {
      self: peer.info,
      config: this.#config.values,
      log: this.#log,
      signal: this.#scope.signal,
      command: (name, options) => {
        const end = this.#commands.add(name, options);
        this.#cardChanged();
        return this.#until(() => {
          end();
          this.#cardChanged();
        });
      },
      dialog: (name, run) => {
        this.#layers.reorder();
        return this.#dialogs.add(name, run);
      },
      on: (...args: OnArguments) => this.#until(this.#listen(args)),
      outgoing: (listener) => this.#until(this.#outgoing.add(listener)),
      send: (to, text, options) => this.#outgoing.send(this.#handling.getStore(), to, text, options),
      call: (to, command, args = {}, options = {}) => this.#call(to, command, args, options),
      find: (query) => peer.find(query),
      group: (name) => this.#group(name),
      store: (name, { schema } = {}) => this.#store(name, schema),
      effect: (name, run) => peer.effect(name, run),
      fetch: (input, init) => this.#network.fetch(input, init),
      ...jobMembers(this.#jobs, peer.world.clock, (end) => this.#until(end)),
      random: () => this.#random(),
      now: () => peer.world.clock.now(),
    };
  }

  async #call<Result extends ResultSchema>(
    to: string,
    command: string,
    args: Readonly<Record<string, unknown>>,
    options: CallOptions<Result>,
  ): Promise<ResultOf<Result>> {
    const cause = this.#handling.getStore();
    const signal = options.signal ? AbortSignal.any([options.signal, this.#ended.signal]) : this.#ended.signal;
    const send: AskOptions["send"] = (whom, text, how) => this.#outgoing.send(cause, whom, text, how);
    return await callThrough(this.#peer, send, to, command, args, { ...options, signal });
  }

  #group(name: string): Group {
    return openGroup(name, (table) => this.#peer.table(`${this.plugin.name}/${table}`));
  }

  #store<Value>(name: string, schema: StoreOptions<Value>["schema"]): Table<Value> {
    const table = this.#peer.table<Value>(`${this.plugin.name}/${name}`);
    return schema ? checkedTable(table, name, schema) : table;
  }

  #listen(args: OnArguments): End {
    checkListening(args[0], args.at(-1));
    if (args[0] !== "message") return this.#notifications.on(args[0], args[1]);
    const [options, listener] = args.length === 3 ? [args[1], args[2]] : [{}, args[1]];
    return this.#layers.add(options, listener);
  }

  /** Stays synchronous as long as the layers do: what ends within the turn is committed with it. */
  #handle(incoming: IncomingMessage): Promise<void> | void {
    const request = incoming.room === undefined ? readRequest(incoming.data) : undefined;
    const take = (): Promise<void> | void => (request ? this.#answer(incoming, request) : this.#take(incoming));
    return inTurn(
      () =>
        this.#outgoing.outside(() =>
          this.#network.within(incoming, () =>
            this.#handling.run(incoming, () => this.#tracing.record(incoming, take)),
          ),
        ),
      () => {},
      (error) => this.#notHandled(incoming, error),
    );
  }

  #notHandled({ from, attempt }: IncomingMessage, error: unknown): never {
    if (this.#isEnd(error)) throw error; // nobody's fault
    const which = attempt > 1 ? ` at attempt ${attempt}` : "";
    this.#notifications.failed(`a message of ${from.name} was not handled${which}`, error);
    throw withoutSecrets(error, this.#config); // the peer records it, tells the sender, and decides about another attempt
  }

  #isEnd(error: unknown): boolean {
    return this.#scope.isClosed && (isWarrenError(error, "CLOSED") || error === this.#scope.signal.reason);
  }

  async #answer(incoming: IncomingMessage, request: CallRequest): Promise<void> {
    if (!isToAnswer(this.#peer, this, request.command)) return;
    await answerCall(this.#botMessage(incoming), request, {
      before: this.#layers.before,
      command: (message, called) => this.#commands.answer(message, called),
      answer: (text, data) => this.#outgoing.answer(incoming, text, data),
      isEnd: (error) => this.#isEnd(error),
      failed: (error) => this.#notifications.failed(`a call of ${incoming.from.name} failed`, error),
      conceal: (text) => this.#config.conceal(text),
    });
  }

  #take(incoming: IncomingMessage): Promise<void> | void {
    return this.#layers.take(this.#botMessage(incoming));
  }

  #botMessage(incoming: IncomingMessage): BotMessage {
    return botMessage(
      incoming,
      () => AbortSignal.any([incoming.signal, this.#scope.signal]),
      (answer) => this.#outgoing.reply(incoming, answer),
    );
  }

  #cardChanged(): void {
    if (this.#isSetUp && !this.#scope.isClosed) publishCard(this.#peer, this, this.card);
  }

  /** Ties a registration to the plugin. */
  #until(end: End): End {
    const forget = this.#scope.defer(end);
    return () => {
      forget();
      end();
    };
  }
}

/** The error itself, or what can be told of it where it repeats a secret. */
function withoutSecrets(error: unknown, config: BotConfig): unknown {
  const text = describeError(error);
  const told = config.conceal(text);
  if (told === text) return error;
  return isWarrenError(error) ? new WarrenError(error.code, told) : new Error(told);
}

type OnArguments =
  | [event: "message", listener: MessageListener]
  | [event: "message", options: MessageOptions, listener: MessageListener]
  | [event: NotificationName, listener: NotificationListener<never>];

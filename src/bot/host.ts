/** Host: gives a plugin its `bot` on any peer, and undoes everything when it ends. */
import { AsyncLocalStorage } from "node:async_hooks";
import type { Card } from "../base/card.ts";
import { describeError, isWarrenError, WarrenError } from "../base/errors.ts";
import type { PeerInfo } from "../base/ids.ts";
import { Scope } from "../base/scope.ts";
import type { IncomingMessage, Sent } from "../peer/message.ts";
import type { Peer } from "../peer/peer.ts";
import { Commands } from "./commands.ts";
import { Cooldown } from "./cooldown.ts";
import { Dialogs } from "./dialogs.ts";
import { compileMatch } from "./match.ts";
import { type Layer, runOnion } from "./onion.ts";
import type { Bot, BotMessage, End, MessageListener, MessageOptions, Plugin } from "./plugin.ts";
import { publishCard } from "./published-card.ts";

/** A message that this many messages of bots led to is answered by no bot. People begin again at 0. */
export const MAX_HOPS = 8;

/** How often one person is told what the bot can do, unasked. */
const UNASKED_HELP = { max: 1, perMs: 60_000 };

/** What a plugin needs of its peer. */
export type HostPeer = Pick<
  Peer,
  "info" | "world" | "log" | "on" | "send" | "find" | "effect" | "table" | "tasks" | "setCard"
>;

export interface AttachOptions {
  /** Where `bot.random` draws from, if not from the peer's world. */
  random?: () => number;
}

export interface AttachedPlugin extends AsyncDisposable {
  readonly plugin: Plugin;
  readonly card: Card;
}

/**
 * Runs the plugin on the peer until the result is disposed.
 *
 * @throws {WarrenError} `PLUGIN_INVALID` for a registration that cannot work; `PLUGIN_LOAD_FAILED` when setup throws
 */
export async function attachPlugin(
  plugin: Plugin,
  peer: HostPeer,
  options: AttachOptions = {},
): Promise<AttachedPlugin> {
  const host = new Host(plugin, peer, options);
  try {
    await host.start();
  } catch (error) {
    await host[Symbol.asyncDispose]();
    const code = error instanceof WarrenError ? error.code : "PLUGIN_LOAD_FAILED";
    throw new WarrenError(code, `${plugin.name}: setup failed: ${describeError(error)}`, { cause: error });
  }
  return host;
}

class Host implements AttachedPlugin {
  readonly plugin: Plugin;
  readonly #peer: HostPeer;
  readonly #scope = new Scope();
  readonly #random: () => number;
  readonly #log;
  readonly #commands: Commands;
  readonly #dialogs: Dialogs;
  readonly #unaskedHelp: Cooldown;
  readonly #layers = { pre: new Set<Layer<BotMessage>>(), post: new Set<Layer<BotMessage>>() };
  readonly #handling = new AsyncLocalStorage<IncomingMessage>(); // what bot.send is called because of
  #isSetUp = false;
  #toldOfLoop = false;

  constructor(plugin: Plugin, peer: HostPeer, { random = () => peer.world.random() }: AttachOptions) {
    this.plugin = plugin;
    this.#peer = peer;
    this.#random = random;
    this.#log = peer.log.named(plugin.name);
    this.#commands = new Commands(peer.info, plugin.about, peer.world.clock);
    const cause = (): IncomingMessage | undefined => this.#handling.getStore();
    this.#dialogs = new Dialogs({ plugin: plugin.name, peer, log: this.#log, cause });
    this.#unaskedHelp = new Cooldown(peer.world.clock, UNASKED_HELP);
  }

  get card(): Card {
    return this.#commands.card;
  }

  async start(): Promise<void> {
    await this.plugin.setup(this.#createBot());
    this.#isSetUp = true;
    this.#scope.defer(() => publishCard(this.#peer, this, undefined));
    publishCard(this.#peer, this, this.card);
    this.#scope.defer(() => this.#dialogs.close());
    this.#dialogs.resume();
    // The last thing: messages wait in the inbox until there is a handler.
    this.#scope.defer(this.#peer.on("message", (message) => this.#handle(message)));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#scope.close();
  }

  #createBot(): Bot {
    const peer = this.#peer;
    return {
      self: peer.info,
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
      dialog: (name, run) => this.#dialogs.add(name, run),
      on: (...args: OnArguments) => this.#until(this.#listen(args)),
      send: (to, text, options) => this.#unlessLooping(this.#handling.getStore(), () => peer.send(to, text, options)),
      find: (query) => peer.find(query),
      store: (name) => peer.table(`${this.plugin.name}/${name}`),
      effect: (name, run) => peer.effect(name, run),
      random: () => this.#random(),
      now: () => peer.world.clock.now(),
    };
  }

  #listen(args: OnArguments): End {
    if (args[0] !== "message") {
      const [event, listener] = args;
      return this.#peer.on(event, async (peer) => {
        try {
          await listener(peer);
        } catch (error) {
          this.#log.error(`${event}: ${describeError(error)}`); // news, not work: nobody waits for it or repeats it
        }
      });
    }
    const [options, listener] = args.length === 3 ? [args[1], args[2]] : [{}, args[1]];
    const matches = compileMatch(options);
    const layers = this.#layers[options.order ?? "post"];
    const layer: Layer<BotMessage> = (message, next) => (matches(message) ? listener(message, next) : next());
    layers.add(layer);
    return () => void layers.delete(layer);
  }

  async #handle(incoming: IncomingMessage): Promise<void> {
    const message = this.#botMessage(incoming);
    const { pre, post } = this.#layers;
    const take: Layer<BotMessage> = (taken, next) => this.#commands.take(taken, next);
    const answer: Layer<BotMessage> = (given, next) => this.#dialogs.take(given, next);
    const layers = [...pre, answer, take, ...post, (last: BotMessage) => this.#sayWhatItCanDo(last)];
    try {
      await this.#handling.run(incoming, () => runOnion(layers, message));
    } catch (error) {
      if (this.#scope.isClosed && isWarrenError(error, "CLOSED")) throw error; // nobody's fault
      this.#log.error(`a message of ${incoming.from.name} was not handled: ${describeError(error)}`);
      throw error; // the peer records it, tells the sender, and decides about another attempt
    }
  }

  /** To persons only: two bots would explain themselves to each other for ever. */
  async #sayWhatItCanDo(message: BotMessage): Promise<void> {
    if (message.from.kind !== "person") return;
    const text = this.#commands.lastWord(message);
    if (text !== undefined && this.#unaskedHelp.admit(message.from.id).kind === "go") await message.reply(text);
  }

  #botMessage(incoming: IncomingMessage): BotMessage {
    const { id, from, text, at, room, re, hops, attempt } = incoming;
    const scope = this.#scope;
    return {
      id,
      from,
      text,
      at,
      hops,
      attempt,
      ...(room !== undefined && { room }),
      ...(re !== undefined && { re }),
      get signal() {
        return AbortSignal.any([incoming.signal, scope.signal]);
      },
      reply: (answer) => this.#unlessLooping(incoming, () => incoming.reply(answer)),
    };
  }

  async #unlessLooping(cause: IncomingMessage | undefined, send: () => Promise<Sent>): Promise<Sent | undefined> {
    if (!cause || cause.hops < MAX_HOPS) return await send();
    if (!this.#toldOfLoop) {
      this.#log.warn(`${cause.from.name} and ${this.#peer.info.name} only answer each other: no more is said to that`);
    }
    this.#toldOfLoop = true;
    return undefined;
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

type OnArguments =
  | [event: "message", listener: MessageListener]
  | [event: "message", options: MessageOptions, listener: MessageListener]
  | [event: "peer:online" | "peer:offline", listener: (peer: PeerInfo) => unknown];

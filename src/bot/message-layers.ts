/** Message layers: what a message passes in a bot, from the first that is asked to the last. */
import { compileMismatch } from "./match.ts";
import { type Layer, runOnion } from "./onion.ts";
import type { BotMessage, End, MessageListener, MessageOptions } from "./plugin.ts";
import { timeLimit, type TimeLimitHost } from "./time-limit.ts";
import { traced } from "./trace.ts";

export interface MessageLayersHost extends TimeLimitHost {
  /** What stands between the two kinds of listeners: the bot's dialogs and commands. */
  readonly between: () => readonly Layer<BotMessage>[];
  readonly last: Layer<BotMessage>;
}

export class MessageLayers {
  readonly #host: MessageLayersHost;
  readonly #pre = new Set<Layer<BotMessage>>();
  readonly #post = new Set<Layer<BotMessage>>();
  #inOrder: readonly Layer<BotMessage>[] | undefined; // all of them, until there is another one

  constructor(host: MessageLayersHost) {
    this.#host = host;
  }

  /** The listeners that see also what is meant for a command. */
  get before(): ReadonlySet<Layer<BotMessage>> {
    return this.#pre;
  }

  /** @throws {WarrenError} `PLUGIN_INVALID` for options that cannot be meant */
  add(options: MessageOptions, listener: MessageListener): End {
    const { order = "post", timeout } = options;
    const layers = order === "pre" ? this.#pre : this.#post;
    const name = `${order} listener ${layers.size + 1}`;
    const limit = timeLimit(name, timeout, this.#host);
    const limited: Layer<BotMessage> = (message, next) => limit(message, (given) => listener(given, next));
    const layer = traced<BotMessage>(name, limited, compileMismatch(options));
    layers.add(layer);
    this.reorder();
    return () => {
      layers.delete(layer);
      this.reorder();
    };
  }

  /** To be called when `between` has become another one. */
  reorder(): void {
    this.#inOrder = undefined;
  }

  /** A promise only if a layer gives one. */
  take(message: BotMessage): Promise<void> | void {
    const { between, last } = this.#host;
    this.#inOrder ??= [...this.#pre, ...between(), ...this.#post, last];
    return runOnion(this.#inOrder, message);
  }
}

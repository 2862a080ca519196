/** Handlers: those who take the messages of the inbox, one after another for each message. */
import type { PeerId, PeerInfo } from "../base/ids.ts";
import type { Clock } from "../base/world.ts";
import type { IncomingRow } from "../store/incoming.ts";
import { decodeData } from "../wire/data.ts";
import type { Delivery, Inbox } from "./inbox.ts";
import type { IncomingMessage, MessageHandler, ReplyText, SendOptions, Sent } from "./message.ts";

export interface HandlersHost {
  /** Who has sent a message. */
  infoOf(message: IncomingRow): PeerInfo;
  reply(to: PeerId, text: ReplyText, options: SendOptions, hops: number): Promise<Sent>;
}

type Writable<Value> = { -readonly [Key in keyof Value]: Value[Key] };

export class Handlers {
  readonly #inbox: Inbox;
  readonly #clock: Clock;
  readonly #host: HandlersHost;
  #handlers: readonly MessageHandler[] = []; // replaced when it changes: a message keeps those that it began with
  #isClosed = false;

  constructor(inbox: Inbox, clock: Clock, host: HandlersHost) {
    this.#inbox = inbox;
    this.#clock = clock;
    this.#host = host;
  }

  /** Returns the end of the registration. The inbox is handed out for as long as there is anybody. */
  add(handler: MessageHandler): () => void {
    const entry: MessageHandler = (message) => handler(message); // the same function may be registered twice
    this.#handlers = [...this.#handlers, entry];
    // At the end of the turn: handlers registered together are all there before the first message.
    if (this.#handlers.length === 1) this.#clock.soon(() => this.#open());
    return () => {
      if (!this.#handlers.includes(entry)) return;
      this.#handlers = this.#handlers.filter((one) => one !== entry);
      if (this.#handlers.length === 0) this.#inbox.pause();
    };
  }

  /** Lets what runs finish, for at most `ms`; nothing more is handed out. */
  async close(ms: number): Promise<void> {
    this.#isClosed = true;
    this.#inbox.pause();
    await this.#inbox.idle(ms);
    this.#inbox.close();
  }

  #open(): void {
    if (this.#handlers.length > 0 && !this.#isClosed) this.#inbox.open((delivery) => this.#handle(delivery));
  }

  /** Stays synchronous as long as the handlers do: what ends within the turn is committed with it. */
  #handle(delivery: Delivery): Promise<void> | void {
    const message = this.#toIncoming(delivery);
    const handlers = this.#handlers;
    for (let index = 0; index < handlers.length; index++) {
      const result = handlers[index]?.(message);
      if (result instanceof Promise) return handleRest(result, handlers.slice(index + 1), message);
    }
  }

  #toIncoming({ message, attempt, signal }: Delivery): IncomingMessage {
    const from = this.#host.infoOf(message);
    const { id, at, hops, text, room, re, data } = message;
    const reply: IncomingMessage["reply"] = (answer, more) =>
      this.#host.reply(from.id, answer, { ...more, re: id, ...(room !== null && { room }) }, hops + 1);
    const incoming: Writable<IncomingMessage> = { id, from, text, at, hops, attempt, signal, reply };
    if (room !== null) incoming.room = room;
    if (re !== null) incoming.re = re;
    if (data !== null) incoming.data = decodeData(data);
    return incoming;
  }
}

async function handleRest(first: Promise<unknown>, rest: MessageHandler[], message: IncomingMessage): Promise<void> {
  await first;
  for (const handler of rest) await handler(message);
}

/** Outgoing: what a plugin says goes through its own layers before it is sent; the mirror of what comes in. */
import { AsyncLocalStorage } from "node:async_hooks";
import type { Sent } from "../peer/message.ts";
import { type ChangingLayer, runChangingOnion } from "./onion.ts";

export interface OutgoingMessage {
  /** As the caller gave it: a name, a peer id or `host:port`. Of an answer it is the id of who is answered. */
  readonly to: string;
  readonly text: string;
  readonly room?: string;
  /** The id of the message that this one answers. */
  readonly re?: string;
}

/** Calls `next` with the message, the same or another; who does not call it has stopped the message. */
export type OutgoingListener = ChangingLayer<OutgoingMessage, Sent | undefined>;

export class Outgoing {
  readonly #layers = new Set<OutgoingListener>();
  readonly #inLayer = new AsyncLocalStorage<true>();

  /** Returns the end of the registration. The first registered is outermost. */
  add(listener: OutgoingListener): () => void {
    const layer: OutgoingListener = (message, next) => listener(message, next); // the same function may be there twice
    this.#layers.add(layer);
    return () => void this.#layers.delete(layer);
  }

  /** Resolves with what `send` gave; with undefined when a layer stopped the message. Throws what a layer throws. */
  async send(
    message: OutgoingMessage,
    send: (message: OutgoingMessage) => Promise<Sent | undefined>,
  ): Promise<Sent | undefined> {
    // What a layer itself sends goes straight out: through the layers it would come back to the same layer for ever.
    if (this.#layers.size === 0 || this.#inLayer.getStore()) return await send(message);
    return await this.#inLayer.run(true, () => runChangingOnion([...this.#layers], message, send));
  }
}

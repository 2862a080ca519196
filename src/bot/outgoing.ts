/** Outgoing: what a plugin says goes through its own layers before it is sent; the mirror of what comes in. */
import { AsyncLocalStorage } from "node:async_hooks";
import { WarrenError } from "../base/errors.ts";
import type { IncomingMessage, ReplyText, SendOptions, Sent } from "../peer/message.ts";
import type { Peer } from "../peer/peer.ts";
import { abandonPieces, joinPieces, overhearPieces } from "../peer/pieces.ts";
import type { MessageData } from "../wire/data.ts";
import type { Cause, Loops } from "./loops.ts";
import { type ChangingLayer, runChangingOnion } from "./onion.ts";
import { note, noteAnswer, tracedOutgoing } from "./trace.ts";

const HELD_BACK = "its answer was held back";

export interface OutgoingMessage {
  /** As the caller gave it: a name, a peer id or `host:port`. Of an answer it is the id of who is answered. */
  readonly to: string;
  readonly text: string;
  readonly room?: string;
  /** The id of the message that this one answers. */
  readonly re?: string;
  /** For programs, such as a call. It goes along with what a layer makes of the message. */
  readonly data?: MessageData;
}

type Given = { to: string; text: string } & SendOptions;
type MaybePlace = { readonly [Key in keyof SendOptions]?: SendOptions[Key] | undefined };

/** Calls `next` with the message, the same or another; who does not call it has stopped the message. */
export type OutgoingListener = ChangingLayer<OutgoingMessage, Sent | undefined>;

export class Outgoing {
  readonly #peer: Pick<Peer, "send">;
  readonly #loops: Loops;
  readonly #layers = new Set<OutgoingListener>();
  readonly #inLayer = new AsyncLocalStorage<boolean>();

  constructor(peer: Pick<Peer, "send">, loops: Loops) {
    this.#peer = peer;
    this.#loops = loops;
  }

  /** Returns the end of the registration. The first registered is outermost. */
  add(listener: OutgoingListener): () => void {
    const layer: OutgoingListener = (message, next) => listener(message, next); // the same function may be there twice
    this.#layers.add(layer);
    return () => void this.#layers.delete(layer);
  }

  /**
   * Sends because of `cause`, if of anything. Resolves with undefined when a layer stopped the message, or when bots would
   * talk for ever. Throws what a layer throws, and what the peer does.
   */
  send(cause: Cause | undefined, to: string, text: string, options: SendOptions = {}): Promise<Sent | undefined> {
    const { data } = options;
    if (typeof text !== "string") return Promise.reject(noText("send", text));
    return this.#pass(placed<Given>({ to, text }, options), (last) =>
      this.#deliver(cause, data === undefined ? last : { data, ...last }),
    );
  }

  /** Answers `incoming` where it was said. Resolves like `send`. */
  reply(incoming: IncomingMessage, text: ReplyText): Promise<Sent | undefined> {
    if (typeof text === "string") return this.#reply(incoming, text);
    if (!arePieces(text)) return Promise.reject(noText("reply", text));
    // Nobody may see what a layer has not seen, and would perhaps have taken out.
    return this.#isLayered
      ? joinPieces(text).then((whole) => this.#reply(incoming, whole))
      : this.#replyAsItGrows(incoming, text);
  }

  #reply(incoming: IncomingMessage, text: string): Promise<Sent | undefined> {
    const given = placed<Given>({ to: incoming.from.id, text }, { room: incoming.room, re: incoming.id });
    return this.#pass(given, (last) => {
      const isForAnother = last.to !== given.to || last.room !== given.room || last.re !== given.re;
      return this.#deliver(incoming, last, isForAnother ? undefined : () => incoming.reply(last.text));
    });
  }

  async #replyAsItGrows(incoming: IncomingMessage, pieces: AsyncIterable<string>): Promise<Sent | undefined> {
    if (!this.#admits(incoming, incoming.from.id, "an answer in pieces")) {
      await abandonPieces(pieces);
      return undefined;
    }
    let text = "";
    const sent = await incoming.reply(overhearPieces(pieces, (piece) => (text += piece)));
    noteAnswer(sent, text || "…"); // what an earlier run has said does not come again
    return sent;
  }

  /** Answers a call. No handler sees it over there, so no bots can talk for ever by it. */
  async answer(incoming: IncomingMessage, text: string, data: MessageData): Promise<void> {
    const given = { to: incoming.from.id, text, re: incoming.id, data };
    const sent = await this.#pass(given, async (last) => {
      const answer = await incoming.reply(last.text, { data: last.data ?? data });
      noteAnswer(answer, last.text);
      return answer;
    });
    // The caller is told at least that there is nothing to wait for.
    if (!sent) await incoming.reply(HELD_BACK, { data: { error: { code: "COMMAND_FAILED", message: HELD_BACK } } });
  }

  /** Runs what no layer has called, though a layer's doing may have set it off: a message that comes, news of a peer. */
  outside<Result>(run: () => Result): Result {
    return this.#inLayer.run(false, run);
  }

  /** What a layer itself sends goes straight out: through the layers it would come back to the same layer for ever. */
  get #isLayered(): boolean {
    return this.#layers.size > 0 && this.#inLayer.getStore() !== true;
  }

  /** Not asynchronous, as the rest of the way of a plain answer: each function that is costs every answer a promise. */
  #pass(
    message: OutgoingMessage,
    core: (message: OutgoingMessage) => Promise<Sent | undefined>,
  ): Promise<Sent | undefined> {
    return this.#isLayered ? this.#passLayers(message, core) : core(message);
  }

  async #passLayers(
    message: OutgoingMessage,
    core: (message: OutgoingMessage) => Promise<Sent | undefined>,
  ): Promise<Sent | undefined> {
    const send = (last: OutgoingMessage): Promise<Sent | undefined> => this.outside(() => core(last));
    return await this.#inLayer.run(true, () => runChangingOnion(tracedOutgoing([...this.#layers]), message, send));
  }

  #deliver(
    cause: Cause | undefined,
    message: OutgoingMessage,
    send = () => this.#peer.send(message.to, message.text, placed<SendOptions>({}, message)),
  ): Promise<Sent | undefined> {
    if (!this.#admits(cause, message.to, `"${message.text}"`)) return Promise.resolve(undefined);
    return send().then((sent) => {
      noteAnswer(sent, message.text);
      return sent;
    });
  }

  /** Whether it is said, or would keep bots talking for ever. */
  #admits(cause: Cause | undefined, to: string, what: string): boolean {
    const isAdmitted = this.#loops.admits(cause, to);
    if (!isAdmitted) note(`not said, so that bots do not talk for ever: ${what}`);
    return isAdmitted;
  }
}

/** Plugins run without a look at their types. */
function arePieces(value: unknown): boolean {
  return typeof value === "object" && value !== null && Symbol.asyncIterator in value;
}

function noText(by: string, given: unknown): WarrenError {
  const what = given === null || given === undefined ? String(given) : `a value of type ${typeof given}`;
  return new WarrenError("USAGE", `${by} was given ${what}: a text was expected; String(value) makes one`);
}

/** Adds what there is of it. Not by spreading, which would be the dearest step of an answer's way. */
function placed<Place extends SendOptions>(target: Place, { room, re, data }: MaybePlace): Place {
  if (room !== undefined) target.room = room;
  if (re !== undefined) target.re = re;
  if (data !== undefined) target.data = data;
  return target;
}

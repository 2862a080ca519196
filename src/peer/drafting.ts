/** Drafting: a text that is read by others while it is written. When it is whole, it is a message like any other. */
import type { PeerId } from "../base/ids.ts";
import type { Clock, Timer } from "../base/world.ts";
import type { Draft } from "../wire/frames.ts";
import type { Connection } from "./connection.ts";
import { MAX_DRAFTS } from "./drafts.ts";
import { joinPieces } from "./pieces.ts";

/** From one frame of a draft to the next, at least; in ms. */
export const DRAFT_EVERY_MS = 100;
/** Longest piece in one frame, in UTF-16 units: its line stays below MAX_FRAME_BYTES, whatever is in it. */
export const MAX_DRAFT_PIECE = 16_384;

type Head = Omit<Draft, "t" | "at" | "text">;

type Line = Pick<Connection, "send">;
/** See `Session`. */
type Reader = { readonly connection: Line | undefined; readonly freeConnection: Line | undefined };

export interface DraftingHost {
  readonly clock: Clock;
  sessionWith(peer: PeerId): Reader | undefined;
}

export class Drafting {
  readonly #host: DraftingHost;
  readonly #open = new Map<PeerId, number>(); // texts that are being written, by reader; no zeros

  constructor(host: DraftingHost) {
    this.#host = host;
  }

  /** Dispose of the result: what was not kept by then is taken back. */
  begin(reader: PeerId, head: Head): Writing {
    const open = this.#open.get(reader) ?? 0;
    this.#open.set(reader, open + 1);
    // More than its reader shows would cost it frames for nothing, and together they could be too many.
    const session = (): Reader | undefined => (open < MAX_DRAFTS ? this.#host.sessionWith(reader) : undefined);
    return new Writing(head, this.#host.clock, session, () => this.#ended(reader));
  }

  #ended(reader: PeerId): void {
    const open = (this.#open.get(reader) ?? 1) - 1;
    if (open > 0) this.#open.set(reader, open);
    else this.#open.delete(reader);
  }
}

/** One text. What cannot be said at once, because its reader is away or slow, waits here and is said together. */
class Writing implements Disposable {
  readonly #head: Head;
  readonly #clock: Clock;
  readonly #session: () => Reader | undefined;
  readonly #end: () => void;
  #text = "";
  #said = 0; // so much of #text
  #saidOn: Line | undefined;
  #pause: Timer | undefined;
  #isKept = false;

  constructor(head: Head, clock: Clock, session: () => Reader | undefined, end: () => void) {
    this.#head = head;
    this.#clock = clock;
    this.#session = session;
    this.#end = end;
  }

  /** Reads all of the text. `check` throws when nobody needs it any more. @throws what `check` and `joinPieces` throw */
  async read(pieces: AsyncIterable<string>, check: () => void): Promise<string> {
    const whole = await joinPieces(pieces, (text) => {
      check();
      this.#text = text;
      this.#sayLater();
    });
    this.#stop();
    return whole;
  }

  /** It has become a message, which takes its place over there. */
  keep(): void {
    this.#isKept = true;
  }

  [Symbol.dispose](): void {
    this.#stop();
    this.#end();
    if (this.#isKept || this.#said === 0) return;
    const connection = this.#session()?.connection;
    if (connection === this.#saidOn) connection?.send({ t: "draft", ...this.#head, at: 0, text: "" });
  }

  /** Never at once: what is whole by then needs no draft, and many short texts together stay within what a peer may send. */
  #sayLater(): void {
    this.#pause ??= this.#clock.after(DRAFT_EVERY_MS, () => this.#say());
  }

  #say(): void {
    this.#pause = undefined;
    const connection = this.#session()?.freeConnection;
    if (connection) {
      if (connection !== this.#saidOn) this.#said = 0; // there, nothing of it is known
      this.#saidOn = connection;
      const text = this.#text.slice(this.#said, this.#said + MAX_DRAFT_PIECE);
      if (text !== "") connection.send({ t: "draft", ...this.#head, at: this.#said, text });
      this.#said += text.length;
    }
    if (this.#said < this.#text.length) this.#sayLater();
  }

  #stop(): void {
    this.#pause?.[Symbol.dispose]();
    this.#pause = undefined;
  }
}

/** Sender: from "say this to ann" to a row in the outbox, once, also for a handler that runs again. */
import { WarrenError } from "../base/errors.ts";
import type { PeerInfo } from "../base/ids.ts";
import type { World } from "../base/world.ts";
import type { NewMessage } from "../store/outgoing.ts";
import type { Store } from "../store/store.ts";
import { encodeData, MAX_DATA_BYTES, type MessageData } from "../wire/data.ts";
import { decodeFrame, encodeFrame, isToken, MAX_TEXT_BYTES } from "../wire/frames.ts";
import { MAX_FRAME_BYTES } from "../wire/lines.ts";
import { Drafting } from "./drafting.ts";
import { HandlerRun } from "./handler-run.ts";
import type { LivedTime } from "./lived-time.ts";
import { toFrame } from "./message-frame.ts";
import type { ReplyText, SendOptions, Sent } from "./message.ts";
import type { People } from "./people.ts";
import { abandonPieces } from "./pieces.ts";
import type { Reports } from "./reports.ts";
import type { SentMessages } from "./sent.ts";
import type { Sessions } from "./sessions.ts";

export interface SenderParts {
  readonly store: Store;
  readonly world: World;
  readonly people: People;
  readonly sessions: Sessions;
  readonly sent: SentMessages;
  readonly lived: LivedTime;
  nextPlace(): number;
  /** Called before anything is written. @throws {WarrenError} `CLOSED` */
  checkOpen(): void;
  /** @throws {WarrenError} `PEER_BLOCKED` */
  checkNotBlocked(to: PeerInfo): void;
  readonly reports: Reports;
}

/** So many UTF-16 units fit into a message and its line, whatever they are. */
const MAX_SURE_LENGTH = 16_384;

interface Effect {
  readonly run: HandlerRun | undefined;
  readonly name: string;
  readonly done: { readonly id: string; readonly to: PeerInfo } | undefined;
}

interface Outgoing {
  readonly id: string;
  readonly to: PeerInfo;
  readonly hops: number;
  readonly re: string | undefined;
  readonly room: string | undefined;
  readonly data: MessageData | undefined;
}

export class Sender {
  readonly #parts: SenderParts;
  readonly #drafting: Drafting;
  readonly #idPrefix: string; // of the messages of this run: no earlier or parallel run can have given the same id
  #count = 0;
  readonly #resolving = new Map<string, Promise<PeerInfo>>(); // by what was asked for

  constructor(parts: SenderParts) {
    this.#parts = parts;
    this.#drafting = new Drafting({
      clock: parts.world.clock,
      sessionWith: (peer) => parts.sessions.find(peer),
    });
    this.#idPrefix = parts.world.token(12);
  }

  /**
   * A text in pieces is shown to its reader as it grows, and sent when it is whole. `hops`: how many messages of bots have
   * led to this one, unless the handlers that we are in know better.
   *
   * @throws {WarrenError} see `Peer.send`; and what the pieces throw
   */
  send(to: string, text: ReplyText, options: SendOptions, hops: number): Promise<Sent> {
    try {
      const effect = this.#nextEffect(to);
      if (effect.done) return this.#repeat(effect.done, text);
      const found = this.resolve(to);
      if (found instanceof Promise) return found.then((info) => this.#say(effect, info, text, options, hops));
      return this.#say(effect, found, text, options, hops);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  async #repeat({ id, to }: { id: string; to: PeerInfo }, text: ReplyText): Promise<Sent> {
    if (typeof text !== "string") await abandonPieces(text);
    return this.#parts.sent.create(id, to);
  }

  #say(effect: Effect, to: PeerInfo, text: ReplyText, options: SendOptions, hops: number): Promise<Sent> {
    const { re, room, data } = options;
    if (typeof text !== "string") {
      // Ids of one run must grow in the order in which messages are kept, and this one will be kept who knows when.
      return this.#write(effect, { id: `${this.#parts.world.token(12)}.1`, to, hops, re, room, data }, text);
    }
    const id = `${this.#idPrefix}.${(++this.#count).toString(36)}`;
    return this.#keep(effect, { id, to, hops, re, room, data }, text);
  }

  async #write(effect: Effect, message: Outgoing, pieces: AsyncIterable<string>): Promise<Sent> {
    const { id, to, re, room } = message;
    const head = { id, ...(re !== undefined && { re }), ...(room !== undefined && { room }) };
    using draft = this.#drafting.begin(to.id, head);
    const text = await draft.read(pieces, () => {
      this.#parts.checkOpen();
      HandlerRun.current();
    });
    const sent = await this.#keep(effect, message, text);
    draft.keep();
    return sent;
  }

  /** Sending is an effect of the handlers that we are in, if we are in any; `done` is what it gave an earlier run of them. */
  #nextEffect(to: string): Effect {
    this.#parts.checkOpen();
    const run = HandlerRun.current();
    const name = run?.nameNext(`send:${to}`) ?? "";
    return { run, name, done: run?.recall(name)?.result as Effect["done"] };
  }

  /** Not asynchronous, as the rest of the way of a plain text: each function that is costs every message a promise. */
  #keep({ run, name }: Effect, { id, to, hops, re, room, data }: Outgoing, text: string): Promise<Sent> {
    const { store, world, sessions, sent, lived } = this.#parts;
    this.#parts.checkOpen();
    this.#parts.checkNotBlocked(to);
    // Time may have passed: if another run has taken the place of ours this throws, and if ours is over there is none any more.
    const current = HandlerRun.current();
    const message: NewMessage = {
      seq: 0,
      id,
      place: this.#parts.nextPlace(),
      at: world.clock.now(),
      born: lived.now(),
      hops: run ? run.hops + 1 : hops,
      room: room ?? null,
      re: re ?? null,
      text,
      data: data === undefined ? null : encodeData(data),
    };
    checkMessage(message);
    const session = sessions.open(to.id, to.name, to.kind);
    session.append(message);
    current?.record(name, { id, to: session.info });
    this.#tellQueued(session.info, id);
    const result = sent.create(id, session.info);
    return current ? Promise.resolve(result) : store.db.committed().then(() => result);
  }

  #tellQueued(to: PeerInfo, id: string): void {
    const { reports, store } = this.#parts;
    if (reports.areReceiptsWanted) store.db.afterCommit((error) => error || reports.queued(to, id));
  }

  /** Whoever asks for the same peer waits for the same answer, so that messages to it keep their order. */
  resolve(to: string): PeerInfo | Promise<PeerInfo> {
    const asked = this.#resolving.get(to);
    if (asked) return asked;
    const known = this.#parts.sessions.loaded(to);
    if (known) return known.info;
    const found = this.#parts.people.resolve(to);
    if (!(found instanceof Promise)) return found;
    const asking = found.finally(() => this.#resolving.delete(to));
    this.#resolving.set(to, asking);
    return asking;
  }
}

/** What the other side would refuse is refused here. @throws {WarrenError} `MESSAGE_EMPTY`, `MESSAGE_TOO_LARGE`, `FRAME_MALFORMED` */
function checkMessage(message: NewMessage): void {
  const { text, room, re, data } = message;
  if (text === "") throw new WarrenError("MESSAGE_EMPTY", "there is nothing to send: give a text");
  const isSure = room === null && (re === null || isToken(re)) && data === null && text.length < MAX_SURE_LENGTH;
  if (isSure) return; // nothing can be wrong with it
  const bytes = Buffer.byteLength(text);
  if (bytes > MAX_TEXT_BYTES) {
    const limit = `at most ${MAX_TEXT_BYTES} fit into a message`;
    throw new WarrenError("MESSAGE_TOO_LARGE", `the text has ${bytes} bytes; ${limit}`);
  }
  const frame = toFrame({ ...message, seq: 1 }); // whatever it will be
  decodeFrame(frame);
  // Control characters take six bytes each on the wire: a text full of them can pass the limit of a frame.
  const most = bytes * 6 + (data ? MAX_DATA_BYTES : 0) + 1_024;
  if (most > MAX_FRAME_BYTES && Buffer.byteLength(encodeFrame(frame)) + 1_024 > MAX_FRAME_BYTES) {
    throw new WarrenError("MESSAGE_TOO_LARGE", "the text has too many control characters to fit into a line");
  }
}

/** Reports: what a peer tells those who listen to it. Nothing is put together for an event that nobody listens to. */
import { WarrenError } from "../base/errors.ts";
import { Emitter, type Listener } from "../base/hooks.ts";
import type { PeerId, PeerInfo } from "../base/ids.ts";
import type { Log } from "../base/log.ts";
import type { Bye } from "../wire/frames.ts";
import type { MessageDraft, MessageState, Receipt } from "./message.ts";
import { toReceipt, type SentMessages, type SentRange } from "./sent.ts";

export interface PeerEvents {
  /** A message of ours reached another state. */
  receipt: [receipt: Receipt];
  /** A text that somebody writes to us has grown, or was given up. When it is sent, `message` comes with the same id. */
  draft: [draft: MessageDraft];
  /** The directory has accepted us, for the first time or again. */
  registered: [];
  "peer:online": [peer: PeerInfo];
  "peer:offline": [peer: PeerInfo];
  /** Something that a person should read; nothing has stopped. */
  notice: [error: WarrenError];
}

export class Reports {
  readonly #events: Emitter<PeerEvents>;
  readonly #sent: SentMessages;
  readonly #refusals = new Set<PeerId>(); // of whom it was told that they do not let us in
  #receiptListeners = 0;

  constructor(sent: SentMessages, log: Log) {
    this.#sent = sent;
    this.#events = new Emitter((error, event) => log.error(`a listener to "${event}" failed: ${String(error)}`));
  }

  /** Whether anybody wants to know what becomes of these messages. */
  areWatched(range: SentRange): boolean {
    return this.#receiptListeners > 0 || this.#sent.areWatched(range);
  }

  /** Whether anybody listens to what becomes of every message. */
  get areReceiptsWanted(): boolean {
    return this.#receiptListeners > 0;
  }

  get areDraftsWanted(): boolean {
    return this.#events.has("draft");
  }

  on<Event extends keyof PeerEvents>(event: Event, listener: Listener<PeerEvents[Event]>): () => void {
    const end = this.#events.on(event, listener);
    if (event !== "receipt") return end;
    this.#receiptListeners++;
    return () => {
      this.#receiptListeners--;
      end();
    };
  }

  drafted(draft: MessageDraft): void {
    this.#events.emit("draft", draft);
  }

  registered(): void {
    this.#events.emit("registered");
  }

  online(peer: PeerInfo): void {
    this.#events.emit("peer:online", peer);
  }

  offline(peer: PeerInfo): void {
    this.#events.emit("peer:offline", peer);
  }

  /** `ids` gives those of the range; they are looked up only where somebody listens. */
  reached(to: PeerInfo, range: SentRange, state: MessageState, reason: string | null, ids: () => string[]): void {
    this.#sent.reached(range, state, reason);
    if (this.areReceiptsWanted) for (const id of ids()) this.#events.emit("receipt", toReceipt(id, to, state, reason));
  }

  queued(to: PeerInfo, id: string): void {
    this.#events.emit("receipt", toReceipt(id, to, "queued", null));
  }

  lost({ name }: PeerInfo, count: number): void {
    const messages = count === 1 ? "1 message" : `${count} messages`;
    const text = `${messages} of ${name} are lost: they were here once, and ${name} no longer holds them`;
    this.notice(new WarrenError("MESSAGES_LOST", text));
  }

  /** A peer does not let us in: said once, however often we try. */
  refused({ id, name }: PeerInfo, { code, message }: Bye): void {
    if (this.#refusals.has(id)) return;
    this.#refusals.add(id);
    this.notice(new WarrenError("PEER_REFUSED", `${name} does not let you in (${code}): ${message}`));
  }

  notice(error: WarrenError): void {
    this.#events.emit("notice", error);
  }
}

/** Drafts: what others are still writing to us, as far as it has come. Shown, never kept; see docs/protocol.md, "Drafts". */
import type { PeerId, PeerInfo } from "../base/ids.ts";
import { RateLimit } from "../base/rate.ts";
import type { Clock } from "../base/world.ts";
import { type Draft, MAX_TEXT_BYTES } from "../wire/frames.ts";
import type { MessageDraft } from "./message.ts";

/** Drafts of one peer at a time; each up to MAX_TEXT_BYTES UTF-16 units. */
export const MAX_DRAFTS = 4;
/** Drafts of all peers together: at most 8 MiB. */
export const MAX_DRAFTS_IN_ALL = 64;
/** Drafts that one peer may begin at once, and how many more each second: those that come and go again are a nuisance. */
export const MAX_DRAFTS_BURST = 20;
export const MAX_DRAFTS_PER_S = 1;
/** A draft that has not grown for so long is forgotten; looked at once a minute. */
export const DRAFT_SILENCE_MS = 60_000;

export interface DraftsListener {
  readonly areDraftsWanted: boolean;
  drafted(draft: MessageDraft): void;
}

interface Author {
  readonly info: PeerInfo;
  /** False for a stranger: one to whom we have never written. */
  readonly isKnown: boolean;
}

interface Kept {
  readonly draft: MessageDraft;
  readonly heardAt: number; // steady ms
}

export class Drafts {
  readonly #clock: Clock;
  readonly #listener: DraftsListener;
  readonly #beginnings: RateLimit; // by author
  readonly #byAuthor = new Map<PeerId, Map<string, Kept>>(); // and by id; none is empty
  #count = 0;

  constructor(clock: Clock, listener: DraftsListener) {
    this.#clock = clock;
    this.#listener = listener;
    this.#beginnings = new RateLimit(clock, { burst: MAX_DRAFTS_BURST, perSecond: MAX_DRAFTS_PER_S });
  }

  /** A piece of a draft came. What is too much, or has no place, is as if it had not come: the message itself brings it all. */
  take({ info, isKnown }: Author, { id, at, text, room, re }: Draft): void {
    // Strangers are read when they have said something whole: nobody has asked them anything that they could be answering.
    if (!this.#listener.areDraftsWanted || !isKnown) return;
    if (text === "") return at === 0 ? this.#giveUp(info.id, id) : undefined;
    const before = this.#byAuthor.get(info.id)?.get(id)?.draft.text ?? "";
    if (at !== before.length || at + text.length > MAX_TEXT_BYTES) return; // something is missing in between, or it is endless
    if (at === 0 && !this.#mayBegin(info.id)) return;
    const whole = before + text;
    const draft = { id, from: info, text: whole, ...(room !== undefined && { room }), ...(re !== undefined && { re }) };
    this.#keep(info.id, draft);
    this.#listener.drafted(draft);
  }

  /** It has become a message. */
  sent(author: PeerId, id: string): void {
    this.#drop(author, id);
  }

  /** There is another connection with its author, or none any more: what it still writes begins again. */
  forget(author: PeerId): void {
    for (const id of this.#byAuthor.get(author)?.keys() ?? []) this.#giveUp(author, id);
  }

  forgetSilent(): void {
    const since = this.#clock.steady() - DRAFT_SILENCE_MS;
    for (const [author, drafts] of this.#byAuthor) {
      for (const [id, { heardAt }] of drafts) if (heardAt <= since) this.#giveUp(author, id);
    }
  }

  #mayBegin(author: PeerId): boolean {
    if (this.#count >= MAX_DRAFTS_IN_ALL || (this.#byAuthor.get(author)?.size ?? 0) >= MAX_DRAFTS) return false;
    return this.#beginnings.take(author) === 0;
  }

  #keep(author: PeerId, draft: MessageDraft): void {
    const drafts = this.#byAuthor.get(author) ?? new Map<string, Kept>();
    if (!drafts.has(draft.id)) this.#count++;
    this.#byAuthor.set(author, drafts.set(draft.id, { draft, heardAt: this.#clock.steady() }));
  }

  #drop(author: PeerId, id: string): MessageDraft | undefined {
    const drafts = this.#byAuthor.get(author);
    const kept = drafts?.get(id);
    if (!drafts || !kept) return undefined;
    this.#count--;
    drafts.delete(id);
    if (drafts.size === 0) this.#byAuthor.delete(author);
    return kept.draft;
  }

  #giveUp(author: PeerId, id: string): void {
    const draft = this.#drop(author, id);
    if (draft) this.#listener.drafted({ ...draft, text: "" });
  }
}

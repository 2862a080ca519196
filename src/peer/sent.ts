/** Sent messages: what became of each, for those who ask. Nothing is kept for a message that nobody asks about. */
import { WarrenError } from "../base/errors.ts";
import type { PeerInfo } from "../base/ids.ts";
import type { MessageState, Receipt, Sent } from "./message.ts";

const DELIVERED: readonly MessageState[] = ["delivered", "handled", "failed", "expired"];
const SETTLED: readonly MessageState[] = ["handled", "failed", "expired"];

interface Place {
  readonly peer: number;
  readonly epoch: number;
  readonly seq: number;
}

interface Waiting {
  readonly id: string;
  readonly to: PeerInfo;
  readonly until: readonly MessageState[];
  readonly resolve: (receipt: Receipt) => void;
  readonly reject: (error: Error) => void;
}

/** Messages with neighbouring numbers of one session. */
export interface SentRange {
  readonly peer: number;
  readonly epoch: number;
  readonly first: number;
  readonly last: number;
}

/** How far a message has come, and where it is, as the store knows it. */
export interface Fate {
  readonly state: MessageState;
  readonly reason: string | null;
  /** Undefined: it is nowhere yet, or no longer. */
  readonly where?: Place | undefined;
}

/** Those who wait for the same message. */
interface Watched {
  readonly where: Place | undefined;
  waiting: Waiting[];
}

export class SentMessages {
  readonly #lookUp: (id: string, to: PeerInfo) => Fate;
  readonly #watched = new Map<string, Watched>(); // by session, epoch and number

  constructor(lookUp: (id: string, to: PeerInfo) => Fate) {
    this.#lookUp = lookUp;
  }

  create(id: string, to: PeerInfo): Sent {
    return new SentMessage(id, to, this);
  }

  /** Whether anybody waits for one of them. */
  areWatched(range: SentRange): boolean {
    return !this.#watchedIn(range).next().done;
  }

  reached(range: SentRange, state: MessageState, reason: string | null): void {
    for (const [key, watched] of this.#watchedIn(range)) {
      const { waiting } = watched;
      watched.waiting = waiting.filter(({ until }) => !until.includes(state));
      if (watched.waiting.length === 0) this.#watched.delete(key);
      for (const { id, to, until, resolve } of waiting) {
        if (until.includes(state)) resolve(toReceipt(id, to, state, reason));
      }
    }
  }

  /** Messages of a session have moved to other numbers. */
  moved(peer: number): void {
    const moved = [...this.#watched].filter(([, { where }]) => where?.peer === peer);
    for (const [key] of moved) this.#watched.delete(key);
    for (const [, { waiting }] of moved) for (const one of waiting) this.#wait(one);
  }

  close(): void {
    const error = new WarrenError(
      "CLOSED",
      "the peer was closed before it was known; the message is kept and goes on next time",
    );
    for (const { waiting } of this.#watched.values()) for (const { reject } of waiting) reject(error);
    this.#watched.clear();
  }

  delivered(id: string, to: PeerInfo): Promise<Receipt> {
    return new Promise((resolve, reject) => this.#wait({ id, to, until: DELIVERED, resolve, reject }));
  }

  settled(id: string, to: PeerInfo): Promise<Receipt> {
    return new Promise((resolve, reject) => this.#wait({ id, to, until: SETTLED, resolve, reject }));
  }

  #wait(waiting: Waiting): void {
    const { id, to, until, resolve } = waiting;
    const { state, reason, where } = this.#lookUp(id, to);
    if (until.includes(state)) return resolve(toReceipt(id, to, state, reason));
    const key = where ? keyOf(where) : id;
    const watched = this.#watched.get(key);
    if (watched) watched.waiting.push(waiting);
    else this.#watched.set(key, { where, waiting: [waiting] });
  }

  /** Those of a range, by the shorter way: few are waited for, or few have come further. */
  *#watchedIn({ peer, epoch, first, last }: SentRange): Generator<[key: string, watched: Watched]> {
    if (this.#watched.size <= last - first) {
      for (const entry of this.#watched) if (isIn(entry[1].where, peer, epoch, first, last)) yield entry;
      return;
    }
    for (let seq = first; seq <= last; seq++) {
      const key = keyOf({ peer, epoch, seq });
      const watched = this.#watched.get(key);
      if (watched) yield [key, watched];
    }
  }
}

function keyOf({ peer, epoch, seq }: Place): string {
  return `${peer}/${epoch}/${seq}`;
}

function isIn(where: Place | undefined, peer: number, epoch: number, first: number, last: number): boolean {
  return where?.peer === peer && where.epoch === epoch && where.seq >= first && where.seq <= last;
}

/** Its promises are made when they are asked for: most programs ask about few of their messages. */
class SentMessage implements Sent {
  readonly id: string;
  readonly to: PeerInfo;
  readonly #messages: SentMessages;

  constructor(id: string, to: PeerInfo, messages: SentMessages) {
    this.id = id;
    this.to = to;
    this.#messages = messages;
  }

  get delivered(): Promise<Receipt> {
    return this.#messages.delivered(this.id, this.to);
  }

  get handled(): Promise<Receipt> {
    return this.#messages.settled(this.id, this.to);
  }
}

export function toReceipt(id: string, to: PeerInfo, state: MessageState, reason: string | null): Receipt {
  return { id, to, state, ...(reason !== null && { reason }) };
}

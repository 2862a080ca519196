/** Sent messages: what became of each, for those who ask. Nothing is kept for a message that nobody asks about. */
import { WarrenError } from "../base/errors.ts";
import type { PeerInfo } from "../base/ids.ts";
import type { MessageState, Receipt, Sent } from "./message.ts";

const DELIVERED: readonly MessageState[] = ["delivered", "handled", "failed", "expired"];
const SETTLED: readonly MessageState[] = ["handled", "failed", "expired"];

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
  readonly where?: { readonly peer: number; readonly epoch: number; readonly seq: number } | undefined;
}

export class SentMessages {
  readonly #lookUp: (id: string, to: PeerInfo) => Fate;
  readonly #waiting = new Map<string, Waiting[]>(); // by session, epoch and number

  constructor(lookUp: (id: string, to: PeerInfo) => Fate) {
    this.#lookUp = lookUp;
  }

  get isEmpty(): boolean {
    return this.#waiting.size === 0;
  }

  create(id: string, to: PeerInfo): Sent {
    return new SentMessage(id, to, this);
  }

  reached({ peer, epoch, first, last }: SentRange, state: MessageState, reason: string | null): void {
    for (let seq = first; seq <= last && this.#waiting.size > 0; seq++) {
      const key = `${peer}/${epoch}/${seq}`;
      const waiting = this.#waiting.get(key);
      if (!waiting) continue;
      const later = waiting.filter(({ until }) => !until.includes(state));
      if (later.length > 0) this.#waiting.set(key, later);
      else this.#waiting.delete(key);
      for (const { id, to, until, resolve } of waiting) {
        if (until.includes(state)) resolve(toReceipt(id, to, state, reason));
      }
    }
  }

  /** Messages of a session have moved to other numbers. */
  moved(peer: number): void {
    for (const [key, waiting] of this.#waiting) {
      if (!key.startsWith(`${peer}/`)) continue;
      this.#waiting.delete(key);
      for (const one of waiting) this.#wait(one);
    }
  }

  close(): void {
    const error = new WarrenError(
      "CLOSED",
      "the peer was closed before it was known; the message is kept and goes on next time",
    );
    for (const waiting of this.#waiting.values()) for (const { reject } of waiting) reject(error);
    this.#waiting.clear();
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
    const key = where ? `${where.peer}/${where.epoch}/${where.seq}` : id;
    const before = this.#waiting.get(key);
    if (before) before.push(waiting);
    else this.#waiting.set(key, [waiting]);
  }
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

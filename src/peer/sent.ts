/** Sent messages: what became of each, for those who ask. Nothing is kept for a message that nobody asks about. */
import { WarrenError } from "../base/errors.ts";
import type { PeerInfo } from "../base/ids.ts";
import type { MessageState, Receipt, Sent } from "./message.ts";

const DELIVERED: readonly MessageState[] = ["delivered", "handled", "failed", "expired"];
const SETTLED: readonly MessageState[] = ["handled", "failed", "expired"];

interface Waiting {
  readonly until: readonly MessageState[];
  readonly resolve: (receipt: Receipt) => void;
  readonly reject: (error: Error) => void;
}

/** How far a message has come, as the store knows it. */
type LookUp = (id: string, to: PeerInfo) => { state: MessageState; reason: string | null };

export class SentMessages {
  readonly #lookUp: LookUp;
  readonly #waiting = new Map<string, Waiting[]>();

  constructor(lookUp: LookUp) {
    this.#lookUp = lookUp;
  }

  get isEmpty(): boolean {
    return this.#waiting.size === 0;
  }

  create(id: string, to: PeerInfo): Sent {
    const when = (until: readonly MessageState[]): Promise<Receipt> => this.#when(id, to, until);
    return {
      id,
      to,
      get delivered() {
        return when(DELIVERED);
      },
      get handled() {
        return when(SETTLED);
      },
    };
  }

  reached(receipt: Receipt): void {
    const waiting = this.#waiting.get(receipt.id);
    if (!waiting) return;
    const later = waiting.filter(({ until }) => !until.includes(receipt.state));
    if (later.length > 0) this.#waiting.set(receipt.id, later);
    else this.#waiting.delete(receipt.id);
    for (const one of waiting) if (one.until.includes(receipt.state)) one.resolve(receipt);
  }

  close(): void {
    const error = new WarrenError(
      "CLOSED",
      "the peer was closed before it was known; the message is kept and goes on next time",
    );
    for (const waiting of this.#waiting.values()) for (const { reject } of waiting) reject(error);
    this.#waiting.clear();
  }

  #when(id: string, to: PeerInfo, until: readonly MessageState[]): Promise<Receipt> {
    return new Promise((resolve, reject) => {
      const { state, reason } = this.#lookUp(id, to);
      if (until.includes(state)) return resolve(toReceipt(id, to, state, reason));
      this.#waiting.set(id, [...(this.#waiting.get(id) ?? []), { until, resolve, reject }]);
    });
  }
}

export function toReceipt(id: string, to: PeerInfo, state: MessageState, reason: string | null): Receipt {
  return { id, to, state, ...(reason !== null && { reason }) };
}

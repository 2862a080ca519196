/** Messages, as the world above the wire sees them. */
import type { PeerId, PeerInfo } from "../base/ids.ts";
import type { MessageData } from "../wire/data.ts";

/**
 * How far a message of ours has come: on our disk; written to a connection; on the receiver's disk; its hooks done
 * (for a person: shown). Or given up: too old before it was ever written, or refused by the receiver's hooks.
 */
export const MESSAGE_STATES = ["queued", "sent", "delivered", "handled", "expired", "failed"] as const;
export type MessageState = (typeof MESSAGE_STATES)[number];

export interface Receipt {
  readonly id: string;
  readonly to: PeerInfo;
  readonly state: MessageState;
  /** Why it failed or expired. */
  readonly reason?: string;
}

/** A message that is on our disk. The promises reject with `CLOSED` when the peer closes first. */
export interface Sent {
  readonly id: string;
  readonly to: PeerInfo;
  /** The first of: delivered, expired. */
  readonly delivered: Promise<Receipt>;
  /** The last word: handled, failed or expired. */
  readonly handled: Promise<Receipt>;
}

export interface SendOptions {
  /** The id of the message that this one answers. */
  re?: string;
  /** The room it was said in; absent for a direct message. */
  room?: string;
  /** For programs; its receiver may know nothing of it, so the text says the same to people. */
  data?: MessageData;
}

/** What is answered: a text, or its pieces as they come to its author's mind. */
export type ReplyText = string | AsyncIterable<string>;

/** What somebody is still writing to us. It may come to nothing; nothing of it is kept. */
export interface MessageDraft {
  /** Of the message that it will become. */
  readonly id: string;
  readonly from: PeerInfo;
  /** All that has come of it; "" when it will not be sent after all. */
  readonly text: string;
  readonly room?: string;
  readonly re?: string;
}

export interface IncomingMessage {
  readonly id: string;
  readonly from: PeerInfo;
  readonly text: string;
  /** When its author sent it, by its author's clock, in epoch ms. */
  readonly at: number;
  readonly room?: string;
  readonly re?: string;
  /** What is for programs, such as a call or its result. */
  readonly data?: MessageData;
  /** How many messages of bots led to this one; 0 where a person began. */
  readonly hops: number;
  /** 1 the first time; more when a crash or an error interrupted its handlers before. */
  readonly attempt: number;
  /** Aborted when the peer closes. */
  readonly signal: AbortSignal;
  /**
   * Answers its author, in its room if it has one. A text that comes in pieces is seen to grow over there, and is sent as one
   * message when it has ended; rejects with what its pieces throw, and then nothing was sent.
   */
  reply(text: ReplyText, options?: Pick<SendOptions, "data">): Promise<Sent>;
}

export interface HistoryEntry {
  readonly id: string;
  readonly from: PeerInfo;
  readonly to: PeerInfo;
  readonly text: string;
  readonly at: number;
  /** Of an incoming message: delivered (waiting), handled or failed. */
  readonly state: MessageState;
  readonly reason?: string;
  readonly room?: string;
  readonly data?: MessageData;
}

export type MessageHandler = (message: IncomingMessage) => unknown;

/** A peer as listed by `users()`. */
export interface UserInfo extends PeerInfo {
  readonly online: boolean;
  readonly self: boolean;
  /** `host:port` of where it was last known to listen, best first. */
  readonly addresses: readonly string[];
  readonly id: PeerId;
}

/** Skeleton of the public face of a peer; the body is under construction. */
import type { Card } from "../base/card.ts";
import type { WarrenError } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import type { Address, PeerId, PeerInfo, PeerKind } from "../base/ids.ts";
import type { World } from "../base/world.ts";
import type { Directory, DirectoryEntry, DirectoryQuery } from "./directory.ts";
import type { HistoryEntry, MessageHandler, Receipt, SendOptions, Sent, UserInfo } from "./message.ts";

export interface PeerEvents {
  /** A message of ours reached another state. */
  receipt: [receipt: Receipt];
  "peer:online": [peer: PeerInfo];
  "peer:offline": [peer: PeerInfo];
  /** Something that a person should read; nothing has stopped. */
  notice: [error: WarrenError];
}

/** Durable key-value pairs of one owner, private to it, in the peer's own database. Values are JSON. */
export interface Table<Value> {
  get(key: string): Value | undefined;
  /** Changes are on disk when the promise resolves. Inside a handler they are effects of it: done once (see docs/bots.md). */
  set(key: string, value: Value): Promise<void>;
  update(key: string, change: (value: Value | undefined) => Value): Promise<Value>;
  delete(key: string): Promise<void>;
  /** In the order of the keys (by UTF-8 bytes); those that begin with `prefix`. */
  entries(prefix?: string): IterableIterator<[key: string, value: Value]>;
}

export declare class Peer implements AsyncDisposable {
  readonly id: PeerId;
  readonly name: string;
  readonly kind: PeerKind;
  readonly info: PeerInfo;
  readonly port: number;
  readonly addresses: readonly Address[];
  readonly world: World;
  readonly log: Log;
  readonly directory: Directory | undefined;
  /**
   * Resolves when the message is on disk (inside a handler: when it is sure to be committed together with it).
   * `to` is a name, a peer id or `host:port`.
   * @throws {WarrenError} PEER_UNKNOWN, PEER_IS_SELF, PEER_UNREACHABLE (host:port only), NAME_CHANGED, MESSAGE_TOO_LARGE, OUTBOX_FULL, STORE_FAILED, CLOSED
   */
  send(to: string, text: string, options?: SendOptions): Promise<Sent>;
  /** Who is meant by a name, an id or `host:port`. Throws like `send`. */
  resolve(to: string): Promise<PeerInfo>;
  /**
   * Takes incoming messages; several handlers run in the order of registration. The message is handled when the last one
   * is done. Without any handler messages wait in the inbox. Returns the end of the registration.
   */
  on(event: "message", handler: MessageHandler): () => void;
  on<Event extends keyof PeerEvents>(event: Event, listener: (...args: PeerEvents[Event]) => unknown): () => void;
  /** Runs `run` once for this message, whatever crashes; a handler that runs again is given the recorded result (JSON). */
  effect<Result>(name: string, run: () => Promise<Result> | Result): Promise<Result>;
  users(): Promise<UserInfo[]>;
  /** Who is in the directory; falls back to what is remembered when the registry does not answer. */
  find(query: DirectoryQuery): Promise<DirectoryEntry[]>;
  /** The newest `limit` messages exchanged with a peer, oldest first. */
  history(withWhom: string, options?: { limit?: number }): Promise<HistoryEntry[]>;
  /** Waits until every message is delivered, or for `ms`; true if none is left. */
  flush(ms: number): Promise<boolean>;
  table<Value>(name: string): Table<Value>;
  /** Publishes what this peer can do. */
  setCard(card: Card): void;
  /** Joins a directory (leaving the one before), or none. */
  setDirectory(directory: Directory | undefined): Promise<void>;
  /** Accepts on purpose that `name` now belongs to `id`. */
  pin(name: string, id: PeerId): Promise<void>;
  /** Says goodbye, finishes the handlers that run (for at most 5 s) and closes. */
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

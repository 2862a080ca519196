/** Peer: a process with a key of its own that others talk to directly. This is the face of it; its parts do the work. */
import type { Card } from "../base/card.ts";
import { WarrenError } from "../base/errors.ts";
import type { Listener } from "../base/hooks.ts";
import { type Address, type PeerId, type PeerInfo, type PeerKind } from "../base/ids.ts";
import type { Log } from "../base/log.ts";
import type { World } from "../base/world.ts";
import type { Store } from "../store/store.ts";
import type { Admission } from "./admission.ts";
import type { Calls } from "./calls.ts";
import type { DeadLetters } from "./dead-letters.ts";
import type { Directory, DirectoryEntry, DirectoryQuery } from "./directory.ts";
import { performOnce } from "./handler-run.ts";
import { readHistory } from "./history.ts";
import type { Listener as TransportListener, Transport } from "./link.ts";
import type { HistoryEntry, MessageHandler, SendOptions, Sent, UserInfo } from "./message.ts";
import type { Outbox } from "./outbox.ts";
import { createParts, type Ground, type Parts } from "./parts.ts";
import type { PeerEvents } from "./reports.ts";
import type { Retention } from "./retention.ts";
import type { Tasks } from "./tasks.ts";
import { openTable, type Table } from "./tables.ts";
import type { Traces } from "./traces.ts";

/** How long handlers that run may go on when the peer closes. */
const CLOSE_WITHIN_MS = 5_000;

export interface PeerOptions extends Ground {
  /** All interfaces are "::" or "0.0.0.0". */
  readonly host: string;
  /** 0 is any free port. */
  readonly port: number;
}

export class Peer implements AsyncDisposable {
  readonly info: PeerInfo;
  readonly world: World;
  readonly log: Log;
  /** Who is let in; what waits for others; what our own handlers could not handle; how much of what was said is kept. */
  readonly admission: Admission;
  readonly outbox: Outbox;
  readonly deadLetters: DeadLetters;
  readonly retention: Retention;
  /** Work of its own that goes on after a crash, and does nothing twice. */
  readonly tasks: Tasks;
  /** Commands of other peers; see `call` in src/bot/typed-call.ts for its face. */
  readonly calls: Calls;
  /** Why a message was answered, or was not. */
  readonly traces: Traces;
  readonly #store: Store;
  readonly #transport: Transport;
  readonly #host: string;
  readonly #parts: Parts;
  /** Copies the database, as it is committed now, to a file that is not there yet. */
  readonly snapshot = (file: string): void => this.#store.db.copyTo(file);
  #listener: TransportListener | undefined;
  #closing: Promise<void> | undefined;

  /** Opens the store's peer and begins to listen. @throws {WarrenError} `PORT_IN_USE`, `HOST_UNAVAILABLE` */
  static async open(options: PeerOptions): Promise<Peer> {
    const peer = new Peer(options);
    try {
      peer.#listener = await options.transport.listen({ host: options.host, port: options.port }, (link) =>
        peer.#parts.switchboard.accept(link),
      );
    } catch (error) {
      await peer.close();
      throw error;
    }
    for (const row of options.store.contacts.waitedFor()) peer.#parts.dialler.want(row.id);
    return peer;
  }

  private constructor(options: PeerOptions) {
    this.info = options.info;
    this.world = options.world;
    this.log = options.log;
    this.#store = options.store;
    this.#transport = options.transport;
    this.#host = options.host;
    this.#parts = createParts(options, {
      port: () => this.port,
      addresses: () => this.addresses,
      checkOpen: () => {
        if (this.#closing) throw new WarrenError("CLOSED", "the peer is closed");
      },
    });
    const { admission, outbox, deadLetters, retention, tasks, calls, traces } = this.#parts;
    this.admission = admission;
    this.outbox = outbox;
    this.deadLetters = deadLetters;
    this.retention = retention;
    this.tasks = tasks;
    this.calls = calls;
    this.traces = traces;
  }

  get id(): PeerId {
    return this.info.id;
  }

  get name(): string {
    return this.info.name;
  }

  get kind(): PeerKind {
    return this.info.kind;
  }

  get port(): number {
    return this.#listener?.port ?? 0;
  }

  /** Where others can reach this peer. */
  get addresses(): readonly Address[] {
    return this.#transport.addresses(this.#host, this.port);
  }

  get directory(): Directory | undefined {
    return this.#parts.membership.directory;
  }

  /**
   * Resolves when the message is on disk; inside a handler, when it is sure to be committed together with it.
   * `to` is a name, a peer id or `host:port`.
   *
   * @throws {WarrenError} `PEER_UNKNOWN`, `PEER_IS_SELF`, `PEER_BLOCKED`, `NAME_CHANGED`, `PEER_UNREACHABLE` (`host:port` only),
   *   `MESSAGE_EMPTY`, `MESSAGE_TOO_LARGE`, `OUTBOX_FULL`, `STORE_FAILED`, `CLOSED`
   */
  send(to: string, text: string, options: SendOptions = {}): Promise<Sent> {
    return this.#parts.sender.send(to, text, options, 0);
  }

  /** Who is meant by a name, an id or `host:port`. @throws {WarrenError} like `send` */
  async resolve(to: string): Promise<PeerInfo> {
    return await this.#parts.resolve(to);
  }

  /**
   * `message`: takes incoming messages. Several handlers run in the order of registration, and the message is handled when
   * the last one is done; without any handler messages wait in the inbox. The rest are notifications (`PeerEvents`).
   * Returns the end of the registration.
   */
  on(event: "message", handler: MessageHandler): () => void;
  on<Event extends keyof PeerEvents>(event: Event, listener: Listener<PeerEvents[Event]>): () => void;
  on<Event extends keyof PeerEvents>(
    ...[event, listener]: ["message", MessageHandler] | [Event, Listener<PeerEvents[Event]>]
  ): () => void {
    if (event === "message") return this.#parts.handlers.add(listener as MessageHandler);
    return this.#parts.reports.on(event, listener as Listener<PeerEvents[Event]>);
  }

  /**
   * Does something to the world outside once for the message that is being handled: a run after a crash is given the
   * recorded result. Outside of handlers it just runs. The result must be JSON.
   */
  async effect<Result>(name: string, run: () => Promise<Result> | Result): Promise<Result> {
    return await performOnce(this.#store.db, name, run);
  }

  users(): Promise<UserInfo[]> {
    return this.#parts.people.users();
  }

  /** Who is in the directory; when the registry does not answer, who was. */
  find(query: DirectoryQuery): Promise<DirectoryEntry[]> {
    return this.#parts.people.find(query);
  }

  /** The newest `limit` messages exchanged with a peer, oldest first. */
  async history(withWhom: string, { limit = 50 }: { limit?: number } = {}): Promise<HistoryEntry[]> {
    const info = await this.resolve(withWhom);
    const session = this.#parts.sessions.find(info.id);
    return session ? readHistory(this.#store, session, this.info, limit) : [];
  }

  /** Waits until every message is delivered, or for `ms`; true if none is left. */
  flush(ms: number): Promise<boolean> {
    return this.outbox.flush(ms);
  }

  /** A durable key-value store of this peer. */
  table<Value>(name: string): Table<Value> {
    return openTable<Value>(this.#store, name);
  }

  /** Publishes what this peer can do. */
  setCard(card: Card): void {
    this.#parts.membership.setCard(card);
  }

  /** Joins a directory, leaving the one before; or none. */
  async setDirectory(directory: Directory | undefined): Promise<void> {
    await this.#parts.membership.join(directory);
  }

  /** Accepts on purpose that `name` belongs to `id`. @throws {WarrenError} `BAD_NAME` */
  async pin(name: string, id: PeerId): Promise<void> {
    this.#parts.people.pin(name, id);
    await this.#store.db.committed();
  }

  /** From now on nothing of a peer is taken or handled, and nothing is sent to it. @throws {WarrenError} like `resolve` */
  async block(who: string): Promise<PeerInfo> {
    return await this.admission.setBlocked(who, true);
  }

  /** What of it has waited is handled and sent now. @throws {WarrenError} like `resolve` */
  async unblock(who: string): Promise<PeerInfo> {
    return await this.admission.setBlocked(who, false);
  }

  /** Says goodbye (unless it comes back at once), lets the handlers that run finish (for at most 5 s) and closes. */
  close({ isComingBack = false } = {}): Promise<void> {
    return (this.#closing ??= this.#close(isComingBack));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(isComingBack: boolean): Promise<void> {
    const left = isComingBack ? this.#parts.membership.hangUp() : this.setDirectory(undefined);
    await left.catch((error: unknown) => this.log.debug(`no goodbye: ${String(error)}`));
    this.#parts.upkeep[Symbol.dispose]();
    this.retention[Symbol.dispose]();
    this.#parts.demand.close();
    this.#parts.dialler.close();
    await this.#parts.handlers.close(CLOSE_WITHIN_MS);
    this.tasks.close();
    this.calls.close();
    await this.#listener?.[Symbol.asyncDispose]();
    this.#parts.lived.save();
    this.traces[Symbol.dispose]();
    this.#store.settings.set("running", "no");
    await this.#store.db.committed().catch((error: unknown) => this.log.error(String(error)));
    this.#parts.switchboard.close();
    this.#parts.sent.close();
    this.outbox.close();
    await new Promise<void>((resolve) => this.world.clock.soon(resolve)); // the goodbyes are written
    this.#store[Symbol.dispose]();
  }
}

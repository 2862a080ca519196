/** Peer: a process with a key of its own that others talk to directly. Here its parts are joined into the face of it. */
import type { Card } from "../base/card.ts";
import { isWarrenError, WarrenError } from "../base/errors.ts";
import { Emitter, type Listener } from "../base/hooks.ts";
import type { Address, PeerId, PeerInfo, PeerKind } from "../base/ids.ts";
import type { Log } from "../base/log.ts";
import type { Timer, World } from "../base/world.ts";
import type { Store } from "../store/store.ts";
import { decodeFrame, encodeFrame, MAX_TEXT_BYTES } from "../wire/frames.ts";
import { MAX_FRAME_BYTES } from "../wire/lines.ts";
import type { Connection } from "./connection.ts";
import { Dialler } from "./dialler.ts";
import type { Directory, DirectoryEntry, DirectoryQuery } from "./directory.ts";
import { HandlerRun } from "./handler-run.ts";
import { readHistory } from "./history.ts";
import { Inbox, type Delivery } from "./inbox.ts";
import type { Listener as TransportListener, Transport } from "./link.ts";
import type { HistoryEntry, IncomingMessage, MessageHandler, Receipt, SendOptions, Sent, UserInfo } from "./message.ts";
import { People } from "./people.ts";
import { SentMessages, toReceipt } from "./sent.ts";
import type { Session } from "./session.ts";
import { Sessions } from "./sessions.ts";
import { Switchboard } from "./switchboard.ts";
import { openTable, type Table } from "./tables.ts";
import { toFrame } from "./outflow.ts";
import type { OutgoingRow } from "../store/outgoing.ts";

/** How long handlers that run may go on when the peer closes. */
const CLOSE_WITHIN_MS = 5_000;
/** How long a peer that another process has replaced leaves the others alone. */
export const REPLACED_PAUSE_MS = 300_000;
const TICK_MS = 60_000;
/** A connection that has lived so long is a success, whatever it was good for. */
const STABLE_MS = 30_000;

export interface PeerEvents {
  /** A message of ours reached another state. */
  receipt: [receipt: Receipt];
  "peer:online": [peer: PeerInfo];
  "peer:offline": [peer: PeerInfo];
  /** Something that a person should read; nothing has stopped. */
  notice: [error: WarrenError];
}

export interface PeerOptions {
  readonly info: PeerInfo;
  readonly store: Store;
  readonly transport: Transport;
  readonly world: World;
  readonly log: Log;
  /** All interfaces are "::" or "0.0.0.0". */
  readonly host: string;
  /** 0 is any free port. */
  readonly port: number;
}

export class Peer implements AsyncDisposable {
  readonly info: PeerInfo;
  readonly world: World;
  readonly log: Log;
  readonly #store: Store;
  readonly #transport: Transport;
  readonly #host: string;
  readonly #events: Emitter<PeerEvents>;
  readonly #receiptListeners = { count: 0 };
  readonly #handlers = new Set<MessageHandler>();
  readonly #nextPlace: () => number;
  readonly #sent: SentMessages;
  readonly #people: People;
  readonly #sessions: Sessions;
  readonly #inbox: Inbox;
  readonly #switchboard: Switchboard;
  readonly #dialler: Dialler;
  readonly #idPrefix: string; // of the messages of this run: no earlier or parallel run can have given the same id
  #idCount = 0;
  readonly #kept = new Set<PeerId>(); // those whom we have reached before
  readonly #resolving = new Map<string, Promise<PeerInfo>>(); // by what was asked for
  #lived: number; // s that peers of this store have lived through
  #livedAt: number; // steady ms
  #listener: TransportListener | undefined;
  #directory: Directory | undefined;
  #stopListening: (() => void)[] = []; // to the directory
  #card: Card = { about: "", commands: [] };
  #nextTick: Timer | undefined;
  #closing: Promise<void> | undefined;

  /** Opens the store's peer and begins to listen. @throws {WarrenError} `PORT_IN_USE`, `HOST_UNAVAILABLE` */
  static async open(options: PeerOptions): Promise<Peer> {
    const peer = new Peer(options);
    try {
      peer.#listener = await options.transport.listen({ host: options.host, port: options.port }, (link) =>
        peer.#switchboard.accept(link),
      );
    } catch (error) {
      await peer.close();
      throw error;
    }
    for (const row of options.store.contacts.waitedFor()) peer.#dialler.want(row.id);
    return peer;
  }

  private constructor({ info, store, transport, world, log, host }: PeerOptions) {
    this.info = info;
    this.world = world;
    this.log = log;
    this.#store = store;
    this.#transport = transport;
    this.#host = host;
    this.#events = new Emitter((error, event) => log.error(`a listener to "${event}" failed: ${String(error)}`));
    this.#idPrefix = world.token(12);
    const { settings } = store;
    this.#nextPlace = settings.reserveBlock("place");
    this.#lived = settings.getNumber("lived");
    this.#livedAt = world.clock.steady();
    const hasCrashed = settings.get("running") === "yes";
    settings.set("running", "yes");
    this.#sent = new SentMessages((id, to) => this.#stateOf(id, to));
    this.#inbox = new Inbox(store, world, log, hasCrashed, {
      settled: (message, epoch, seq, reason) => this.#sessions.ofMessage(message).settle(epoch, seq, reason),
      counted: (peer, change) => this.#sessions.counted(peer, change),
      recount: () => this.#sessions.recount(),
    });
    this.#sessions = new Sessions({
      store,
      world,
      inbox: this.#inbox,
      nextPlace: this.#nextPlace,
      progressed: ({ id }) => this.#dialler.progressed(id),
      wanted: ({ id }) => this.#dialler.want(id),
      lost: (session, count) => this.#tellLost(session, count),
      isWatched: () => !this.#sent.isEmpty || this.#receiptListeners.count > 0,
      reached: (session, id, state, reason) => this.#tellReceipt(toReceipt(id, session.info, state, reason)),
    });
    this.#people = new People(this.#peopleHost());
    this.#switchboard = new Switchboard(this.#switchboardHost());
    this.#dialler = new Dialler({
      world,
      transport,
      addressesOf: (peer) => this.#people.addressesOf(peer),
      connect: (link) => this.#switchboard.connect(link),
      isWanted: (peer) => this.#isWanted(peer),
    });
    this.#inbox.count();
    store.db.beforeCommit(() => this.#inbox.save());
    store.db.onRollback((error) => {
      this.#inbox.reset();
      this.#switchboard.reset(error);
      this.#notice(error);
    });
    store.db.commit();
    this.#scheduleTick();
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
    return this.#directory;
  }

  /**
   * Resolves when the message is on disk; inside a handler, when it is sure to be committed together with it.
   * `to` is a name, a peer id or `host:port`.
   *
   * @throws {WarrenError} `PEER_UNKNOWN`, `PEER_IS_SELF`, `NAME_CHANGED`, `PEER_UNREACHABLE` (`host:port` only),
   *   `MESSAGE_EMPTY`, `MESSAGE_TOO_LARGE`, `OUTBOX_FULL`, `STORE_FAILED`, `CLOSED`
   */
  async send(to: string, text: string, options: SendOptions = {}): Promise<Sent> {
    return await this.#send(to, text, options, 0);
  }

  /** Who is meant by a name, an id or `host:port`. @throws {WarrenError} like `send` */
  async resolve(to: string): Promise<PeerInfo> {
    this.#checkOpen();
    return await this.#resolve(to);
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
    if (event === "message") return this.#addHandler(listener as MessageHandler);
    const end = this.#events.on(event, listener as Listener<PeerEvents[Event]>);
    if (event !== "receipt") return end;
    this.#receiptListeners.count++;
    return () => {
      this.#receiptListeners.count--;
      end();
    };
  }

  /**
   * Does something to the world outside once for the message that is being handled: a run after a crash is given the
   * recorded result. Outside of handlers it just runs. The result must be JSON.
   */
  async effect<Result>(name: string, run: () => Promise<Result> | Result): Promise<Result> {
    const handling = HandlerRun.current();
    if (!handling) return await run();
    const effect = handling.nameNext(`effect:${name}`);
    const done = handling.recall(effect);
    if (done) return done.result as Result;
    const result = await run();
    handling.record(effect, result);
    await this.#store.db.committed(); // what follows may rely on it
    return result;
  }

  users(): Promise<UserInfo[]> {
    return this.#people.users();
  }

  /** Who is in the directory; when the registry does not answer, who was. */
  find(query: DirectoryQuery): Promise<DirectoryEntry[]> {
    return this.#people.find(query);
  }

  /** The newest `limit` messages exchanged with a peer, oldest first. */
  async history(withWhom: string, { limit = 50 }: { limit?: number } = {}): Promise<HistoryEntry[]> {
    const info = await this.resolve(withWhom);
    const session = this.#sessions.find(info.id);
    return session ? readHistory(this.#store, session, this.info, limit) : [];
  }

  /** Waits until every message is delivered, or for `ms`; true if none is left. */
  flush(ms: number): Promise<boolean> {
    const isEmpty = (): boolean =>
      this.#store.contacts.waitedFor().every((row) => !this.#sessions.of(row).hasUnacknowledged);
    return new Promise((resolve) => {
      if (isEmpty()) return resolve(true);
      const finish = (result: boolean): void => {
        timer[Symbol.dispose]();
        stop();
        resolve(result);
      };
      const timer = this.world.clock.after(ms, () => finish(isEmpty()));
      const stop = this.on("receipt", () => isEmpty() && finish(true));
    });
  }

  /** A durable key-value store of this peer. */
  table<Value>(name: string): Table<Value> {
    return openTable<Value>(this.#store, name);
  }

  /** Publishes what this peer can do. */
  setCard(card: Card): void {
    this.#card = card;
    this.#announce();
  }

  /** Joins a directory, leaving the one before; or none. */
  async setDirectory(directory: Directory | undefined): Promise<void> {
    const before = this.#directory;
    for (const stop of this.#stopListening.splice(0)) stop();
    this.#directory = directory;
    if (directory) {
      this.#stopListening = [
        directory.on("online", ({ id, name, kind }) => this.#cameOnline({ id, name, kind })),
        directory.on("offline", ({ id, name, kind }) => this.#events.emit("peer:offline", { id, name, kind })),
        directory.on("notice", (error) => isWarrenError(error) && this.#notice(error)),
      ];
      this.#announce();
    }
    await before?.[Symbol.asyncDispose]();
  }

  /** Accepts on purpose that `name` belongs to `id`. @throws {WarrenError} `BAD_NAME` */
  async pin(name: string, id: PeerId): Promise<void> {
    this.#people.pin(name, id);
    await this.#store.db.committed();
  }

  /** Says goodbye, lets the handlers that run finish (for at most 5 s) and closes. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(): Promise<void> {
    await this.setDirectory(undefined).catch((error: unknown) => this.log.debug(`no goodbye: ${String(error)}`));
    this.#nextTick?.[Symbol.dispose]();
    this.#dialler.close();
    this.#inbox.pause();
    await this.#inbox.idle(CLOSE_WITHIN_MS);
    this.#inbox.close();
    await this.#listener?.[Symbol.asyncDispose]();
    this.#saveLived();
    this.#store.settings.set("running", "no");
    await this.#store.db.committed().catch((error: unknown) => this.log.error(String(error)));
    this.#switchboard.close();
    this.#sent.close();
    await new Promise<void>((resolve) => this.world.clock.soon(resolve)); // the goodbyes are written
    this.#store[Symbol.dispose]();
  }

  /** `hops`: how many messages of bots have led to this one, unless the handlers that we are in know better. */
  async #send(to: string, text: string, { re, room }: SendOptions, hops: number): Promise<Sent> {
    this.#checkOpen();
    const run = HandlerRun.current();
    const effect = run?.nameNext(`send:${to}`) ?? "";
    const done = run?.recall(effect);
    if (done) return this.#recallSent(done.result);
    const found = this.#resolve(to);
    const info = found instanceof Promise ? await found : found;
    this.#checkOpen();
    const message = {
      id: `${this.#idPrefix}.${(++this.#idCount).toString(36)}`,
      place: this.#nextPlace(),
      at: this.world.clock.now(),
      born: this.#livedNow(),
      hops: run ? run.hops + 1 : hops,
      room: room ?? null,
      re: re ?? null,
      text,
    };
    checkMessage(message);
    const session = this.#sessions.open(info.id, info.name, info.kind);
    session.append(message);
    run?.record(effect, { id: message.id, to: session.info });
    const sent = this.#sent.create(message.id, session.info);
    if (this.#receiptListeners.count > 0) {
      const queued = toReceipt(message.id, session.info, "queued", null);
      this.#store.db.afterCommit((error) => error || this.#tellReceipt(queued));
    }
    if (!run) await this.#store.db.committed();
    return sent;
  }

  /** Whoever asks for the same peer waits for the same answer, so that messages to it keep their order. */
  #resolve(to: string): PeerInfo | Promise<PeerInfo> {
    const asked = this.#resolving.get(to);
    if (asked) return asked;
    const found = this.#people.resolve(to);
    if (!(found instanceof Promise)) return found;
    const asking = found.finally(() => this.#resolving.delete(to));
    this.#resolving.set(to, asking);
    return asking;
  }

  #recallSent(result: unknown): Sent {
    const { id, to } = result as { id: string; to: PeerInfo };
    return this.#sent.create(id, to);
  }

  #addHandler(handler: MessageHandler): () => void {
    const entry: MessageHandler = (message) => handler(message); // the same function may be registered twice
    this.#handlers.add(entry);
    // At the end of the turn: handlers registered together are all there before the first message.
    if (this.#handlers.size === 1) this.world.clock.soon(() => this.#openInbox());
    return () => {
      this.#handlers.delete(entry);
      if (this.#handlers.size === 0) this.#inbox.pause();
    };
  }

  #openInbox(): void {
    if (this.#handlers.size > 0 && !this.#closing) this.#inbox.open((delivery) => this.#handle(delivery));
  }

  #handle(delivery: Delivery): Promise<void> | void {
    const message = this.#toIncoming(delivery);
    const handlers = [...this.#handlers];
    for (let index = 0; index < handlers.length; index++) {
      const result = handlers[index]?.(message);
      if (result instanceof Promise) return handleRest(result, handlers.slice(index + 1), message);
    }
  }

  #toIncoming({ message, attempt, signal }: Delivery): IncomingMessage {
    const session = this.#sessions.ofMessage(message);
    const { id, at, hops, text, room, re } = message;
    return {
      id,
      from: session.info,
      text,
      at,
      hops,
      attempt,
      signal,
      ...(room !== null && { room }),
      ...(re !== null && { re }),
      reply: (answer) => this.#send(session.id, answer, { re: id, ...(room !== null && { room }) }, hops + 1),
    };
  }

  #peopleHost(): ConstructorParameters<typeof People>[0] {
    const peer = this;
    return {
      self: this.info,
      contacts: this.#store.contacts,
      get directory() {
        return peer.#directory;
      },
      meet: async (address) => {
        const { peer: id, hello } = await this.#dialler.meet(address);
        return { id, name: hello.name, kind: hello.kind };
      },
      isConnected: (id) => this.#sessions.find(id)?.isUp === true,
      ownAddresses: () => this.addresses,
      rowOf: ({ id, name, kind }) => {
        this.#sessions.open(id, name, kind);
        const row = this.#store.contacts.byId(id);
        if (!row) throw new Error("a session has a row");
        return row;
      },
      renamed: (info) => this.#sessions.find(info.id)?.rename(info),
    };
  }

  #switchboardHost(): ConstructorParameters<typeof Switchboard>[0] {
    const peer = this;
    return {
      world: this.world,
      self: this.info,
      get port() {
        return peer.port;
      },
      met: ({ link }, hello) => this.#people.met(link.peer, hello, link.remote, link.dialled, this.world.clock.now()),
      chosen: (connection) => this.#sessions.find(connection.peer)?.attach(connection),
      ready: (connection, ready) => this.#sessions.find(connection.peer)?.resume(connection, ready),
      frame: (connection, frame) => this.#sessions.find(connection.peer)?.onFrame(frame),
      drained: (connection) => this.#sessions.find(connection.peer)?.pump(),
      lost: (connection, error) => this.#onLost(connection, error),
      replaced: (id) => this.#dialler.pause(id, REPLACED_PAUSE_MS),
      notice: (error) => this.#notice(error),
    };
  }

  #onLost({ peer, link, openedAt }: Connection, error: WarrenError | undefined): void {
    if (this.world.clock.steady() - openedAt > STABLE_MS) this.#dialler.progressed(peer);
    this.#sessions.find(peer)?.detach();
    this.#sessions.creditFreed();
    // Who has dialled dials again: the other side may have no way to reach us. After a goodbye, when it is back.
    if (link.dialled) this.#kept.add(peer);
    if (error || this.#hasDemand(peer)) this.#dialler.want(peer);
  }

  #isWanted(id: PeerId): boolean {
    if (this.#closing || this.#switchboard.connectionWith(id)) return false;
    return this.#kept.has(id) || this.#hasDemand(id);
  }

  /** Whether there is something for a peer that only a connection can bring it. */
  #hasDemand(id: PeerId): boolean {
    const session = this.#sessions.find(id);
    return (
      session !== undefined && (session.hasUnacknowledged || this.#store.receipts.after(session.n, 0, 1).length > 0)
    );
  }

  #cameOnline(info: PeerInfo): void {
    if (info.id === this.id) return;
    this.#events.emit("peer:online", info);
    this.#dialler.hurry(info.id);
  }

  #announce(): void {
    this.#directory?.announce({ ...this.info, addresses: this.addresses, card: this.#card });
  }

  #stateOf(id: string, to: PeerInfo): { state: Receipt["state"]; reason: string | null } {
    const session = this.#sessions.find(to.id);
    const where = session && this.#store.outgoing.find(session.n, id);
    return session && where ? session.stateOf(where.epoch, where.seq) : { state: "queued", reason: null };
  }

  #tellReceipt(receipt: Receipt): void {
    this.#sent.reached(receipt);
    this.#events.emit("receipt", receipt);
  }

  #tellLost(session: Session, count: number): void {
    const { name } = session.info;
    const text = `${count} message${count === 1 ? "" : "s"} of ${name} are lost: they were here once, and ${name} no longer holds them`;
    this.#notice(new WarrenError("MESSAGES_LOST", text));
  }

  #notice(error: WarrenError): void {
    this.#events.emit("notice", error);
  }

  #scheduleTick(): void {
    this.#nextTick = this.world.clock.after(TICK_MS, () => {
      this.#saveLived();
      for (const session of this.#sessions.loaded()) session.expire(this.#lived);
      this.#scheduleTick();
    });
  }

  /** Time that was lived through: steps of the steady clock, so that no jump of the wall clock makes anything old. */
  #livedNow(): number {
    return Math.floor(this.#lived + (this.world.clock.steady() - this.#livedAt) / 1_000);
  }

  #saveLived(): void {
    this.#lived = this.#livedNow();
    this.#livedAt = this.world.clock.steady();
    this.#store.settings.set("lived", String(this.#lived));
  }

  #checkOpen(): void {
    if (this.#closing) throw new WarrenError("CLOSED", "the peer is closed");
  }
}

async function handleRest(first: Promise<unknown>, rest: MessageHandler[], message: IncomingMessage): Promise<void> {
  await first;
  for (const handler of rest) await handler(message);
}

/** What the other side would refuse is refused here. @throws {WarrenError} `MESSAGE_EMPTY`, `MESSAGE_TOO_LARGE`, `FRAME_MALFORMED` */
function checkMessage(message: Omit<OutgoingRow, "seq">): void {
  const { text } = message;
  if (text === "") throw new WarrenError("MESSAGE_EMPTY", "there is nothing to send: give a text");
  const bytes = Buffer.byteLength(text);
  if (bytes > MAX_TEXT_BYTES) {
    throw new WarrenError(
      "MESSAGE_TOO_LARGE",
      `the text has ${bytes} bytes; at most ${MAX_TEXT_BYTES} fit into a message`,
    );
  }
  const frame = toFrame({ ...message, seq: 1 });
  decodeFrame(frame);
  // Control characters take six bytes each on the wire: a text full of them can pass the limit of a frame.
  if (bytes * 6 + 1_024 > MAX_FRAME_BYTES && encodeFrame(frame).length + 1_024 > MAX_FRAME_BYTES) {
    throw new WarrenError("MESSAGE_TOO_LARGE", "the text has too many control characters to fit into a message");
  }
}

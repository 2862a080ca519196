/** Peer: a process with a key of its own that others talk to directly. Here its parts are joined into the face of it. */
import type { Card } from "../base/card.ts";
import { isWarrenError, WarrenError } from "../base/errors.ts";
import type { Listener } from "../base/hooks.ts";
import { type Address, type PeerId, type PeerInfo, type PeerKind } from "../base/ids.ts";
import type { Log } from "../base/log.ts";
import type { World } from "../base/world.ts";
import type { Store } from "../store/store.ts";
import { Admission } from "./admission.ts";
import { Calls } from "./calls.ts";
import { DeadLetters } from "./dead-letters.ts";
import { Demand } from "./demand.ts";
import { Dialler } from "./dialler.ts";
import type { Directory, DirectoryEntry, DirectoryQuery } from "./directory.ts";
import { Drafts } from "./drafts.ts";
import { createExchange } from "./exchange.ts";
import { performOnce } from "./handler-run.ts";
import { Handlers } from "./handlers.ts";
import { readHistory } from "./history.ts";
import { Inbox } from "./inbox.ts";
import type { Listener as TransportListener, Transport } from "./link.ts";
import { LivedTime } from "./lived-time.ts";
import { Membership } from "./membership.ts";
import type { HistoryEntry, MessageHandler, SendOptions, Sent, UserInfo } from "./message.ts";
import { Outbox } from "./outbox.ts";
import { People } from "./people.ts";
import { createPeopleHost } from "./people-host.ts";
import { Sender } from "./sender.ts";
import { Reports, type PeerEvents } from "./reports.ts";
import { SentMessages } from "./sent.ts";
import { Sessions } from "./sessions.ts";
import { Tasks } from "./tasks.ts";
import { Switchboard } from "./switchboard.ts";
import { openTable, type Table } from "./tables.ts";
import { Traces } from "./traces.ts";
import { beginUpkeep } from "./upkeep.ts";

/** How long handlers that run may go on when the peer closes. */
const CLOSE_WITHIN_MS = 5_000;

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
  /** Who is let in; what waits for others; what our own handlers could not handle. */
  readonly admission: Admission;
  readonly outbox: Outbox;
  readonly deadLetters: DeadLetters;
  /** Work of its own that goes on after a crash, and does nothing twice. */
  readonly tasks: Tasks;
  /** Commands of other peers; see `call` in src/bot/typed-call.ts for its face. */
  readonly calls: Calls;
  /** Why a message was answered, or was not. */
  readonly traces: Traces;
  readonly #store: Store;
  readonly #transport: Transport;
  readonly #host: string;
  readonly #reports: Reports;
  readonly #lived: LivedTime;
  readonly #sent: SentMessages;
  readonly #people: People;
  readonly #sessions: Sessions;
  readonly #inbox: Inbox;
  readonly #handlers: Handlers;
  readonly #sender: Sender;
  readonly #membership: Membership;
  readonly #switchboard: Switchboard;
  readonly #dialler: Dialler;
  readonly #demand: Demand;
  readonly #upkeep: Disposable;
  /** Copies the database, as it is committed now, to a file that is not there yet. */
  readonly snapshot = (file: string): void => this.#store.db.copyTo(file);
  #listener: TransportListener | undefined;
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
    const { settings } = store;
    const nextPlace = settings.reserveBlock("place");
    this.#lived = new LivedTime(settings, world.clock);
    const hasCrashed = settings.get("running") === "yes";
    settings.set("running", "yes");
    this.#sent = new SentMessages((id, to) => this.#sessions.fateOf(id, to));
    this.#reports = new Reports(this.#sent, log);
    this.admission = new Admission(store, world.clock, {
      resolve: (who) => this.resolve(who),
      rowOf: (other) => this.#sessions.rowOf(other),
      changed: () => {
        this.#switchboard.review();
        this.#inbox.lookAgain();
      },
      unblocked: (id) => this.#dialler.want(id),
    });
    this.#inbox = new Inbox(store, world, log, hasCrashed, {
      settled: (message, epoch, seq, reason) => this.#sessions.ofMessage(message).settle(epoch, seq, reason),
      counted: (peer, change) => this.#sessions.counted(peer, change),
      isHeld: (peer) => this.admission.isNumberBlocked(peer),
      recount: () => this.#sessions.recount(),
    });
    this.#sessions = new Sessions({
      store,
      world,
      inbox: this.#inbox,
      nextPlace,
      isBlocked: (id) => this.admission.isBlocked(id),
      progressed: ({ id }) => this.#dialler.progressed(id),
      wanted: ({ id }) => this.#dialler.want(id),
      lost: (session, count) => this.#reports.lost(session.info, count),
      areWatched: (range) => this.#reports.areWatched(range),
      reached: (session, ...news) => this.#reports.reached(session.info, ...news),
      renumbered: ({ n }) => this.#sent.moved(n),
      answered: ({ id }, request, data) => this.calls.answered(id, request, data),
    });
    this.#handlers = new Handlers(this.#inbox, world.clock, {
      infoOf: (message) => this.#sessions.ofMessage(message).info,
      reply: (to, text, options, hops) => this.#sender.send(to, text, options, hops),
    });
    this.#membership = new Membership({
      self: info,
      addresses: () => this.addresses,
      registered: () => this.#reports.registered(),
      online: (peer) => this.#cameOnline(peer),
      offline: (peer) => this.#reports.offline(peer),
      notice: (error) => isWarrenError(error) && this.#reports.notice(error),
    });
    this.#people = new People(
      createPeopleHost({
        self: info,
        contacts: store.contacts,
        sessions: this.#sessions,
        directory: () => this.directory,
        dialler: () => this.#dialler,
        addresses: () => this.addresses,
        noticed: (notice) => this.#reports.notice(notice),
      }),
    );
    this.#sender = new Sender({
      store,
      world,
      people: this.#people,
      sessions: this.#sessions,
      sent: this.#sent,
      lived: this.#lived,
      nextPlace,
      checkOpen: () => this.#checkOpen(),
      checkNotBlocked: (to) => this.admission.checkNotBlocked(to),
      reports: this.#reports,
    });
    const drafts = new Drafts(world.clock, this.#reports);
    this.#switchboard = new Switchboard(
      createExchange({
        world,
        log,
        self: info,
        port: () => this.port,
        admission: this.admission,
        people: this.#people,
        sessions: this.#sessions,
        drafts,
        reports: this.#reports,
        demand: () => this.#demand,
        dialler: () => this.#dialler,
      }),
    );
    this.#demand = new Demand({
      store,
      clock: world.clock,
      sessions: this.#sessions,
      dialler: () => this.#dialler,
      reports: this.#reports,
      isConnected: (peer) => this.#switchboard.connectionWith(peer) !== undefined,
      isBlocked: (peer) => this.admission.isBlocked(peer),
    });
    this.#dialler = new Dialler({
      world,
      transport,
      addressesOf: (peer, isFirst) => this.#people.addressesOf(peer, isFirst),
      connect: (link) => this.#switchboard.connect(link),
      isWanted: (peer) => this.#demand.isWanted(peer),
    });
    this.outbox = new Outbox({
      store,
      clock: world.clock,
      sessions: this.#sessions,
      lived: this.#lived,
      resolve: (who) => this.resolve(who),
      onReceipt: (listener) => this.on("receipt", listener),
    });
    this.deadLetters = new DeadLetters(store, this.#inbox, this.#sessions);
    this.tasks = new Tasks(store);
    this.calls = new Calls({ store, clock: world.clock, sessions: this.#sessions, sender: this.#sender });
    this.traces = new Traces(store, this.#sessions);
    this.#inbox.count();
    store.db.beforeCommit(() => this.#inbox.save());
    store.db.onRollback((error) => {
      this.#inbox.reset();
      this.#switchboard.reset(error);
      this.#reports.notice(error);
    });
    store.db.commit();
    this.#upkeep = beginUpkeep(world.clock, {
      expire: () => {
        this.#sessions.expire(this.#lived.save());
        drafts.forgetSilent();
      },
      addresses: () => this.addresses,
      moved: () => {
        this.#switchboard.probe();
        this.#membership.announce();
      },
    });
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
    return this.#membership.directory;
  }

  /**
   * Resolves when the message is on disk; inside a handler, when it is sure to be committed together with it.
   * `to` is a name, a peer id or `host:port`.
   *
   * @throws {WarrenError} `PEER_UNKNOWN`, `PEER_IS_SELF`, `PEER_BLOCKED`, `NAME_CHANGED`, `PEER_UNREACHABLE` (`host:port` only),
   *   `MESSAGE_EMPTY`, `MESSAGE_TOO_LARGE`, `OUTBOX_FULL`, `STORE_FAILED`, `CLOSED`
   */
  async send(to: string, text: string, options: SendOptions = {}): Promise<Sent> {
    return await this.#sender.send(to, text, options, 0);
  }

  /** Who is meant by a name, an id or `host:port`. @throws {WarrenError} like `send` */
  async resolve(to: string): Promise<PeerInfo> {
    this.#checkOpen();
    return await this.#sender.resolve(to);
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
    if (event === "message") return this.#handlers.add(listener as MessageHandler);
    return this.#reports.on(event, listener as Listener<PeerEvents[Event]>);
  }

  /**
   * Does something to the world outside once for the message that is being handled: a run after a crash is given the
   * recorded result. Outside of handlers it just runs. The result must be JSON.
   */
  async effect<Result>(name: string, run: () => Promise<Result> | Result): Promise<Result> {
    return await performOnce(this.#store.db, name, run);
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
    return this.outbox.flush(ms);
  }

  /** A durable key-value store of this peer. */
  table<Value>(name: string): Table<Value> {
    return openTable<Value>(this.#store, name);
  }

  /** Publishes what this peer can do. */
  setCard(card: Card): void {
    this.#membership.setCard(card);
  }

  /** Joins a directory, leaving the one before; or none. */
  async setDirectory(directory: Directory | undefined): Promise<void> {
    await this.#membership.join(directory);
  }

  /** Accepts on purpose that `name` belongs to `id`. @throws {WarrenError} `BAD_NAME` */
  async pin(name: string, id: PeerId): Promise<void> {
    this.#people.pin(name, id);
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
    const left = isComingBack ? this.#membership.hangUp() : this.setDirectory(undefined);
    await left.catch((error: unknown) => this.log.debug(`no goodbye: ${String(error)}`));
    this.#upkeep[Symbol.dispose]();
    this.#demand.close();
    this.#dialler.close();
    await this.#handlers.close(CLOSE_WITHIN_MS);
    this.tasks.close();
    this.calls.close();
    await this.#listener?.[Symbol.asyncDispose]();
    this.#lived.save();
    this.#store.settings.set("running", "no");
    await this.#store.db.committed().catch((error: unknown) => this.log.error(String(error)));
    this.#switchboard.close();
    this.#sent.close();
    this.outbox.close();
    await new Promise<void>((resolve) => this.world.clock.soon(resolve)); // the goodbyes are written
    this.#store[Symbol.dispose]();
  }

  #cameOnline(info: PeerInfo): void {
    this.#people.cameOnline(info);
    this.#reports.online(info);
    this.#dialler.hurry(info.id);
  }

  #checkOpen(): void {
    if (this.#closing) throw new WarrenError("CLOSED", "the peer is closed");
  }
}

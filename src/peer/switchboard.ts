/** Switchboard: hellos, and for each peer the one connection that counts. Keeps them alive, or notices that they are not. */
import { WarrenError } from "../base/errors.ts";
import type { PeerId, PeerInfo } from "../base/ids.ts";
import type { Timer, World } from "../base/world.ts";
import { PROTOCOL_VERSION, type Bye, type Frame, type Hello, type Ready } from "../wire/frames.ts";
import type { Refusal } from "./admission.ts";
import { Connection, type ConnectionHandler } from "./connection.ts";
import type { Link } from "./link.ts";

export const SWEEP_MS = 5_000;
/** Silence after which we ask, and after which the other side is given up (within 40 s, as the sweep finds it). */
export const PING_AFTER_MS = 15_000;
export const DEAD_AFTER_MS = 35_000;
/** How long an answer may take when the machine has just woken up or changed its network. */
export const PROBE_MS = 5_000;
/** From the link to the hello, and from the hello to being chosen. */
export const HELLO_WITHIN_MS = 20_000;
export const CHOICE_WITHIN_MS = 10_000;
export const MAX_PENDING = 256; // links that have not said hello
export const MAX_CONNECTIONS = 10_000;

export type SessionFrame = Exclude<Frame, Hello | Ready | Bye>;

export interface SwitchboardHost {
  readonly world: World;
  readonly self: PeerInfo;
  /** Where we listen; 0 if nowhere. */
  readonly port: () => number;
  /** Somebody has dialled us: why that is once too often, if it is. */
  arrival(peer: PeerId): Refusal | undefined;
  /** Why somebody who has said hello is not let in, if so. */
  refusal(link: Link): Refusal | undefined;
  /** A peer does not let us in, or sends us away for a while. */
  refused(peer: PeerId, bye: Bye): void;
  /** A peer did too much on its connection. */
  overran(peer: PeerId): void;
  /** Somebody said hello; the connection may still come to nothing. */
  met(connection: Connection, hello: Hello): void;
  /** From now on this is the connection with its peer; the one before, if any, no longer is. */
  chosen(connection: Connection): void;
  ready(connection: Connection, ready: Ready): void;
  /** Only from the chosen connection. */
  frame(connection: Connection, frame: SessionFrame): void;
  /** It has brought more than is looked at in one go: its `takeTurn` is to be called. */
  behind(connection: Connection): void;
  drained(connection: Connection): void;
  /** A connection is gone, and there is no other one with its peer. */
  lost(connection: Connection, error: WarrenError | undefined): void;
  /** The same key has connected from another process; that one has our ear now. */
  replaced(peer: PeerId): void;
  notice(error: WarrenError): void;
}

export class Switchboard {
  readonly #host: SwitchboardHost;
  readonly #instance: string;
  readonly #all = new Set<Connection>();
  readonly #chosen = new Map<PeerId, Connection>();
  readonly #waiting = new Map<PeerId, Connection>(); // the newest one that came before our choice was answered
  readonly #dials = new Map<Connection, PromiseWithResolvers<Hello>>();
  readonly #handler: ConnectionHandler = {
    hello: (from, hello) => this.#onHello(from, hello),
    frame: (from, frame) => this.#onFrame(from, frame),
    behind: (from) => this.#host.behind(from),
    drained: (from) => this.#chosen.get(from.peer) === from && this.#host.drained(from),
    closed: (from, error) => this.#onClosed(from, error),
  };
  #pending = 0; // of #all: those without a hello
  #sweptAt: { wall: number; steady: number };
  #nextSweep: Timer | undefined;
  #isClosed = false;

  constructor(host: SwitchboardHost) {
    this.#host = host;
    this.#instance = host.world.token();
    this.#sweptAt = this.#times();
    this.#scheduleSweep();
  }

  connectionWith(peer: PeerId): Connection | undefined {
    return this.#chosen.get(peer);
  }

  /** Takes a link that somebody has dialled to us. */
  accept(link: Link): void {
    if (this.#isClosed || this.#pending >= MAX_PENDING || this.#all.size >= MAX_CONNECTIONS) return link.terminate();
    const connection = this.#open(link, "");
    this.#refuse(connection, this.#host.arrival(link.peer));
  }

  /**
   * Takes a link that we have dialled. Resolves with the other side's hello: TLS 1.3 lets the dialler finish first, so only
   * the hello says that we were let in.
   */
  connect(link: Link): Promise<Hello> {
    const connection = this.#open(link, this.#host.world.token());
    const dial = Promise.withResolvers<Hello>();
    this.#dials.set(connection, dial);
    this.#sayHello(connection);
    return dial.promise;
  }

  /** Asks every peer for a sign of life, and gives up those that show none in time. */
  probe(): void {
    const asked = this.#host.world.clock.steady();
    for (const connection of this.#all) connection.send({ t: "ping" });
    this.#host.world.clock.after(PROBE_MS, () => {
      for (const connection of this.#all) {
        if (connection.openedAt <= asked && connection.heardAt < asked) connection.fail(silent(PROBE_MS));
      }
    });
  }

  /** Sends those away who may not be connected any more. */
  review(): void {
    for (const connection of this.#all) this.#refuse(connection, this.#host.refusal(connection.link));
  }

  /** Says goodbye to everyone. */
  close(): void {
    this.#isClosed = true;
    this.#nextSweep?.[Symbol.dispose]();
    for (const connection of this.#all) connection.end("CLOSED", "the peer went offline");
  }

  /** Ends every connection at once; the sessions take up again on the next ones. */
  reset(error: WarrenError): void {
    for (const connection of this.#all) connection.fail(error);
  }

  #open(link: Link, name: string): Connection {
    this.#pending++;
    const connection = new Connection(link, name, this.#host.world.clock, this.#handler);
    this.#all.add(connection);
    return connection;
  }

  #refuse(connection: Connection, refusal: Refusal | undefined): boolean {
    if (refusal) connection.end(refusal.code, refusal.message, refusal.after);
    return refusal !== undefined;
  }

  #sayHello(connection: Connection): void {
    const { self } = this.#host;
    connection.send({
      t: "hello",
      v: PROTOCOL_VERSION,
      instance: this.#instance,
      conn: connection.name,
      holds: this.#chosen.get(connection.peer)?.name ?? null,
      name: self.name,
      kind: self.kind,
      port: this.#host.port(),
    });
  }

  #onHello(connection: Connection, hello: Hello): void {
    this.#pending--;
    if (this.#refuse(connection, this.#host.refusal(connection.link))) return;
    if (!connection.link.dialled) {
      connection.name = hello.conn;
      this.#sayHello(connection);
    } else if (hello.conn !== connection.name) {
      throw new WarrenError("PROTOCOL_VIOLATION", "the hello names another connection");
    }
    this.#host.met(connection, hello);
    this.#dials.get(connection)?.resolve(hello);
    this.#dials.delete(connection);
    if (this.#decides(connection.peer)) this.#decide(connection, hello);
  }

  /** One side decides which connection counts, so that the two can never choose differently; the other follows its `ready`. */
  #decides(peer: PeerId): boolean {
    return this.#host.self.id < peer;
  }

  #decide(connection: Connection, hello: Hello): void {
    const held = this.#chosen.get(connection.peer);
    // The other side still has what we have: this one was dialled at the same time, and is one too many.
    if (held && hello.holds === held.name) return connection.end("DUPLICATE", "another connection was chosen");
    // A second choice could overtake the first, each on a connection of its own, and the other side would follow the wrong one.
    if (held && !held.isAnswered && held.theirs?.instance === hello.instance) return this.#wait(connection, held);
    // Otherwise the other side has lost its path, whether or not we have noticed: the newcomer wins.
    this.#choose(connection, hello);
  }

  /** Until the choice that we have made is answered, or its connection is gone. */
  #wait(connection: Connection, held: Connection): void {
    this.#dismissWaiting(connection.peer);
    this.#waiting.set(connection.peer, connection);
    this.#host.world.clock.after(PROBE_MS, () => {
      if (this.#waiting.get(connection.peer) === connection) held.fail(silent(PROBE_MS));
    });
  }

  #dismissWaiting(peer: PeerId): void {
    this.#waiting.get(peer)?.end("DUPLICATE", "another connection was chosen");
    this.#waiting.delete(peer);
  }

  #choose(connection: Connection, hello: Hello): void {
    const held = this.#chosen.get(connection.peer);
    this.#chosen.set(connection.peer, connection);
    this.#host.chosen(connection);
    if (!held) return;
    if (held.theirs?.instance === hello.instance) return held.end("REPLACED", "a newer connection was chosen");
    // Another process with the same key. If the older one still lives, it answers, and then both are told.
    held.send({
      t: "bye",
      code: "TWO_INSTANCES",
      message: "another process with your key has connected: end one of the two",
    });
    this.#host.world.clock.after(PROBE_MS, () => held.drop());
  }

  #onFrame(connection: Connection, frame: Exclude<Frame, Hello>): void {
    const isChosen = this.#chosen.get(connection.peer) === connection;
    switch (frame.t) {
      case "ping":
        return connection.send({ t: "pong" });
      case "pong":
        return;
      case "notice":
        return this.#host.notice(new WarrenError("TWO_INSTANCES", frame.message));
      case "bye":
        return this.#onBye(connection, frame);
      case "ready":
        if (!isChosen && this.#decides(connection.peer)) return; // sent before our newer choice reached the other side
        if (!isChosen && connection.theirs) this.#choose(connection, connection.theirs);
        connection.isAnswered = true;
        this.#dismissWaiting(connection.peer);
        return this.#host.ready(connection, frame);
      default:
        // What a connection that is no longer chosen still brings is sent again on its successor.
        if (isChosen) this.#host.frame(connection, frame);
    }
  }

  #onBye(connection: Connection, bye: Bye): void {
    this.#dials.get(connection)?.reject(new WarrenError("PEER_REFUSED", bye.message));
    if (bye.after !== undefined) this.#host.refused(connection.peer, bye);
    if (bye.code === "TWO_INSTANCES") this.#onTwoInstances(connection, bye);
    else connection.drop(); // the other side has said its last word, and hears nothing any more
  }

  #onTwoInstances(connection: Connection, { code, message }: Bye): void {
    const successor = this.#chosen.get(connection.peer);
    if (!successor || successor === connection) {
      this.#host.replaced(connection.peer);
      this.#host.notice(new WarrenError("TWO_INSTANCES", message));
      return connection.end(code, ""); // shows that we are alive
    }
    const text = `another process with the key of ${connection.theirs?.name ?? "this peer"} is running too`;
    this.#host.notice(new WarrenError("TWO_INSTANCES", text));
    successor.send({ t: "notice", code, message: "another process with your key was connected: end one of the two" });
    connection.drop();
  }

  #onClosed(connection: Connection, error: WarrenError | undefined): void {
    this.#all.delete(connection);
    if (!connection.theirs) this.#pending--;
    if (connection.refusal) this.#host.refused(connection.peer, connection.refusal);
    if (error?.code === "RATE_LIMITED") this.#host.overran(connection.peer);
    this.#dials.get(connection)?.reject(error ?? new WarrenError("PEER_REFUSED", "the peer closed the connection"));
    this.#dials.delete(connection);
    if (this.#waiting.get(connection.peer) === connection) this.#waiting.delete(connection.peer);
    if (this.#isClosed) return; // the rest of the peer may be gone by now: a goodbye can take seconds
    const held = this.#chosen.get(connection.peer);
    if (held && held !== connection) return; // a late close never evicts the successor
    // One that was never chosen is a loss too: whoever dialled it believes since its hello that it has what it wanted.
    if (!connection.theirs) return;
    this.#chosen.delete(connection.peer);
    const waiting = this.#waiting.get(connection.peer);
    this.#waiting.delete(connection.peer);
    if (waiting?.theirs) return this.#choose(waiting, waiting.theirs);
    this.#host.lost(connection, error);
  }

  #scheduleSweep(): void {
    this.#nextSweep = this.#host.world.clock.after(SWEEP_MS, () => {
      this.#sweep();
      this.#scheduleSweep();
    });
  }

  /** One timer for all connections; an idle one costs a comparison every five seconds. */
  #sweep(): void {
    const before = this.#sweptAt;
    this.#sweptAt = this.#times();
    const { steady: now, wall } = this.#sweptAt;
    // Much more time has passed than we have lived through: the machine slept, and its connections may be dead.
    if (Math.max(now - before.steady, wall - before.wall) > 3 * SWEEP_MS) return this.probe();
    for (const connection of this.#all) {
      const silence = now - connection.heardAt;
      const age = now - connection.openedAt;
      if (!connection.theirs) {
        if (age > HELLO_WITHIN_MS) connection.fail(silent(HELLO_WITHIN_MS));
      } else if (silence > DEAD_AFTER_MS) {
        connection.fail(silent(DEAD_AFTER_MS));
      } else if (silence > PING_AFTER_MS && connection.pingedAt <= connection.heardAt) {
        connection.pingedAt = now;
        connection.send({ t: "ping" });
      } else if (this.#chosen.get(connection.peer) !== connection && age > HELLO_WITHIN_MS + CHOICE_WITHIN_MS) {
        connection.end("PEER_SILENT", "no connection was chosen in time");
      }
    }
  }

  #times(): { wall: number; steady: number } {
    const { clock } = this.#host.world;
    return { wall: clock.now(), steady: clock.steady() };
  }
}

function silent(ms: number): WarrenError {
  return new WarrenError("PEER_SILENT", `the peer gave no sign of life for ${ms / 1000} s`);
}

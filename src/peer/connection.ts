/** One connection: frames over a link, with an owned queue of what is still to be written. Knows no session. */
import { isWarrenError, WarrenError } from "../base/errors.ts";
import type { PeerId } from "../base/ids.ts";
import type { Clock, Timer } from "../base/world.ts";
import { decodeFrame, encodeFrame, type Bye, type Frame, type Hello } from "../wire/frames.ts";
import { LineReader, MAX_FRAME_BYTES, MAX_HELLO_BYTES } from "../wire/lines.ts";
import { ControlBudget, RATE_LIMITED_PAUSE_MS } from "./control-budget.ts";
import type { Link, LinkHandler } from "./link.ts";
import { sliceOf, type Talker } from "./turns.ts";

/** Above this many unwritten bytes a connection says that it is full: 256 KiB. */
export const FULL_BYTES = 262_144;
/** Above this many a peer that does not read is given up: 4 MiB. Only answers to its own frames can get there. */
export const MAX_QUEUED_BYTES = 4_194_304;

const MESSAGE = { t: "msg" } as const;

/** How long a peer that does not read may delay the end of a connection. */
const END_WITHIN_MS = 10_000;

export interface ConnectionHandler {
  /** The first frame, exactly once; nothing else is handed out before. */
  hello(connection: Connection, hello: Hello): void;
  frame(connection: Connection, frame: Exclude<Frame, Hello>): void;
  /** More has come than is looked at in one go: `takeTurn` is to be called soon, until it returns false. */
  behind(connection: Connection): void;
  /** There is room again after `isFull`. */
  drained(connection: Connection): void;
  /** Exactly once, whoever closed it; `error` unless it ended in order. */
  closed(connection: Connection, error: WarrenError | undefined): void;
}

export class Connection implements LinkHandler, Talker {
  readonly link: Link;
  readonly peer: PeerId;
  /** Chosen by the dialler; on the listening side known with the hello. */
  name: string;
  /** What the other side said first. */
  theirs: Hello | undefined;
  /** The reason why it does not let us in, if that is all that it said. */
  refusal: Bye | undefined;
  /** The other side has said `ready` on it. */
  isAnswered = false;
  readonly openedAt: number; // steady ms, as the two below
  heardAt: number;
  pingedAt = 0;

  readonly #clock: Clock;
  readonly #handler: ConnectionHandler;
  readonly #reader = new LineReader();
  readonly #budget: ControlBudget;
  #batch = ""; // the frames of this turn; while the link is full, of all turns since
  #willWrite = false; // at the end of this turn
  #unsent: Uint8Array | undefined; // encoded, and not taken by the link yet
  #wasFull = false; // somebody may have stopped because of it
  #backlog: Uint8Array | undefined; // what came beyond a slice; the link reads no more meanwhile
  #isLost = false; // nothing comes behind the backlog
  #isEnding = false; // a bye was sent: close once everything is written
  #patience: Timer | undefined;
  #isClosed = false;

  constructor(link: Link, name: string, clock: Clock, handler: ConnectionHandler) {
    this.link = link;
    this.peer = link.peer;
    this.name = name;
    this.#clock = clock;
    this.#handler = handler;
    this.#budget = new ControlBudget(clock);
    this.openedAt = this.heardAt = clock.steady();
    link.open(this);
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  get isFull(): boolean {
    return this.#queued > FULL_BYTES;
  }

  /** The other side, or the path to it, is slower than we are. */
  get isHeldUp(): boolean {
    return this.#unsent !== undefined;
  }

  /** Queues a frame; those of one turn of the event loop become one write. */
  send(frame: Frame): void {
    if (this.#isOver) return;
    this.#budget.sent(frame);
    this.#queue(encodeFrame(frame));
  }

  /** The same for the line of a `msg`. */
  sendMessage(line: string): void {
    if (this.#isOver) return;
    this.#budget.sent(MESSAGE);
    this.#queue(line);
  }

  /** Says why and closes in order, after what is queued. `after`: for so long, in ms, another try would be in vain. */
  end(code: string, message: string, after?: number): void {
    if (this.#isOver) return;
    this.send({ t: "bye", code, message: message.slice(0, 500), ...(after !== undefined && { after }) });
    this.#isEnding = true;
    this.#patience = this.#clock.after(END_WITHIN_MS, () => this.#close(undefined));
  }

  /** Closes at once; the other side is told why if it still takes it. */
  fail(error: WarrenError): void {
    if (this.#isClosed) return;
    const wait = error.code === "RATE_LIMITED" ? { after: RATE_LIMITED_PAUSE_MS } : {};
    this.send({ t: "bye", code: error.code, message: error.message.slice(0, 500), ...wait });
    this.#write();
    this.#close(error);
  }

  /** Closes at once and says nothing: the other side has said its last word. */
  drop(error?: WarrenError): void {
    this.#close(error);
  }

  // What its link tells. As methods and not as functions of each connection: an idle one would hold three of them.

  data(chunk: Uint8Array): void {
    if (this.#isOver) return;
    this.heardAt = this.#clock.steady();
    if (this.#backlog) {
      this.#backlog = Buffer.concat([this.#backlog, chunk]); // it was read before the link was paused: little, and seldom
    } else if (chunk.byteLength > sliceOf(chunk)) {
      this.#backlog = new Uint8Array(chunk); // a copy: the socket may reuse its buffer
      this.link.pause();
      this.#handler.behind(this);
    } else {
      this.#take(chunk);
    }
  }

  drain(): void {
    this.#write();
  }

  closed(): void {
    this.#isLost = true;
    if (!this.#backlog) this.#close(new WarrenError("CONNECTION_LOST", "the connection was lost"));
  }

  takeTurn(): boolean {
    const backlog = this.#backlog;
    if (backlog && !this.#isOver) {
      const end = sliceOf(backlog);
      this.#backlog = backlog.byteLength > end ? backlog.subarray(end) : undefined;
      this.heardAt = this.#clock.steady(); // it may have waited for long
      this.#take(backlog.subarray(0, end));
    }
    if (this.#isOver) this.#backlog = undefined;
    if (this.#backlog) return true;
    if (this.#isLost) this.closed();
    else this.link.resume();
    return false;
  }

  #take(chunk: Uint8Array): void {
    try {
      if (this.theirs) this.#onFrames(chunk);
      else this.#onFirst(chunk);
    } catch (error) {
      if (!isWarrenError(error)) throw error;
      this.fail(error);
    }
  }

  #queue(line: string): void {
    this.#batch += line;
    if (this.#willWrite) return;
    this.#willWrite = true;
    // What a turn has to say is said after its commit, at its very end: another turn of the loop would bring nothing more.
    queueMicrotask(() => this.#write());
  }

  #onFirst(chunk: Uint8Array): void {
    const first = this.#reader.shift(chunk, MAX_HELLO_BYTES);
    if (!first) return;
    const hello = decodeFrame(first.value);
    if (hello?.t === "bye") {
      this.refusal = hello;
      return this.#close(new WarrenError("PEER_REFUSED", hello.message));
    }
    if (hello?.t !== "hello") throw new WarrenError("PROTOCOL_VIOLATION", `${nameOf(hello)} came before hello`);
    this.theirs = hello;
    this.#handler.hello(this, hello);
    if (first.rest.byteLength > 0 && !this.#isOver) this.#onFrames(first.rest);
  }

  #onFrames(chunk: Uint8Array): void {
    for (const value of this.#reader.push(chunk, MAX_FRAME_BYTES)) {
      const frame = decodeFrame(value);
      if (frame?.t === "hello") throw new WarrenError("PROTOCOL_VIOLATION", "a second hello");
      if (!this.#budget.allows(frame)) throw new WarrenError("RATE_LIMITED", `too many frames: ${nameOf(frame)}`);
      if (!frame) continue; // of a later version of the protocol, and nothing that must be understood
      this.#handler.frame(this, frame);
      if (this.#isOver) return; // nothing that came after the reason to close is looked at
    }
  }

  get #isOver(): boolean {
    return this.#isClosed || this.#isEnding;
  }

  get #queued(): number {
    return this.#batch.length + (this.#unsent?.byteLength ?? 0);
  }

  #write(): void {
    this.#willWrite = false;
    if (this.#isClosed) return;
    this.#wasFull ||= this.isFull;
    while (this.#unsent || this.#batch !== "") {
      // Encoded only when it can go: adding each turn's frames to bytes that wait would copy them all, every time.
      this.#unsent ??= this.#takeBatch();
      const sent = this.link.write(this.#unsent); // may take less than it was given
      if (sent <= 0) break;
      this.#unsent = sent < this.#unsent.byteLength ? this.#unsent.subarray(sent) : undefined;
    }
    const queued = this.#queued;
    if (queued > MAX_QUEUED_BYTES) {
      return this.#close(new WarrenError("PEER_SILENT", `the peer does not read: ${queued} bytes wait for it`));
    }
    if (queued === 0 && this.#isEnding) return this.#close(undefined);
    if (this.#wasFull && queued <= FULL_BYTES) {
      this.#wasFull = false;
      this.#handler.drained(this);
    }
  }

  #takeBatch(): Uint8Array {
    const bytes = Buffer.from(this.#batch);
    this.#batch = "";
    return bytes;
  }

  #close(error: WarrenError | undefined): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#patience?.[Symbol.dispose]();
    if (error) this.link.terminate();
    else this.link.end();
    this.#unsent = undefined;
    this.#batch = "";
    this.#handler.closed(this, error);
  }
}

function nameOf(frame: Frame | undefined): string {
  return frame?.t ?? "a frame of an unknown kind";
}

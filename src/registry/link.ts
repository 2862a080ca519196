/** Link: one WebSocket to a registry, as the peer sees it: frames in order, at the reader's pace, and a sign of life. */
import { WarrenError } from "../base/errors.ts";
import type { Clock, Timer } from "../base/world.ts";
import { encodeFrame, MAX_SERVER_FRAME_BYTES, parseServerFrame } from "./frames.ts";
import type { PeerSideFrame, ServerFrame } from "./frames.ts";

/** From dialling to the welcome. */
export const LOGIN_MS = 10_000;
/** Frames held before the reading stops, and before it goes on. */
const FULL = 256;
const LOW = 64;

export interface LinkOptions {
  readonly loginMs?: number;
  /** PEM; see `LookUpOptions`. */
  readonly authority?: string | undefined;
}

export class Link implements Disposable {
  readonly #clock: Clock;
  readonly #socket: WebSocket;
  readonly #held: unknown[] = [];
  #wake: (() => void) | undefined; // of who waits for a frame
  #isOpen = false;
  #end: string | undefined;
  #heardAt: number;
  #timer: Timer;

  /** @param origin of the registry; `nonce` comes back in its challenge */
  constructor(origin: string, nonce: string, clock: Clock, { loginMs = LOGIN_MS, authority }: LinkOptions = {}) {
    this.#clock = clock;
    this.#heardAt = clock.steady();
    this.#timer = clock.after(loginMs, () => this.#fail(`no login within ${loginMs} ms`));
    const url = `${origin.replace(/^http/, "ws")}/v1/session?nonce=${nonce}`;
    this.#socket = new WebSocket(url, authority === undefined ? {} : { tls: { ca: authority } });
    this.#socket.addEventListener("open", () => void (this.#isOpen = true));
    this.#socket.addEventListener("message", ({ data }) => this.#take(data));
    this.#socket.addEventListener("close", ({ reason }) => this.#fail(reason || "the connection broke"));
    this.#socket.addEventListener("error", () => this.#fail("it cannot be reached"));
  }

  /** Whether there ever was a connection. */
  get wasOpen(): boolean {
    return this.#isOpen;
  }

  /** The next frame. @throws {WarrenError} `CONNECTION_LOST`, `FRAME_TOO_LARGE`, `FRAME_MALFORMED` */
  async next(): Promise<ServerFrame> {
    for (;;) {
      while (this.#held.length === 0) {
        if (this.#end !== undefined) throw new WarrenError("CONNECTION_LOST", `the registry is gone: ${this.#end}`);
        await new Promise<void>((resolve) => (this.#wake = resolve));
      }
      const frame = parseServerFrame(this.#held.shift());
      if (this.#held.length === LOW) this.#socket.resume();
      if (frame) return frame;
    }
  }

  send(frame: PeerSideFrame): void {
    if (this.#socket.readyState === WebSocket.OPEN) this.#socket.send(encodeFrame(frame));
  }

  /** From now on: speaks up three times within a lease, and gives up when nothing was heard for one. */
  keep(leaseMs: number): void {
    this.#timer[Symbol.dispose]();
    if (this.#end !== undefined) return;
    this.#timer = this.#clock.after(leaseMs / 3, () => {
      if (this.#clock.steady() - this.#heardAt >= leaseMs) return this.#fail(`silent for ${leaseMs} ms`);
      this.send({ t: "ping" });
      this.keep(leaseMs);
    });
  }

  [Symbol.dispose](): void {
    this.#fail("closed");
  }

  #take(data: unknown): void {
    this.#heardAt = this.#clock.steady();
    // Longer ones are refused when their turn comes; they are not kept until then.
    this.#held.push(typeof data === "string" && data.length <= MAX_SERVER_FRAME_BYTES ? data : undefined);
    if (this.#held.length === FULL) this.#socket.pause();
    this.#wake?.();
  }

  #fail(reason: string): void {
    this.#end ??= reason;
    this.#timer[Symbol.dispose]();
    this.#socket.terminate();
    this.#wake?.();
  }
}

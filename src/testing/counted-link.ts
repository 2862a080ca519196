/** Counted link: one end of a real connection whose other end is in this process too, so that what is under way can be counted. */
import type { Address, PeerId } from "../base/ids.ts";
import type { Link, LinkHandler } from "../peer/link.ts";

export class CountedLink implements Link {
  readonly peer: PeerId;
  readonly remote: Address;
  readonly dialled: boolean;
  readonly #link: Link;
  #handler: LinkHandler | undefined;
  #isClosed = false;
  #sent = 0; // bytes
  #received = 0;

  constructor(link: Link) {
    this.#link = link;
    this.peer = link.peer;
    this.remote = link.remote;
    this.dialled = link.dialled;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Bytes that `far` has sent and that have not come here. */
  awaitedFrom(far: CountedLink): number {
    return far.#sent - this.#received;
  }

  open(handler: LinkHandler): void {
    this.#handler = handler;
    this.#link.open({
      data: (chunk) => {
        this.#received += chunk.byteLength;
        this.#handler?.data(chunk);
      },
      drain: () => this.#handler?.drain(),
      closed: () => {
        this.#isClosed = true;
        this.#handler?.closed();
      },
    });
  }

  write(bytes: Uint8Array): number {
    const taken = this.#link.write(bytes);
    this.#sent += Math.max(0, taken);
    return taken;
  }

  pause(): void {
    this.#link.pause();
  }

  resume(): void {
    this.#link.resume();
  }

  end(): void {
    this.#isClosed = true;
    this.#link.end();
  }

  terminate(): void {
    this.#isClosed = true;
    this.#link.terminate();
  }

  /** Its process is gone: nobody here hears of it any more. */
  kill(): void {
    this.#handler = undefined;
    this.terminate();
  }
}

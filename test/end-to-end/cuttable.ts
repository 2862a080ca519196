/** A transport whose links can be cut, as if the network had done it. Everything else in it is the real one. */
import type { Link, LinkHandler, Transport } from "../../src/peer/link.ts";

export class CuttableTransport implements Transport {
  readonly #inner: Transport;
  readonly #links = new Set<CuttableLink>();
  /** How often it has dialled. */
  dials = 0;

  constructor(inner: Transport) {
    this.#inner = inner;
  }

  get links(): number {
    return this.#links.size;
  }

  cut(): void {
    for (const link of this.#links) link.cut();
  }

  addresses(...where: Parameters<Transport["addresses"]>): ReturnType<Transport["addresses"]> {
    return this.#inner.addresses(...where);
  }

  listen(...[options, accept]: Parameters<Transport["listen"]>): ReturnType<Transport["listen"]> {
    return this.#inner.listen(options, (link) => accept(new CuttableLink(link, this.#links)));
  }

  async dial(...how: Parameters<Transport["dial"]>): Promise<Link> {
    this.dials++;
    return new CuttableLink(await this.#inner.dial(...how), this.#links);
  }
}

class CuttableLink implements Link {
  readonly peer: Link["peer"];
  readonly remote: Link["remote"];
  readonly dialled: boolean;
  readonly #inner: Link;
  readonly #all: Set<CuttableLink>;
  #handler: LinkHandler | undefined;

  constructor(inner: Link, all: Set<CuttableLink>) {
    ({ peer: this.peer, remote: this.remote, dialled: this.dialled } = inner);
    this.#inner = inner;
    this.#all = all.add(this);
  }

  open(handler: LinkHandler): void {
    this.#handler = handler;
    this.#inner.open({
      data: (chunk) => handler.data(chunk),
      drain: () => handler.drain(),
      closed: () => {
        this.#all.delete(this);
        handler.closed();
      },
    });
  }

  write(bytes: Uint8Array): number {
    return this.#inner.write(bytes);
  }

  pause(): void {
    this.#inner.pause();
  }

  resume(): void {
    this.#inner.resume();
  }

  end(): void {
    this.#all.delete(this);
    this.#inner.end();
  }

  terminate(): void {
    this.#all.delete(this);
    this.#inner.terminate();
  }

  cut(): void {
    this.terminate();
    this.#handler?.closed();
  }
}

/** A proxy in front of one port, which can be made to hold what passes (nothing is lost, nothing arrives), or to be gone. */
import type { Socket, TCPSocketListener } from "bun";

type Side = Socket<Pair>;

interface Pair {
  near: Side;
  far: Side | undefined;
  /** Bytes that wait, by their direction. */
  up: Uint8Array[];
  down: Uint8Array[];
}

export class TcpProxy implements Disposable {
  readonly #target: number;
  readonly #listener: TCPSocketListener<Pair>;
  readonly #pairs = new Set<Pair>();
  #holdsUp = false;
  #holdsDown = false;

  constructor(target: number) {
    this.#target = target;
    this.#listener = Bun.listen<Pair>({
      hostname: "127.0.0.1",
      port: 0,
      socket: {
        open: (near) => this.#accept(near),
        data: (near, bytes) => {
          near.data.up.push(bytes.slice());
          this.#flush(near.data);
        },
        drain: (near) => this.#flush(near.data),
        close: (near) => this.#end(near.data),
        error: () => {},
      },
    });
  }

  get port(): number {
    return this.#listener.port;
  }

  /** Pieces that wait, or have no taker. */
  get held(): number {
    return [...this.#pairs].reduce((sum, { up, down }) => sum + up.length + down.length, 0);
  }

  /** As in a network that is parted: connections stay, and nothing comes through, in one or both directions. */
  hold({ up = true, down = true } = {}): void {
    [this.#holdsUp, this.#holdsDown] = [up, down];
  }

  /** What was held comes through. */
  release(): void {
    this.hold({ up: false, down: false });
    for (const pair of this.#pairs) this.#flush(pair);
  }

  /** All connections end, and what was held is lost. */
  cut(): void {
    for (const pair of this.#pairs) this.#end(pair);
  }

  [Symbol.dispose](): void {
    this.#listener.stop(true);
    this.cut();
  }

  #accept(near: Side): void {
    const pair: Pair = { near, far: undefined, up: [], down: [] };
    near.data = pair;
    this.#pairs.add(pair);
    void this.#connect(pair);
  }

  async #connect(pair: Pair): Promise<void> {
    try {
      pair.far = await Bun.connect<Pair>({
        hostname: "127.0.0.1",
        port: this.#target,
        data: pair,
        socket: {
          data: (_, bytes) => {
            pair.down.push(bytes.slice());
            this.#flush(pair);
          },
          drain: () => this.#flush(pair),
          close: () => this.#end(pair),
          error: () => {},
        },
      });
      this.#flush(pair);
    } catch {
      this.#end(pair); // nobody listens there
    }
  }

  #flush({ near, far, up, down }: Pair): void {
    if (!this.#holdsUp && far) write(far, up);
    if (!this.#holdsDown) write(near, down);
  }

  #end(pair: Pair): void {
    if (!this.#pairs.delete(pair)) return;
    pair.near.terminate();
    pair.far?.terminate();
  }
}

/** Writes as much as the kernel takes; the rest stays. */
function write(socket: Side, waiting: Uint8Array[]): void {
  for (let bytes = waiting.shift(); bytes; bytes = waiting.shift()) {
    const taken = Math.max(0, socket.write(bytes));
    if (taken === bytes.byteLength) continue;
    waiting.unshift(bytes.subarray(taken));
    return;
  }
}

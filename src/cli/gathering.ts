/** Gathering: what comes in a bunch, like ten bots at a start, is told in one line. */
import type { PeerInfo } from "../base/ids.ts";
import { oneLine } from "../base/log.ts";
import type { Clock, Timer } from "../base/world.ts";

const GATHER_MS = 300;

export class Gathering<Item> implements Disposable {
  readonly #clock: Clock;
  readonly #waitMs: number;
  readonly #tell: (items: Item[]) => void;
  #items: Item[] = [];
  #timer: Timer | undefined;

  /** `tell` gets, in order, what came within `waitMs` of the first. */
  constructor(clock: Clock, waitMs: number, tell: (items: Item[]) => void) {
    this.#clock = clock;
    this.#waitMs = waitMs;
    this.#tell = tell;
  }

  add(item: Item): void {
    this.#items.push(item);
    this.#timer ??= this.#clock.after(this.#waitMs, () => {
      this.#timer = undefined;
      this.#tell(this.#items.splice(0));
    });
  }

  [Symbol.dispose](): void {
    this.#timer?.[Symbol.dispose]();
  }
}

/** Gathers peers, and tells their names: "ann, bob", and how many there are. */
export function gatherNames(clock: Clock, tell: (who: string, count: number) => void): Gathering<PeerInfo> {
  return new Gathering(clock, GATHER_MS, (peers) => {
    const names = [...new Set(peers.map((peer) => oneLine(peer.name)))];
    tell(names.join(", "), names.length);
  });
}

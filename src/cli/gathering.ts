/** Gathering: what comes in a bunch, like ten bots at a start, is told in one line. */
import type { Clock, Timer } from "../base/world.ts";

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

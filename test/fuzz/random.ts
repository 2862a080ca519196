/** Random choices for the fuzzing: the same for the same seed, or for the same input. */
import { seededRandom } from "../../src/testing/random.ts";

export class Dice {
  readonly #random: () => number;

  constructor(seed: number) {
    this.#random = seededRandom(seed);
  }

  /** The same dice for the same bytes: what a target draws is a part of its input. */
  static of(bytes: Uint8Array): Dice {
    return new Dice(Bun.hash.crc32(bytes));
  }

  /** From 0, below `count`. */
  below(count: number): number {
    return Math.floor(this.#random() * count);
  }

  chance(share: number): boolean {
    return this.#random() < share;
  }

  /** A length that is short most of the time and may be as long as `max`. */
  length(max: number): number {
    return this.below(Math.min(max, 2 ** this.below(16))) + 1;
  }

  pick<Item>(items: readonly Item[]): Item {
    const item = items[this.below(items.length)];
    if (item === undefined) throw new Error("there is nothing to pick from");
    return item;
  }

  /** The bytes in pieces of any size, cut now and then. */
  cut(bytes: Uint8Array): Uint8Array[] {
    const pieces: Uint8Array[] = [];
    for (let at = 0; at < bytes.byteLength;) {
      const size = this.chance(0.3) ? bytes.byteLength : this.length(bytes.byteLength);
      pieces.push(bytes.subarray(at, at + size));
      at += size;
    }
    return pieces;
  }
}

/** Rotation: several registries, of which a client uses one at a time; the last good one goes first, after a restart too. */
import { keepLastGood, lastGood, type RegistryMemory } from "./memory.ts";

export class Rotation {
  /** As they were given. */
  readonly urls: readonly string[];
  readonly #memory: RegistryMemory;
  #at: number;

  /** `urls` has at least one. */
  constructor(urls: readonly string[], memory: RegistryMemory) {
    this.urls = urls;
    this.#memory = memory;
    this.#at = Math.max(0, urls.indexOf(lastGood(memory) ?? ""));
  }

  get current(): string {
    return this.urls[this.#at] ?? "";
  }

  /** It is the next one's turn. */
  turn(): void {
    this.#at = (this.#at + 1) % this.urls.length;
  }

  /** The current one is good. Returns the one that was before, if that was another. */
  settle(): string | undefined {
    const before = lastGood(this.#memory) ?? this.urls[0];
    keepLastGood(this.#memory, this.current);
    return before !== this.current && this.urls.includes(before ?? "") ? before : undefined;
  }
}

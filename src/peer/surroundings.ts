/** Surroundings: which network we are in, and what is to be done when it is another one. */
import { formatAddress, type Address } from "../base/ids.ts";

export class Surroundings {
  readonly #addresses: () => readonly Address[];
  readonly #changed: () => void;
  #before: string | undefined;

  constructor(addresses: () => readonly Address[], changed: () => void) {
    this.#addresses = addresses;
    this.#changed = changed;
  }

  look(): void {
    const now = this.#addresses().map(formatAddress).join();
    const isOther = this.#before !== undefined && now !== this.#before;
    this.#before = now;
    if (isOther) this.#changed();
  }
}

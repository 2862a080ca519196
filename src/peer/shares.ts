/** Shares: how many of the waiting messages in memory are of one peer, so that it cannot take the room of all others. */

/** Messages of one peer that wait in memory; what comes beyond waits on disk, where it is nobody in the way. */
export const MAX_SHARE = 256;

export class Shares {
  readonly #counts = new Map<number, number>(); // by peer; no zeros
  readonly #behind = new Set<number>(); // peers of whom more is on disk: what comes of them now comes after that

  /** Whether a message of this peer may wait in memory; if not, neither may the next ones, until it is looked again. */
  hasRoom(peer: number): boolean {
    if (this.#behind.has(peer)) return false;
    if ((this.#counts.get(peer) ?? 0) < MAX_SHARE) return true;
    this.#behind.add(peer);
    return false;
  }

  take(peer: number): void {
    this.#counts.set(peer, (this.#counts.get(peer) ?? 0) + 1);
  }

  /** Returns whether there is more of this peer on disk, and room for much of it. */
  give(peer: number): boolean {
    const count = (this.#counts.get(peer) ?? 0) - 1;
    if (count > 0) this.#counts.set(peer, count);
    else this.#counts.delete(peer);
    return this.#behind.has(peer) && count <= MAX_SHARE / 4;
  }

  /** What was left on disk is looked at again, from its beginning. */
  lookAgain(): void {
    this.#behind.clear();
  }

  /** Nothing waits in memory any more. */
  clear(): void {
    this.#counts.clear();
    this.#behind.clear();
  }
}

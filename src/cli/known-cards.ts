/** Known cards: what the bots that somebody talks to can do, also of one that is offline. */
import type { Card } from "../base/card.ts";
import { describeError } from "../base/errors.ts";
import { isName } from "../base/ids.ts";
import type { Peer } from "../peer/peer.ts";

export class KnownCards {
  readonly #peer: () => Peer | undefined;
  // Of those whom the subscription tells nothing about, by name: the question to the registry, and what it has answered.
  readonly #asked = new Map<string, Promise<Card | undefined>>();
  readonly #known = new Map<string, Card>();

  /** `peer`: whose registry is asked, while there is one. */
  constructor(peer: () => Peer | undefined) {
    this.#peer = peer;
  }

  /** What is known by now; the rest is there at a later call. */
  now(name: string): Card | undefined {
    void this.get(name);
    return this.#ofOnline(name) ?? this.#known.get(name);
  }

  /** Of who is offline the registry is asked, once. */
  async get(name: string): Promise<Card | undefined> {
    const card = this.#ofOnline(name);
    const peer = this.#peer();
    if (card || !peer || !isName(name)) return card;
    const asked = this.#asked.get(name) ?? this.#ask(peer, name);
    this.#asked.set(name, asked);
    return await asked;
  }

  /** Another registry may know other bots. */
  clear(): void {
    this.#asked.clear();
    this.#known.clear();
  }

  async #ask(peer: Peer, name: string): Promise<Card | undefined> {
    try {
      const [entry] = await peer.find({ name });
      if (entry?.card) this.#known.set(name, entry.card);
      return entry?.card;
    } catch (error) {
      this.#asked.delete(name); // nothing but a convenience is lost, and it may answer the next time
      peer.log.debug(`what ${name} can do is not known: ${describeError(error)}`);
      return undefined;
    }
  }

  #ofOnline(name: string): Card | undefined {
    return this.#peer()?.directory?.named(name)[0]?.card;
  }
}

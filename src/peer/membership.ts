/** Membership: the directory that a peer is in, and what it says of itself there. */
import type { Card } from "../base/card.ts";
import type { Address, PeerId, PeerInfo } from "../base/ids.ts";
import type { Directory } from "./directory.ts";

export interface MembershipHost {
  readonly self: PeerInfo;
  readonly addresses: () => readonly Address[];
  readonly registered: () => void;
  readonly online: (peer: PeerInfo) => void;
  readonly offline: (peer: PeerInfo) => void;
  readonly notice: (error: Error) => void;
}

export class Membership {
  readonly #host: MembershipHost;
  #directory: Directory | undefined;
  #listening: (() => void)[] = []; // ends of it
  #card: Card = { about: "", commands: [] };

  constructor(host: MembershipHost) {
    this.#host = host;
  }

  get directory(): Directory | undefined {
    return this.#directory;
  }

  setCard(card: Card): void {
    this.#card = card;
    this.announce();
  }

  /** Joins a directory, leaving the one before; or none. */
  async join(directory: Directory | undefined): Promise<void> {
    const before = this.#leave();
    this.#directory = directory;
    if (directory) {
      const { self, registered, online, offline, notice } = this.#host;
      const present = new Set<PeerId>(); // an entry that only changes is no news
      this.#listening = [
        directory.on("online", ({ id, name, kind }) => {
          if (id === self.id || present.has(id)) return;
          present.add(id);
          online({ id, name, kind });
        }),
        directory.on("offline", ({ id, name, kind }) => {
          if (present.delete(id)) offline({ id, name, kind });
        }),
        directory.on("connected", registered),
        directory.on("notice", notice),
      ];
      this.announce();
    }
    await before?.[Symbol.asyncDispose]();
  }

  /** Leaves without a goodbye. */
  async hangUp(): Promise<void> {
    await this.#leave()?.hangUp();
  }

  /** Says what this peer is now. */
  announce(): void {
    const { self, addresses } = this.#host;
    this.#directory?.announce({ ...self, addresses: addresses(), card: this.#card });
  }

  #leave(): Directory | undefined {
    const directory = this.#directory;
    for (const end of this.#listening.splice(0)) end();
    this.#directory = undefined;
    return directory;
  }
}

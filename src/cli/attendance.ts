/** Attendance: everyone whom a chat has seen, and who comes and goes. */
import type { PeerId, PeerInfo } from "../base/ids.ts";
import type { Clock } from "../base/world.ts";
import type { UserInfo } from "../peer/message.ts";
import { Gathering, gatherNames } from "./gathering.ts";

export class Attendance implements Disposable {
  readonly #known = new Map<string, PeerInfo>(); // by name
  readonly #present = new Map<PeerId, string>(); // the names of those of whom it was told that they are online
  readonly #arrivals: Gathering<PeerInfo>;
  readonly #departures: Gathering<PeerInfo>;

  constructor(clock: Clock, note: (text: string) => void) {
    this.#arrivals = gatherNames(clock, (who, count) => note(`${who} ${count === 1 ? "is" : "are"} online`));
    this.#departures = gatherNames(clock, (who) => note(`${who} went offline`));
  }

  /** The names of everyone seen, sorted. */
  get names(): string[] {
    return [...this.#known.keys()].sort();
  }

  get presentNames(): string[] {
    return [...this.#present.values()];
  }

  has(name: string): boolean {
    return this.#known.has(name);
  }

  seen(peer: PeerInfo): void {
    this.#known.set(peer.name, peer);
  }

  /** Who is there at a beginning. It is not told here. */
  begin(users: readonly UserInfo[]): void {
    this.#present.clear();
    for (const user of users) {
      if (user.self) continue;
      this.seen(user);
      if (user.online) this.#present.set(user.id, user.name);
    }
  }

  changed(peer: PeerInfo, isOnline: boolean): void {
    this.seen(peer);
    if (isOnline === this.#present.has(peer.id)) return; // something else about it has changed
    if (isOnline) this.#present.set(peer.id, peer.name);
    else this.#present.delete(peer.id);
    (isOnline ? this.#arrivals : this.#departures).add(peer);
  }

  [Symbol.dispose](): void {
    this.#arrivals[Symbol.dispose]();
    this.#departures[Symbol.dispose]();
  }
}

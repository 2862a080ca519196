/** Roster: who is online now, by whose session, and what changed. It lives in memory; its peers' records are on disk. */
import type { WarrenError } from "../base/errors.ts";
import type { PeerId, PeerKind } from "../base/ids.ts";
import type { Clock } from "../base/world.ts";
import { ChangeLog } from "./change-log.ts";
import type { RecordBody } from "./record.ts";

/** A session through which a peer is here. */
export interface Leaseholder {
  /** It has lost the peer, for a reason that its other side should read. */
  dismiss(reason: WarrenError): void;
  /** The registry signed the grant anew. */
  renew(listed: Listed): void;
  /** It stands for a session at another process. */
  readonly isElsewhere?: boolean;
}

export interface Listed {
  readonly body: RecordBody;
  /** As it was signed. */
  readonly record: string;
  /** When the key first got its name. */
  readonly since: number;
  readonly grant: string;
  /** When the grant ends, in epoch ms. */
  readonly notAfter: number;
  /** The store's number of this admission. */
  readonly stay: number;
}

/** One peer's stay: from its coming online to its going offline. */
export interface Presence {
  listed: Listed;
  isOnline: boolean;
  /** Whose it is; undefined while it is waited for. */
  holder: Leaseholder | undefined;
  /** Steady time at which a peer that is waited for counts as gone. */
  goneAt: number;
  /** Steady time of the record's receipt. */
  receivedAt: number;
}

export interface ArrivalDetails {
  waitMs?: number | undefined;
  /** How long ago the record was received. */
  ageMs?: number | undefined;
  /** The change's place in the log; without one it is the next. */
  position?: number | undefined;
}

export class Roster {
  #changes: ChangeLog<Presence>;
  readonly #clock: Clock;
  readonly #present = new Map<PeerId, Presence>();
  readonly #watchers = new Set<() => void>();
  #isTelling = false;

  constructor(clock: Clock, history: string) {
    this.#clock = clock;
    this.#changes = new ChangeLog(history);
  }

  get changes(): ChangeLog<Presence> {
    return this.#changes;
  }

  /** What was told until now is of another history: readers begin anew. Everything after `floor` is told from here on. */
  restart(history: string, floor: number): void {
    this.#changes = new ChangeLog(history, floor);
    this.#tell();
  }

  get size(): number {
    return this.#present.size;
  }

  count(): Record<PeerKind, number> {
    const counts = { person: 0, bot: 0 };
    for (const { listed } of this.#present.values()) counts[listed.body.kind]++;
    return counts;
  }

  get(id: PeerId): Presence | undefined {
    return this.#present.get(id);
  }

  present(): Iterable<Presence> {
    return this.#present.values();
  }

  /** `watcher` is told once a turn in which something changed. Returns the end of it. */
  watch(watcher: () => void): () => void {
    this.#watchers.add(watcher);
    return () => void this.#watchers.delete(watcher);
  }

  /**
   * The peer is here, through `holder`, or through nobody yet and for `waitMs`. Coming back unchanged is no change.
   */
  arrive(listed: Listed, holder: Leaseholder | undefined, more: ArrivalDetails = {}): void {
    const { waitMs = 0, ageMs = 0, position } = more;
    const { id } = listed.body;
    const known = this.#present.get(id);
    const presence = known ?? { listed, isOnline: true, holder, goneAt: 0, receivedAt: 0 };
    const isNews = known?.listed.record !== listed.record || known.listed.since !== listed.since;
    presence.listed = listed;
    presence.holder = holder;
    presence.goneAt = holder ? Infinity : this.#clock.steady() + waitMs;
    presence.receivedAt = this.#clock.steady() - ageMs;
    this.#present.set(id, presence);
    if (isNews) this.#publish(presence, position);
  }

  /** The holder's connection broke: it has `graceMs` to come back. */
  lose(id: PeerId, holder: Leaseholder, graceMs: number): void {
    const presence = this.#present.get(id);
    if (presence?.holder !== holder) return; // a newer session has it: the end of an old one says nothing
    presence.holder = undefined;
    presence.goneAt = this.#clock.steady() + graceMs;
  }

  /** The peer is offline from now on. */
  leave(id: PeerId, position?: number): void {
    const presence = this.#present.get(id);
    if (!presence) return;
    this.#present.delete(id);
    presence.isOnline = false;
    presence.holder = undefined;
    this.#publish(presence, position);
  }

  /** A peer left before this roster knew of it: that is for readers who were away. */
  note(listed: Listed, position: number | undefined): void {
    this.#publish(
      { listed, isOnline: false, holder: undefined, goneAt: 0, receivedAt: this.#clock.steady() },
      position,
    );
  }

  /** How many are waited for. */
  get missing(): number {
    let count = 0;
    for (const { holder } of this.#present.values()) if (!holder) count++;
    return count;
  }

  /** Whoever is waited for has `waitMs` from now on. */
  waitAnew(waitMs: number): void {
    for (const presence of this.#present.values()) {
      if (!presence.holder) presence.goneAt = this.#clock.steady() + waitMs;
    }
  }

  /** Those whose time to come back is over, or whose record has run out. */
  overdue(): PeerId[] {
    const now = this.#clock.steady();
    return [...this.#present.values()]
      .filter(({ goneAt, receivedAt, listed }) => goneAt <= now || receivedAt + listed.body.ttl * 1_000 <= now)
      .map(({ listed }) => listed.body.id);
  }

  #publish(presence: Presence, position?: number): void {
    this.#changes.add(presence, position);
    this.#tell();
  }

  #tell(): void {
    if (this.#isTelling) return;
    this.#isTelling = true;
    this.#clock.soon(() => {
      this.#isTelling = false;
      for (const watcher of this.#watchers) watcher();
    });
  }
}

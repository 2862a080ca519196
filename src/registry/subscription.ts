/**
 * Subscription: a reader's place in the roster's changes. Nothing is buffered for it: it is only a position, and a reader
 * that falls too far behind gets a new snapshot.
 */
import type { Clock } from "../base/world.ts";
import type { PeerFrame, ServerFrame } from "./frames.ts";
import type { Presence, Roster } from "./roster.ts";

/** Tells one frame, with the peer that it is about, and returns whether there is room for more. */
export type TellFrame = (frame: ServerFrame, about: Presence | undefined) => boolean;

export class Subscription implements Disposable {
  readonly #roster: Roster;
  readonly #clock: Clock;
  readonly #send: TellFrame;
  #changes: Roster["changes"]; // the log in which the position is one
  #position: number; // everything up to here has been sent
  #snapshot: Presence[] = []; // what is still to be sent of it, the last one first
  #isSynced = false;
  #isBlocked = false;
  readonly #unwatch: () => void;

  /** `send` returns whether there is room for more; `resume` is to be called when there is again. */
  constructor(roster: Roster, clock: Clock, after: string | undefined, send: TellFrame) {
    this.#roster = roster;
    this.#clock = clock;
    this.#send = send;
    this.#changes = roster.changes;
    this.#position = (after === undefined ? undefined : roster.changes.positionOf(after)) ?? -1;
    this.#unwatch = roster.watch(() => this.#pump());
    this.#pump();
  }

  resume(): void {
    this.#isBlocked = false;
    this.#pump();
  }

  [Symbol.dispose](): void {
    this.#unwatch();
  }

  /** Sends what there is, as long as there is room. */
  #pump(): void {
    while (!this.#isBlocked) {
      const next = this.#next();
      if (next === undefined) return;
      this.#isBlocked = !this.#send(...next);
    }
  }

  #next(): Parameters<TellFrame> | undefined {
    const { changes } = this.#roster;
    if (changes !== this.#changes || !changes.covers(this.#position)) {
      this.#changes = changes;
      this.#position = changes.head; // what changes while the snapshot is on its way follows it
      this.#snapshot = [...this.#roster.present()].reverse();
      this.#isSynced = false;
      return [{ t: "snapshot" }, undefined];
    }
    for (let presence = this.#snapshot.pop(); presence; presence = this.#snapshot.pop()) {
      if (presence.isOnline) return [this.#describe(presence), presence];
    }
    const change = changes.after(this.#position);
    this.#position = change?.position ?? changes.head;
    if (change) {
      return [{ ...this.#describe(change.subject), cursor: changes.cursorOf(change.position) }, change.subject];
    }
    if (this.#isSynced) return undefined;
    this.#isSynced = true;
    return [{ t: "synced", cursor: changes.cursorOf(this.#position) }, undefined];
  }

  #describe({ listed, isOnline, receivedAt }: Presence): PeerFrame {
    const age = Math.max(0, Math.floor((this.#clock.steady() - receivedAt) / 1_000));
    return { t: "peer", online: isOnline, age, record: listed.record, grant: listed.grant };
  }
}

/**
 * Heard: whether a message of a peer has come before, under another number. Its id says of which run of its sender it is, and
 * within a run ids grow: the newest one of each run is enough to know them all. See docs/protocol.md, "Messages".
 */
import type { HeardRuns } from "../store/heard.ts";

export class Heard {
  readonly #peer: number;
  readonly #store: HeardRuns;
  #run = ""; // the one of the latest message
  #count: string | undefined; // the highest of it; undefined: none came
  #isDirty = false;

  /** `latest`: the id of the message that was taken last, which is kept with the session; "" if that is not known. */
  constructor(peer: number, store: HeardRuns, latest: string) {
    this.#peer = peer;
    this.#store = store;
    if (latest !== "") this.take(latest);
  }

  /** Notes a message; false if it, or a later one of its run, was noted before. */
  take(id: string): boolean {
    const dot = id.lastIndexOf(".");
    const run = dot === -1 ? id : id.slice(0, dot); // an id of another form is a run of its own
    const count = dot === -1 ? "" : id.slice(dot + 1);
    if (run !== this.#run) {
      this.save();
      this.#run = run;
      this.#count = this.#store.last(this.#peer, run);
    }
    if (this.#count !== undefined && !isAfter(count, this.#count)) return false;
    this.#count = count;
    this.#isDirty = true;
    return true;
  }

  /** To be called when the id of the latest message that is kept with the session will be another one than the latest noted. */
  save(): void {
    if (!this.#isDirty) return;
    this.#isDirty = false;
    this.#store.save(this.#peer, this.#run, this.#count ?? "");
  }
}

/** Numbers without leading zeros, in any base whose digits grow with their bytes: the longer one, or the one that sorts later. */
export function isAfter(count: string, other: string): boolean {
  return count.length === other.length ? count > other : count.length > other.length;
}

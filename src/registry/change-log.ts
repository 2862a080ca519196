/**
 * Change log: what changed, in order, for those who were away for a moment. It is short, and says when it is too short.
 * Positions rise, not always by one: where several processes share a store, they are the store's.
 */

/** Most changes that are kept. */
export const MAX_CHANGES = 8_192;

interface Change<Subject> {
  readonly position: number;
  readonly subject: Subject;
}

export class ChangeLog<Subject extends object> {
  /** Names this log: positions of another one mean nothing here. */
  readonly #history: string;
  readonly #latest = new WeakMap<Subject, number>();
  #changes: Change<Subject>[] = []; // by their positions
  #floor: number; // everything after it is here

  constructor(history: string, floor = 0) {
    this.#history = history;
    this.#floor = floor;
  }

  /** The position of the latest change; before the first, the one that everything is after. */
  get head(): number {
    return this.#changes.at(-1)?.position ?? this.#floor;
  }

  add(subject: Subject, position = this.head + 1): void {
    if (position <= this.head) return; // it was before everything that is here
    if (this.#changes.length === MAX_CHANGES) {
      const forgotten = this.#changes.splice(0, MAX_CHANGES / 2); // by halves: one off the front each time is slow
      this.#floor = forgotten.at(-1)?.position ?? this.#floor;
    }
    this.#changes.push({ position, subject });
    this.#latest.set(subject, position);
  }

  /** Whether everything after `position` is still here. */
  covers(position: number): boolean {
    return position >= this.#floor && position <= this.head;
  }

  /** The first change after `position` whose subject has not changed again since: the others come later, once. */
  after(position: number): Change<Subject> | undefined {
    for (let index = this.#indexAfter(position); index < this.#changes.length; index++) {
      const change = this.#changes[index];
      if (change && this.#latest.get(change.subject) === change.position) return change;
    }
    return undefined;
  }

  cursorOf(position: number): string {
    return `${this.#history}.${position}`;
  }

  /** The position that a cursor stands for, if it is one of this log and nothing after it has been forgotten. */
  positionOf(cursor: string): number | undefined {
    const [history, digits = ""] = cursor.split(".", 2);
    const position = /^\d{1,15}$/.test(digits) ? Number(digits) : -1;
    return history === this.#history && this.covers(position) ? position : undefined;
  }

  #indexAfter(position: number): number {
    let low = 0;
    let high = this.#changes.length; // the index is in low..high
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#changes[middle]?.position ?? Infinity) > position) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}

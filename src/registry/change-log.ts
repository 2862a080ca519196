/** Change log: what changed, in order, for those who were away for a moment. It is short, and says when it is too short. */

const MAX_CHANGES = 8_192;

export class ChangeLog<Subject extends object> {
  /** Names this log: positions of another one mean nothing here. */
  readonly #history: string;
  readonly #latest = new WeakMap<Subject, number>();
  #subjects: Subject[] = []; // of the changes #first, #first + 1, …
  #first = 1;

  constructor(history: string) {
    this.#history = history;
  }

  /** The position of the latest change; 0 before the first. */
  get head(): number {
    return this.#first + this.#subjects.length - 1;
  }

  add(subject: Subject): void {
    if (this.#subjects.length === MAX_CHANGES) {
      this.#subjects = this.#subjects.slice(MAX_CHANGES / 2); // by halves: taking one off the front each time is slow
      this.#first += MAX_CHANGES / 2;
    }
    this.#subjects.push(subject);
    this.#latest.set(subject, this.head);
  }

  /** Whether everything after `position` is still here. */
  covers(position: number): boolean {
    return position >= this.#first - 1 && position <= this.head;
  }

  /** The subject of the change at `position`, unless it has changed again since: then it comes later, once. */
  at(position: number): Subject | undefined {
    const subject = this.#subjects[position - this.#first];
    return subject && this.#latest.get(subject) === position ? subject : undefined;
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
}

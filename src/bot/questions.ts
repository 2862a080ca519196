/** Questions: the one that a dialog has asked and nobody has answered yet, and those who wait for the next one. */

export interface Question {
  readonly text: string;
  /** False once it was answered, or its time is over. */
  readonly isOpen: boolean;
  read(text: string): Promise<{ kind: "value"; value: unknown } | { kind: "wrong"; sentence: string }>;
  /** Notes the answer, to be committed with this turn. */
  answer(value: unknown): void;
  /** Notes a wrong answer. Returns false when it was one too many. */
  admitWrong(): boolean;
}

export class Questions {
  #open: Question | undefined;
  #changed = Promise.withResolvers<void>();
  #isOver = false;

  get open(): Question | undefined {
    return this.#open;
  }

  set open(question: Question | undefined) {
    this.#open = question;
    if (question) this.#wake();
  }

  /** The open question, or the next one; undefined when the dialog ends without one. */
  async next(): Promise<Question | undefined> {
    while (!this.#open && !this.#isOver) await this.#changed.promise;
    return this.#open;
  }

  /** There will be no more. */
  end(): void {
    this.#isOver = true;
    this.#open = undefined;
    this.#wake();
  }

  /** Whoever waits is given the error. */
  fail(reason: unknown): void {
    const { promise, reject } = this.#changed;
    void promise.catch(() => {}); // there may be nobody who waits
    reject(reason);
  }

  #wake(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }
}

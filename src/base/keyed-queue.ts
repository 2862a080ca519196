/** Keyed queue: tasks of one key run one after another, in order; those of different keys do not wait for each other. */

/** Must not throw or reject: what becomes of a failure is for the task to say. */
type Task = () => Promise<void> | void;

/** After so many tasks that had to wait, the next one waits for another turn of the event loop: there may be thousands. */
const MAX_IN_A_ROW = 256;

export class KeyedQueue<Key> {
  readonly #soon: (task: () => void) => void;
  #inARow = 0; // tasks that had to wait, since one was put off
  readonly #waiting = new Map<Key, Task[] | undefined>(); // a key is here exactly while one of its tasks runs

  /** `soon` puts something off until the next turn of the event loop. */
  constructor(soon: (task: () => void) => void) {
    this.#soon = soon;
  }

  /** Runs the task at once if nothing of its key runs; a task that needs no waiting ends before `add` returns. */
  add(key: Key, task: Task): void {
    const queue = this.#waiting.get(key);
    if (queue) return void queue.push(task);
    if (this.#waiting.has(key)) return void this.#waiting.set(key, [task]);
    this.#waiting.set(key, undefined); // nearly always nothing else comes before it has ended
    this.#run(key, task);
  }

  /** Forgets every task that has not begun. */
  clear(): void {
    for (const queue of this.#waiting.values()) if (queue) queue.length = 0;
  }

  #run(key: Key, first: Task): void {
    for (let task: Task | undefined = first; task; task = this.#waiting.get(key)?.shift()) {
      const running = task();
      if (running instanceof Promise) return void running.then(() => this.#runNext(key));
      if (this.#isPutOff(key)) return;
    }
    this.#waiting.delete(key);
  }

  #runNext(key: Key): void {
    if (this.#isPutOff(key)) return;
    const next = this.#waiting.get(key)?.shift();
    if (next) this.#run(key, next);
    else this.#waiting.delete(key);
  }

  #isPutOff(key: Key): boolean {
    if (!this.#waiting.get(key)?.length || ++this.#inARow < MAX_IN_A_ROW) return false;
    this.#inARow = 0;
    this.#soon(() => this.#runNext(key));
    return true;
  }
}

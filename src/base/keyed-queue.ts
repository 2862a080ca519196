/** Keyed queue: tasks of one key run one after another, in order; those of different keys do not wait for each other. */

/** Must not throw or reject: what becomes of a failure is for the task to say. */
type Task = () => Promise<void> | void;

export class KeyedQueue<Key> {
  readonly #waiting = new Map<Key, Task[]>(); // a key is here exactly while one of its tasks runs

  /** Runs the task at once if nothing of its key runs; a task that needs no waiting ends before `add` returns. */
  add(key: Key, task: Task): void {
    const queue = this.#waiting.get(key);
    if (queue) {
      queue.push(task);
    } else {
      this.#waiting.set(key, [task]);
      this.#drain(key);
    }
  }

  /** Forgets every task that has not begun. */
  clear(): void {
    for (const queue of this.#waiting.values()) queue.length = 0;
  }

  #drain(key: Key): void {
    const queue = this.#waiting.get(key) ?? [];
    for (let task = queue.shift(); task; task = queue.shift()) {
      const running = task();
      if (running instanceof Promise) {
        void running.then(() => this.#drain(key));
        return;
      }
    }
    this.#waiting.delete(key);
  }
}

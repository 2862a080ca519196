/** Keyed queue: tasks of one key run one after another, in order; those of different keys do not wait for each other. */

/** Must not throw or reject: what becomes of a failure is for the task to say. */
type Task = () => Promise<void> | void;

export class KeyedQueue<Key> {
  readonly #waiting = new Map<Key, Task[] | undefined>(); // a key is here exactly while one of its tasks runs

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
    }
    this.#waiting.delete(key);
  }

  #runNext(key: Key): void {
    const next = this.#waiting.get(key)?.shift();
    if (next) this.#run(key, next);
    else this.#waiting.delete(key);
  }
}

/** A clock that stands still until it is told to go on. */
import { type Clock, sleep, type Timer } from "../base/world.ts";

interface Pending {
  readonly at: number;
  readonly order: number;
  readonly task: () => void;
}

export class ManualClock implements Clock {
  #steady = 0;
  #wallOffset: number;
  #order = 0;
  #timers: Pending[] = []; // sorted by (at, order)
  #soon: (() => void)[] = [];

  /** `now` is the wall time at the start, in epoch ms. */
  constructor(now = Date.UTC(2026, 0, 1)) {
    this.#wallOffset = now;
  }

  now(): number {
    return Math.floor(this.#wallOffset + this.#steady);
  }

  steady(): number {
    return this.#steady;
  }

  /** Makes the wall clock jump, as a time server or a person does. */
  jump(ms: number): void {
    this.#wallOffset += ms;
  }

  /** Lets time pass in which nothing runs, as if the process was held: what was due comes late. */
  skip(ms: number): void {
    this.#steady += ms;
  }

  after(ms: number, task: () => void): Timer {
    const timer: Pending = { at: this.#steady + Math.max(0, ms), order: this.#order++, task };
    let index = this.#timers.length;
    while (index > 0 && (this.#timers[index - 1]?.at ?? 0) > timer.at) index--;
    this.#timers.splice(index, 0, timer);
    return {
      [Symbol.dispose]: () => {
        const found = this.#timers.indexOf(timer);
        if (found !== -1) this.#timers.splice(found, 1);
      },
    };
  }

  soon(task: () => void): void {
    this.#soon.push(task);
  }

  /** Resolves `ms` from now, when the clock is turned so far: what a test plays may come late. */
  async sleep(ms: number): Promise<void> {
    await sleep(this, ms);
  }

  /** Lets everything happen that needs no time: promises, and the ends of turns. */
  async settle(): Promise<void> {
    for (;;) {
      await new Promise((resolve) => setImmediate(resolve)); // every promise that can go on has gone on
      const tasks = this.#soon.splice(0);
      if (tasks.length === 0) return;
      for (const task of tasks) task();
    }
  }

  /** Goes on by `ms`; what is due on the way runs in order, each at its own time. */
  async advance(ms: number): Promise<void> {
    const end = this.#steady + ms;
    await this.settle();
    for (let next = this.#timers[0]; next && next.at <= end; next = this.#timers[0]) {
      this.#steady = Math.max(this.#steady, next.at);
      // What is due at the same time happens in the same turn.
      for (let timer = this.#timers[0]; timer && timer.at <= next.at; timer = this.#timers[0]) {
        this.#timers.shift();
        timer.task();
      }
      await this.settle();
    }
    this.#steady = end;
  }

  /** Ms until something is due; undefined if nothing ever will be. */
  get untilNext(): number | undefined {
    const next = this.#timers[0];
    return next && next.at - this.#steady;
  }
}

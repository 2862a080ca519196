/** The clock of one process in the simulation: the time of all, a wall clock of its own, and an end. */
import type { Clock, Timer } from "../base/world.ts";
import type { ManualClock } from "./manual-clock.ts";

export class LifeClock implements Clock {
  readonly #clock: ManualClock;
  #offset: number; // of this machine's wall clock, in ms
  #frozenAt: number | undefined;
  #isAlive = true;

  constructor(clock: ManualClock, offset = 0) {
    this.#clock = clock;
    this.#offset = offset;
  }

  /** False once the process has ended: whatever promises of it are still to go on, nobody sees it do so. */
  get isAlive(): boolean {
    return this.#isAlive;
  }

  now(): number {
    return this.#frozenAt ?? this.#clock.now() + this.#offset;
  }

  steady(): number {
    return this.#clock.steady();
  }

  /** The wall clock jumps, as a time server or a person makes it. */
  jump(ms: number): void {
    this.#offset += ms;
  }

  /** The wall clock stands still, or goes on. */
  freeze(isFrozen: boolean): void {
    this.#frozenAt = isFrozen ? this.now() : undefined;
  }

  after(ms: number, task: () => void): Timer {
    return this.#clock.after(ms, () => this.#isAlive && task());
  }

  soon(task: () => void): void {
    this.#clock.soon(() => this.#isAlive && task());
  }

  /** Nothing that was to happen happens any more. */
  kill(): void {
    this.#isAlive = false;
  }
}

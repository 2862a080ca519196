/**
 * Starting line: a few bots are loaded at a time. If a hundred were at once, each of them would take so long that it looked as if it
 * hung, and would be ended and begun again.
 */
import type { Clock, Timer } from "../base/world.ts";

/** Who is not up by then, perhaps because it waits for something, holds up the others no longer. */
export const START_WITHIN_MS = 5_000;

export class StartingLine {
  readonly #clock: Clock;
  readonly #room: number;
  readonly #waiting = new Set<Place>();
  #running = 0;

  /** `room`: how many may start at a time. */
  constructor(clock: Clock, room: number) {
    this.#clock = clock;
    this.#room = room;
  }

  /** Begins at once, or when others have left. Dispose of the place when what it is for is up, or is not wanted any more. */
  join(begin: () => void): Place {
    const place: Place = new Place(begin, () => this.#leave(place));
    this.#waiting.add(place);
    return place;
  }

  /** Lets in those for whom there is room. To be called after `join`, when its result is kept where `begin` finds it. */
  advance(): void {
    for (const place of this.#waiting) {
      if (this.#running >= this.#room) return;
      this.#waiting.delete(place);
      this.#running++;
      place.begin(this.#clock);
    }
  }

  #leave(place: Place): void {
    if (!this.#waiting.delete(place)) this.#running--;
    this.advance();
  }
}

/** One place in the line. */
export class Place implements Disposable {
  readonly #begin: () => void;
  #leave: (() => void) | undefined;
  #limit: Timer | undefined;

  constructor(begin: () => void, leave: () => void) {
    this.#begin = begin;
    this.#leave = leave;
  }

  begin(clock: Clock): void {
    this.#limit = clock.after(START_WITHIN_MS, () => this[Symbol.dispose]());
    this.#begin();
  }

  [Symbol.dispose](): void {
    this.#limit?.[Symbol.dispose]();
    const leave = this.#leave;
    this.#leave = undefined;
    leave?.();
  }
}

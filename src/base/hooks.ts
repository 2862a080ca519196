/** Events: typed notifications. Every listener is told; one that fails hides no other. */

export type Listener<Args extends unknown[]> = (...args: Args) => unknown;

/** `Events` maps an event's name to its arguments: `{ "peer:online": [peer: PeerInfo] }`. */
export class Emitter<Events extends Record<keyof Events, unknown[]>> {
  readonly #listeners = new Map<keyof Events, Set<Listener<never>>>();
  readonly #onFailure: (error: unknown, event: keyof Events) => void;

  constructor(onFailure: (error: unknown, event: keyof Events) => void) {
    this.#onFailure = onFailure;
  }

  /** Returns the end of the registration; calling it twice is harmless. */
  on<Event extends keyof Events>(event: Event, listener: Listener<Events[Event]>): () => void {
    const entry: Listener<Events[Event]> = (...args) => listener(...args); // the same function may be registered twice
    const listeners = this.#listeners.get(event) ?? new Set();
    this.#listeners.set(event, listeners.add(entry));
    return () => void listeners.delete(entry);
  }

  /** Whether anybody listens. */
  has(event: keyof Events): boolean {
    return (this.#listeners.get(event)?.size ?? 0) > 0;
  }

  emit<Event extends keyof Events>(event: Event, ...args: Events[Event]): void {
    for (const listener of this.#listeners.get(event) ?? []) {
      try {
        const result = (listener as Listener<Events[Event]>)(...args);
        if (result instanceof Promise) result.catch((error: unknown) => this.#onFailure(error, event));
      } catch (error) {
        this.#onFailure(error, event);
      }
    }
  }
}

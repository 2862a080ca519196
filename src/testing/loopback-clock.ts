/** Loopback clock: turned by hand like any other of a test, and it stands still while something is on a real wire. */
import { systemClock } from "../base/world.ts";
import { ManualClock } from "./manual-clock.ts";

/** Within one machine nothing is on its way for so long. */
const STUCK_MS = 4_000;

export class LoopbackClock extends ManualClock {
  readonly #hasArrived: () => boolean;

  constructor(hasArrived: () => boolean) {
    super();
    this.#hasArrived = hasArrived;
  }

  /** Real time passes until everything has arrived and what it set off is done; none on this clock. */
  override async settle(): Promise<void> {
    const begun = systemClock.steady();
    for (;;) {
      await super.settle(); // each takes at least one turn of the event loop, in which sockets are served
      if (this.#hasArrived()) return;
      if (systemClock.steady() - begun > STUCK_MS) {
        throw new Error(`something is on its way from one peer of the test to another for over ${STUCK_MS} ms`);
      }
    }
  }
}

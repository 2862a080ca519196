/** Control budget: how many frames that need no credit the other side of a connection may send. */
import { TokenBucket, type Rate } from "../base/rate.ts";
import type { Clock } from "../base/world.ts";
import type { Frame, FrameKind } from "../wire/frames.ts";

/** Control frames at once, and how many more each second; what answers a frame of ours comes on top. */
export const MAX_CONTROL_BURST = 5_000;
export const MAX_CONTROL_PER_S = 100;
/** Answers that each message, skip and receipt of ours allows. A message needs three: two acknowledgements and a receipt. */
export const ANSWERS_PER_FRAME = 4;
/** Most answers that may be saved up: for the messages that a full inbox holds. */
export const MAX_ANSWERS = 10_000;
/** How long a peer that did too much stays away. */
export const RATE_LIMITED_PAUSE_MS = 10_000;

const RATE: Rate = { burst: MAX_CONTROL_BURST, perSecond: MAX_CONTROL_PER_S };

export class ControlBudget {
  readonly #bucket: TokenBucket;
  #answers = 0;

  constructor(clock: Clock) {
    this.#bucket = new TokenBucket(clock, RATE);
  }

  /** A frame of ours goes out. */
  sent({ t }: { readonly t: FrameKind }): void {
    if (t !== "msg" && t !== "skip" && t !== "done") return;
    this.#answers = Math.min(MAX_ANSWERS, this.#answers + ANSWERS_PER_FRAME);
  }

  /** A frame came, of an unknown kind if there is none; false if it is one too many. Messages are bounded by credit instead. */
  allows(frame: Frame | undefined): boolean {
    const t = frame?.t;
    if (t === "msg" || t === "skip") return true;
    if (this.#answers > 0 && (t === "ack" || t === "done" || t === "got")) {
      this.#answers--;
      return true;
    }
    return this.#bucket.take() === 0;
  }
}

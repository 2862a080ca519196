/** Deliveries: what was said in a chat, as it stands on the screen, and how far it has come. */
import type { PeerInfo } from "../base/ids.ts";
import { oneLine } from "../base/log.ts";
import type { Clock } from "../base/world.ts";
import { MARK_COLUMN, markOf, outgoingText, TEXT_COLUMN } from "./chat-text.ts";
import type { ReceiptEvent } from "./events.ts";
import { type Gathering, gatherNames } from "./gathering.ts";
import type { Paint } from "./paint.ts";
import type { Block, Screen } from "./screen.ts";

const PATIENCE_MS = 2_000; // a message that is not over there by then is said to wait
const MAX_MARKED = 500; // messages whose marks are still brought up to date; older ones have left any screen

export interface DeliveriesOptions {
  readonly screen: Screen;
  readonly paint: Paint;
  readonly clock: Clock;
  readonly note: (text: string) => void;
  readonly warn: (text: string) => void;
}

export class Deliveries implements Disposable {
  readonly #options: DeliveriesOptions;
  readonly #blocks = new Map<string, Block>(); // of messages that have no last state, by message id
  readonly #delivered = new Set<string>(); // of the messages in #blocks, those that are over there
  readonly #absent = new Set<string>(); // ids of whom it was said that they are not online
  readonly #late: Gathering<PeerInfo>;

  constructor(options: DeliveriesOptions) {
    this.#options = options;
    this.#late = gatherNames(options.clock, (who) => options.note(`what you said before has reached ${who}`));
  }

  said({ id, to }: ReceiptEvent, text: string): void {
    const { screen, paint, clock } = this.#options;
    const said = { at: clock.now(), who: to.name, text };
    this.#blocks.set(id, screen.print(outgoingText(said, "queued", clock.now(), paint), TEXT_COLUMN));
    if (this.#blocks.size > MAX_MARKED) for (const oldest of this.#blocks.keys().take(1)) this.#blocks.delete(oldest);
    clock.after(PATIENCE_MS, () => this.#mayWait(id, to));
  }

  reached({ id, to, state, reason }: ReceiptEvent): void {
    const block = this.#blocks.get(id);
    block?.mark(MARK_COLUMN, markOf(state, this.#options.paint));
    if (state === "delivered") {
      this.#absent.delete(to.id);
      if (block) this.#delivered.add(id);
      else this.#late.add(to);
    }
    const isRefused = state === "failed" || state === "expired";
    if (isRefused) this.#options.warn(`${oneLine(to.name)} did not take it: ${reason ?? state}`);
    if (!isRefused && state !== "handled") return;
    this.#blocks.delete(id);
    this.#delivered.delete(id);
  }

  /** A peer has come online: that it is absent may be worth saying again. */
  isBack({ id }: PeerInfo): void {
    this.#absent.delete(id);
  }

  [Symbol.dispose](): void {
    this.#late[Symbol.dispose]();
  }

  #mayWait(id: string, to: PeerInfo): void {
    if (!this.#blocks.has(id) || this.#absent.has(to.id) || this.#delivered.has(id)) return;
    this.#absent.add(to.id);
    this.#options.note(`kept until ${oneLine(to.name)} is online`);
  }
}

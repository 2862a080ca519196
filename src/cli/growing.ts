/** Growing: what others are writing just now, at the foot of the chat, until it is said. */
import type { PeerId } from "../base/ids.ts";
import type { Clock, Timer } from "../base/world.ts";
import type { MessageDraft } from "../peer/message.ts";
import { growingText, TEXT_COLUMN } from "./chat-text.ts";
import type { Paint } from "./paint.ts";
import type { Screen } from "./screen.ts";

/** From one picture to the next, at least: whoever writes fast does not make the screen flicker. */
const PICTURE_MS = 80;

export interface GrowingOptions {
  readonly screen: Pick<Screen, "float">;
  readonly paint: Paint;
  readonly clock: Clock;
}

interface Shown {
  readonly draft: MessageDraft;
  readonly since: number; // epoch ms
}

export class Growing implements Disposable {
  readonly #options: GrowingOptions;
  readonly #texts = new Map<string, Shown>(); // by author and id, in the order in which they began
  #pause: Timer | undefined;
  #isStale = false; // the picture is older than the texts

  constructor(options: GrowingOptions) {
    this.#options = options;
  }

  grown(draft: MessageDraft): void {
    const { clock } = this.#options;
    const key = keyOf(draft.from.id, draft.id);
    if (draft.text === "") this.#texts.delete(key);
    else this.#texts.set(key, { draft, since: this.#texts.get(key)?.since ?? clock.now() });
    this.#isStale = true;
    if (this.#pause) return;
    this.#draw();
    this.#pause = clock.after(PICTURE_MS, () => this.#next());
  }

  /** It has come as a message, which is printed in its place. */
  said(author: PeerId, id: string): void {
    if (this.#texts.delete(keyOf(author, id))) this.#draw();
  }

  clear(): void {
    this.#texts.clear();
    this.#draw();
  }

  [Symbol.dispose](): void {
    this.#pause?.[Symbol.dispose]();
  }

  #next(): void {
    this.#pause = undefined;
    if (!this.#isStale) return;
    this.#draw();
    this.#pause = this.#options.clock.after(PICTURE_MS, () => this.#next());
  }

  #draw(): void {
    const { screen, paint, clock } = this.#options;
    this.#isStale = false;
    const texts = this.#texts.values().map(({ draft: { from, text, room }, since }) => {
      return growingText({ at: since, who: from.name, text, room }, clock.now(), paint);
    });
    screen.float([...texts], TEXT_COLUMN);
  }
}

function keyOf(author: PeerId, id: string): string {
  return `${author} ${id}`;
}

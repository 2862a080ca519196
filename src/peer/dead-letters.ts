/** Dead letters: messages whose handlers failed for good. They can be seen, tried again, or dropped. */
import { WarrenError } from "../base/errors.ts";
import type { PeerInfo } from "../base/ids.ts";
import type { DeadRow } from "../store/incoming.ts";
import type { Store } from "../store/store.ts";
import type { Inbox } from "./inbox.ts";
import type { Sessions } from "./sessions.ts";

const PAGE = 1_000;

export interface DeadLetter {
  readonly id: string;
  readonly from: PeerInfo;
  readonly text: string;
  /** When its author sent it, by its author's clock. */
  readonly at: number;
  readonly reason: string;
  /** How often its handlers were begun. */
  readonly attempts: number;
  /** When it was set aside, in epoch ms. */
  readonly setAsideAt: number;
}

export class DeadLetters {
  readonly #store: Store;
  readonly #inbox: Inbox;
  readonly #sessions: Sessions;

  constructor(store: Store, inbox: Inbox, sessions: Sessions) {
    this.#store = store;
    this.#inbox = inbox;
    this.#sessions = sessions;
  }

  get count(): number {
    return this.#store.incoming.countDead();
  }

  /** The oldest `limit` of them. */
  list({ limit = PAGE }: { limit?: number } = {}): DeadLetter[] {
    return this.#store.incoming.dead(limit).map((row) => ({
      id: row.id,
      from: this.#sessions.ofMessage(row).info,
      text: row.text,
      at: row.at,
      reason: row.reason,
      attempts: row.attempts,
      setAsideAt: row.died,
    }));
  }

  /**
   * Puts one, or `all`, back into the inbox as if it had just come: its handlers run from the beginning, and what they had
   * done before they failed is done again. Its sender, who was told that it failed, is told that it was handled if it is.
   * Returns how many they are.
   *
   * @throws {WarrenError} `MESSAGE_UNKNOWN`
   */
  async retry(which: string): Promise<number> {
    return await this.#each(which, (row) => this.#inbox.retry(row));
  }

  /** Lets go of one, or of `all`. They stay in the history as failed. @throws {WarrenError} `MESSAGE_UNKNOWN` */
  async drop(which: string): Promise<number> {
    return await this.#each(which, ({ place }) => this.#store.incoming.dropDead(place));
  }

  async #each(which: string, act: (row: DeadRow) => void): Promise<number> {
    const { incoming, db } = this.#store;
    const rows = which === "all" ? incoming.dead(Number.MAX_SAFE_INTEGER) : incoming.deadById(which);
    if (rows.length === 0 && which !== "all") {
      throw new WarrenError("MESSAGE_UNKNOWN", `no message ${which} was set aside: "dead" shows those that were`);
    }
    for (const row of rows) act(row);
    await db.committed();
    this.#inbox.lookAgain();
    return rows.length;
  }
}

/** History: what was said with somebody, and whether it once was more. */
import type { Peer } from "../peer/peer.ts";
import { historyLine, type HistoryLine } from "./events.ts";

/** Where nobody says how many. */
const HISTORY_MESSAGES = 50;

export interface ShownHistory {
  /** Oldest first. */
  readonly messages: readonly HistoryLine[];
  /** How many came before the first of these and are no longer kept; 0 where older ones are. */
  readonly forgotten: number;
}

/** @throws {WarrenError} like `Peer.resolve` */
export async function historyWith(peer: Peer, whom: string, limit = HISTORY_MESSAGES): Promise<ShownHistory> {
  const { id } = await peer.resolve(whom);
  const messages = (await peer.history(id, { limit })).map(historyLine);
  return { messages, forgotten: messages.length < limit ? peer.retention.forgotten(id) : 0 };
}

/** History: what two peers said to each other, in the order in which it was said and heard here. */
import type { PeerInfo } from "../base/ids.ts";
import type { Store } from "../store/store.ts";
import { decodeData } from "../wire/data.ts";
import type { HistoryEntry } from "./message.ts";
import type { Session } from "./session.ts";

/** The newest `limit` messages, oldest first. */
export function readHistory(store: Store, session: Session, self: PeerInfo, limit: number): HistoryEntry[] {
  const them = session.info;
  const said = store.outgoing.newest(session.n, limit).map(({ epoch, seq, place, id, text, at, room, data }) => {
    const { state, reason } = session.stateOf(epoch, seq);
    return { place, entry: toEntry({ id, text, at, room, data, reason }, self, them, state) };
  });
  const heard = store.incoming.newest(session.n, limit).map(({ place, waiting, ...message }) => {
    const state = message.reason !== null ? "failed" : waiting ? "delivered" : "handled";
    return { place, entry: toEntry(message, them, self, state) };
  });
  return [...said, ...heard]
    .sort((a, b) => a.place - b.place)
    .slice(-limit)
    .map(({ entry }) => entry);
}

interface Kept {
  readonly id: string;
  readonly text: string;
  readonly at: number;
  readonly room: string | null;
  readonly data: string | null;
  readonly reason: string | null;
}

function toEntry(message: Kept, from: PeerInfo, to: PeerInfo, state: HistoryEntry["state"]): HistoryEntry {
  const { id, text, at, room, data, reason } = message;
  return {
    id,
    from,
    to,
    text,
    at,
    state,
    ...(reason !== null && { reason }),
    ...(room !== null && { room }),
    ...(data !== null && { data: decodeData(data) }),
  };
}

/** Match: what a message must be for a listener to be called, said as data. */
import { WarrenError } from "../base/errors.ts";
import { isPeerId, type PeerKind } from "../base/ids.ts";
import type { IncomingMessage } from "../peer/message.ts";

/** Every field that is given must hold. */
export interface Match {
  /** A pattern found in the text, or a piece of text found in it whatever its case. */
  match?: RegExp | string;
  /** One of these peer ids. Not names: a name can be given to anybody. */
  from?: string | readonly string[];
  kind?: PeerKind;
  /** True: only what was said to the bot alone. False: only what was said in a room. */
  direct?: boolean;
  room?: string;
}

/** @throws {WarrenError} `PLUGIN_INVALID` when `from` holds something that is not a peer id */
export function compileMatch(match: Match): (message: Pick<IncomingMessage, "from" | "text" | "room">) => boolean {
  const senders = match.from === undefined ? undefined : [match.from].flat();
  const stranger = senders?.find((id) => !isPeerId(id));
  if (stranger !== undefined) {
    throw new WarrenError("PLUGIN_INVALID", `from: "${stranger}" is not a peer id; names can be given to anybody`);
  }
  const pattern = match.match;
  const part = typeof pattern === "string" ? pattern.toLowerCase() : undefined;
  return (message) =>
    (senders === undefined || senders.includes(message.from.id)) &&
    (match.kind === undefined || match.kind === message.from.kind) &&
    (match.direct === undefined || match.direct === (message.room === undefined)) &&
    (match.room === undefined || match.room === message.room) &&
    (part === undefined || message.text.toLowerCase().includes(part)) &&
    // search(), unlike test(), does not carry the position of a /g pattern from one message to the next
    (!(pattern instanceof RegExp) || message.text.search(pattern) !== -1);
}

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

/** In the order in which they are looked at. */
const CONDITIONS = ["from", "kind", "direct", "room", "match"] as const;

type Matched = Pick<IncomingMessage, "from" | "text" | "room">;

/**
 * Names the first condition that does not hold: `kind bot`.
 *
 * @throws {WarrenError} `PLUGIN_INVALID` when `from` holds something that is not a peer id
 */
export function compileMismatch(match: Match): (message: Matched) => string | undefined {
  const senders = match.from === undefined ? undefined : [match.from].flat();
  const stranger = senders?.find((id) => !isPeerId(id));
  if (stranger !== undefined) {
    throw new WarrenError("PLUGIN_INVALID", `from: "${stranger}" is not a peer id; names can be given to anybody`);
  }
  const pattern = match.match;
  const part = typeof pattern === "string" ? pattern.toLowerCase() : undefined;
  const holds: Readonly<Record<keyof Match, (message: Matched) => boolean>> = {
    from: ({ from }) => senders === undefined || senders.includes(from.id),
    kind: ({ from }) => match.kind === from.kind,
    direct: ({ room }) => match.direct === (room === undefined),
    room: ({ room }) => match.room === room,
    // search(), unlike test(), does not carry the position of a /g pattern from one message to the next
    match: ({ text }) =>
      pattern instanceof RegExp ? text.search(pattern) !== -1 : part === undefined || text.toLowerCase().includes(part),
  };
  const given = CONDITIONS.filter((key) => match[key] !== undefined);
  return (message) => {
    const failed = given.find((key) => !holds[key](message));
    return failed && `${failed} ${String(match[failed])}`;
  };
}

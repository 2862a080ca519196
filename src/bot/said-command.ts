/** Said command: which part of a message, if any, is meant as a command for this bot. What programs call is read in answering.ts. */
import type { PeerInfo } from "../base/ids.ts";
import type { IncomingMessage } from "../peer/message.ts";

export interface SaidCommand {
  /** The command's word, in lower case: phones begin every line with a capital. */
  readonly name: string;
  /** What follows it. */
  readonly line: string;
  /** Said to this bot alone, or to it by name; `!roll` in a room may be meant for another. */
  readonly isAddressed: boolean;
}

/**
 * In a direct chat with a bot the command's word is enough. In a room, and where a plugin runs on a person's own peer,
 * it is `!roll` or `@dice roll`: people there talk about other things.
 */
export function readSaidCommand(
  message: Pick<IncomingMessage, "text" | "room">,
  self: Pick<PeerInfo, "name" | "kind">,
): SaidCommand | undefined {
  let text = message.text.trimStart();
  let isAddressed = message.room === undefined && self.kind === "bot";
  const mention = text.startsWith("@") && /^@([a-z0-9-]{1,32})[,:]?\s+/i.exec(text);
  if (mention) {
    if (mention[1]?.toLowerCase() !== self.name) return undefined;
    isAddressed = true;
    text = text.slice(mention[0].length);
  } else if (text.startsWith("!")) {
    text = text.slice(1);
  } else if (!isAddressed) {
    return undefined;
  }
  const name = /^\S+/.exec(text)?.[0];
  return name === undefined ? undefined : { name: name.toLowerCase(), line: text.slice(name.length), isAddressed };
}

/** Bot message: what the hooks of a bot are given. Its signal is made when it is asked for: it costs more than all the rest, and most never ask. */
import type { BotMessage } from "./plugin.ts";

type Writable<Value> = { -readonly [Key in keyof Value]: Value[Key] };

/** `message` again, with its own signal and its own way to answer. */
export function botMessage(
  message: Omit<BotMessage, "signal" | "reply">,
  signal: () => AbortSignal,
  reply: BotMessage["reply"],
): BotMessage {
  const { id, from, text, at, room, re, data, hops, attempt } = message;
  let made: AbortSignal | undefined;
  const own: Writable<BotMessage> = {
    id,
    from,
    text,
    at,
    hops,
    attempt,
    get signal() {
      return (made ??= signal());
    },
    reply,
  };
  if (room !== undefined) own.room = room;
  if (re !== undefined) own.re = re;
  if (data !== undefined) own.data = data;
  return own;
}

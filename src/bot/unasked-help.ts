/** Unasked help: what a bot says to a person whose message nothing in it has taken. */
import type { Clock } from "../base/world.ts";
import type { Commands } from "./commands.ts";
import { Cooldown } from "./cooldown.ts";
import type { Layer } from "./onion.ts";
import type { BotMessage } from "./plugin.ts";
import { note, traced } from "./trace.ts";

/** How often one person is told what the bot can do. */
const RATE = { max: 1, perMs: 60_000 };

/** To persons only: two bots would explain themselves to each other for ever. */
export function unaskedHelp(commands: Pick<Commands, "lastWord">, clock: Clock): Layer<BotMessage> {
  const cooldown = new Cooldown(clock, RATE);
  return traced<BotMessage>("unasked help", async (message) => {
    if (message.from.kind !== "person") return note("not given: its sender is a bot");
    const word = commands.lastWord(message);
    if (word === undefined) return note("not given: it was not said to this bot");
    const isDue = cooldown.admit(message.from.id).kind === "go";
    if (isDue || word.isGuess)
      await message.reply(word.text); // whoever mistypes waits for an answer, each time
    else note("not given: its sender was told within the last minute");
  });
}

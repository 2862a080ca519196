/** `peer why`: what a bot did with a message, or why it said it. That is looked up at the bot, if that is of this home. */
import { isWarrenError } from "../base/errors.ts";
import { askFor, type AskOptions, show } from "./ask.ts";
import type { FaceEvent } from "./events.ts";

type WhyEvent = Extract<FaceEvent, { event: "why" }>;

/** @throws {WarrenError} what the command failed with */
export async function why(options: AskOptions, id: string): Promise<void> {
  const [answer] = await askFor(options, { do: "why", id });
  if (answer?.event !== "why") return;
  const elsewhere = options.bot === undefined ? await atItsBot(options, answer) : undefined;
  show(elsewhere ?? answer, options);
}

/** Undefined where the bot is not of this home, or the message has not come there. */
async function atItsBot(options: AskOptions, { id, said, heard }: WhyEvent): Promise<WhyEvent | undefined> {
  const others = [...said.map(({ to }) => to), ...heard.map(({ from }) => from)];
  const bot = others.find(({ kind }) => kind === "bot");
  if (!bot) return undefined;
  try {
    const [answer] = await askFor({ ...options, bot: bot.name }, { do: "why", id });
    return answer?.event === "why" ? answer : undefined;
  } catch (error) {
    // It runs elsewhere, or another bot is called so here.
    if (isWarrenError(error, "PEER_UNKNOWN") || isWarrenError(error, "MESSAGE_UNKNOWN")) return undefined;
    throw error;
  }
}

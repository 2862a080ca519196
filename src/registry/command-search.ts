/** Command search: which bots that are online can do what somebody asks for in words. */
import type { PeerId } from "../base/ids.ts";
import type { CommandCard } from "../base/card.ts";
import type { Listed, Presence } from "./roster.ts";

/** Commands looked at in one search: a hostile crowd of full cards must not hold everybody up. */
const MAX_EXAMINED = 20_000;
const MAX_WORDS = 8;

/** What a word is worth where it is found: as the whole, at the beginning of a word, anywhere. */
const WORTH = {
  name: [16, 8, 4],
  bot: [8, 4, 2],
  about: [3, 3, 1],
} as const;

export interface FoundCommand extends CommandCard {
  readonly bot: { readonly id: PeerId; readonly name: string; readonly about: string };
}

export interface CommandSearch {
  /** The best first. */
  readonly commands: readonly FoundCommand[];
  /** What proves it: the bots of those commands, once each. */
  readonly bots: readonly { readonly id: PeerId; readonly record: string; readonly grant: string }[];
  /** Whether there are more than were asked for, or than were looked at. */
  readonly more: boolean;
}

/** Every word must be found, in the command's name, in what it is about, or in its bot's name and words; none fits all. */
export function searchCommands(present: Iterable<Presence>, text: string, limit: number): CommandSearch {
  const words = wordsOf(text).slice(0, MAX_WORDS);
  const found: { listed: Listed; command: CommandCard; rank: number }[] = [];
  let examined = 0;
  for (const { listed } of present) {
    if (examined >= MAX_EXAMINED) break;
    examined += listed.body.card.commands.length;
    for (const command of listed.body.card.commands) {
      const rank = rankOf(words, listed, command);
      if (rank !== undefined) found.push({ listed, command, rank });
    }
  }
  found.sort((a, b) => b.rank - a.rank || compare(a.command.name, b.command.name) || compare(nameOf(a), nameOf(b)));
  const best = found.slice(0, limit);
  return {
    commands: best.map(({ listed: { body }, command: { name, about, args } }) => {
      return { name, about, args, bot: { id: body.id, name: body.name, about: body.card.about } };
    }),
    bots: [...new Set(best.map(({ listed }) => listed))].map(({ body, record, grant }) => {
      return { id: body.id, record, grant };
    }),
    more: found.length > limit || examined >= MAX_EXAMINED,
  };
}

/** Undefined where a word is nowhere. */
function rankOf(words: readonly string[], { body }: Listed, command: CommandCard): number | undefined {
  const [name, about, bot] = [command.name, command.about, body.name].map((text) => text.toLowerCase());
  const botAbout = body.card.about.toLowerCase();
  let rank = 0;
  for (const word of words) {
    const worth =
      worthOf(word, name ?? "", WORTH.name) +
      worthOf(word, bot ?? "", WORTH.bot) +
      worthOf(word, about ?? "", WORTH.about) +
      worthOf(word, botAbout, WORTH.about);
    if (worth === 0) return undefined;
    rank += worth;
  }
  return rank;
}

function worthOf(word: string, text: string, [whole, beginning, within]: readonly [number, number, number]): number {
  if (text === word) return whole;
  const at = text.indexOf(word);
  if (at === -1) return 0;
  return at === 0 || !/[\p{L}\p{N}]/u.test(text[at - 1] ?? "") ? beginning : within;
}

function wordsOf(text: string): string[] {
  return [...new Set(text.toLowerCase().split(/[^\p{L}\p{N}_-]+/u))].filter((word) => word !== "");
}

function nameOf({ listed }: { listed: Listed }): string {
  return listed.body.name;
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** `peer find`: which bots can do something, and how to ask them. */
import { WarrenError } from "../base/errors.ts";
import { oneLine } from "../base/log.ts";
import { usageOf } from "../bot/help.ts";
import { readAuthority } from "../registry/authority.ts";
import { findCommands, type FoundCommand } from "../registry/find-commands.ts";
import { parseRegistryUrls } from "../registry/url.ts";
import { outputPaint, print } from "./output.ts";
import type { Paint } from "./paint.ts";
import { EXIT } from "./program.ts";

type Found = Awaited<ReturnType<typeof findCommands>>;

/** Asks registries in turn until one answers. @throws {WarrenError} what the first of them fails with */
export async function find(
  { registry, registryCa, json }: { registry: string; registryCa: string | undefined; json: boolean },
  words: readonly string[],
): Promise<number> {
  if (registry === "none") throw new WarrenError("USAGE", "without a registry nothing can be found: leave out -r none");
  const authority = await readAuthority(registryCa, registry);
  const { commands, more } = await firstAnswer(parseRegistryUrls(registry), words.join(" "), authority);
  if (json) print(JSON.stringify({ event: "found", commands, more }));
  else for (const line of findLines(commands, more, outputPaint())) print(line);
  return commands.length > 0 ? EXIT.done : EXIT.failed;
}

async function firstAnswer(urls: readonly string[], words: string, authority: string | undefined): Promise<Found> {
  const failures: unknown[] = [];
  for (const url of urls) {
    const found = await findCommands(url, words, { authority }).catch((error: unknown) => void failures.push(error));
    if (found) return found;
  }
  throw failures[0];
}

/** By bot, the best first. */
export function findLines(commands: readonly FoundCommand[], more: boolean, paint: Paint): string[] {
  if (commands.length === 0) return ["no bot that is online can do that"];
  const byBot = Map.groupBy(commands, ({ bot }) => bot.id);
  const lines = [...byBot.values()].flatMap((own) => {
    const [first] = own;
    if (!first) return [];
    const title = `${paint.name(first.bot.name)}  ${paint.dim(oneLine(first.bot.about))}`.trimEnd();
    const listed = own.map((command) => `  ${oneLine(usage(command))}${paint.dim(`  ${oneLine(command.about)}`)}`);
    return [title, ...listed, paint.dim(`  ask: bun run peer send ${first.bot.name} ${first.name}`)];
  });
  return more ? [...lines, paint.dim("there is more: say more words")] : lines;
}

/** A bot made with another tool may publish what cannot be typed as a command line. */
function usage(command: FoundCommand): string {
  try {
    return usageOf(command);
  } catch {
    return command.name;
  }
}

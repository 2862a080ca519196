/** `peer find`: which bots can do something, and how to ask them. */
import { WarrenError } from "../base/errors.ts";
import { oneLine } from "../base/log.ts";
import { usageOf } from "../bot/help.ts";
import { findCommands, type FoundCommand } from "../registry/find-commands.ts";
import { outputPaint, print } from "./output.ts";
import type { Paint } from "./paint.ts";
import { EXIT } from "./program.ts";

/** @throws {WarrenError} what the registry fails with */
export async function find(
  { registry, json }: { registry: string; json: boolean },
  words: readonly string[],
): Promise<number> {
  if (registry === "none") throw new WarrenError("USAGE", "without a registry nothing can be found: leave out -r none");
  const { commands, more } = await findCommands(registry, words.join(" "));
  if (json) print(JSON.stringify({ event: "found", commands, more }));
  else for (const line of findLines(commands, more, outputPaint())) print(line);
  return commands.length > 0 ? EXIT.done : EXIT.failed;
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

/** Finding commands: asks a registry which bots can do something, and believes only what the bots have signed. */
import { z } from "zod";
import type { CommandCard } from "../base/card.ts";
import type { PeerInfo } from "../base/ids.ts";
import { checkEntry } from "./entry.ts";
import { ask, type LookUpOptions } from "./lookup.ts";
import type { RecordBody } from "./record.ts";
import { peerIdShape } from "./shapes.ts";
import { parseRegistryUrl } from "./url.ts";

const answerShape = z.object({
  registry: peerIdShape,
  commands: z.array(z.object({ name: z.string(), bot: z.object({ id: peerIdShape }) })).max(1_000),
  bots: z.array(z.object({ record: z.string(), grant: z.string() })).max(1_000),
  more: z.boolean(),
});

export interface FoundCommand extends CommandCard {
  readonly bot: PeerInfo & { readonly about: string };
}

/** The best first; `more` says that there are others. @throws {WarrenError} like `lookUp` */
export async function findCommands(
  url: string,
  words: string,
  options: LookUpOptions = {},
): Promise<{ commands: FoundCommand[]; more: boolean }> {
  const path = `/v1/commands?${new URLSearchParams({ q: words }).toString()}`;
  const { registry, commands, bots, more } = await ask(parseRegistryUrl(url), path, answerShape, options);
  const checked = await Promise.all(bots.map((bot) => checkEntry(bot, registry).catch(() => undefined)));
  const known = new Map(checked.filter((body) => body !== undefined).map((body) => [body.id, body]));
  return { commands: commands.flatMap(({ name, bot }) => found(known.get(bot.id), name)), more };
}

function found(body: RecordBody | undefined, name: string): FoundCommand[] {
  const command = body?.card.commands.find((one) => one.name === name);
  if (!body || !command) return []; // no bot has signed that
  return [{ ...command, bot: { id: body.id, name: body.name, kind: body.kind, about: body.card.about } }];
}

/** The commands that ask one thing and print the answer: `peer users`, `history`, `whoami`, `pin`, and those of care. */
import { systemClock } from "../base/world.ts";
import { careLines } from "./care-text.ts";
import { errorFrom, type Command, type FaceEvent } from "./events.ts";
import { outputPaint, print, printJson } from "./output.ts";
import type { Paint } from "./paint.ts";
import { historyLines, userLines, whoAmILines } from "./present.ts";
import { reach } from "./reach.ts";
import { reachBot } from "./reach-bot.ts";
import type { StartOptions } from "./start.ts";

export interface AskOptions extends StartOptions {
  readonly json: boolean;
  /** The name of a bot of this home, if it is asked and not an identity of the user's. */
  readonly bot?: string | undefined;
  /** Whether a history shows the ids of its messages. */
  readonly ids?: boolean;
}

/** @throws {WarrenError} what the command failed with */
export async function ask(options: AskOptions, command: Command): Promise<void> {
  for (const answer of await askFor(options, command)) show(answer, options);
}

/** The answers, before they are shown. @throws {WarrenError} what the command failed with */
export async function askFor(options: AskOptions, command: Command): Promise<FaceEvent[]> {
  const { bot, home, log } = options;
  await using reached = bot === undefined ? await reach(options) : await reachBot(home, bot, log);
  const answers: FaceEvent[] = [];
  await reached.performer.perform(command, (event) => answers.push(event));
  const failure = answers.find(({ event }) => event === "error");
  if (failure?.event === "error") throw errorFrom(failure);
  return answers;
}

export function show(answer: FaceEvent, { json, ids = false }: AskOptions): void {
  if (json) printJson(answer);
  else for (const line of linesOf(answer, outputPaint(), ids)) print(line);
}

function linesOf(answer: FaceEvent, paint: Paint, ids: boolean): string[] {
  switch (answer.event) {
    case "users":
      return userLines(answer.peers, paint);
    case "history":
      return historyLines(answer.messages, systemClock.now(), paint, { ids, forgotten: answer.forgotten });
    case "whoami":
      return whoAmILines(answer, paint);
    case "pinned":
      return [`${answer.name} is ${answer.id} from now on`];
    case "message":
    case "draft":
    case "receipt":
    case "result":
    case "presence":
    case "ready":
    case "error":
      return [];
    default:
      return careLines(answer, systemClock.now(), paint);
  }
}

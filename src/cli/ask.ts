/** The commands that ask one thing and print the answer: `peer users`, `history`, `whoami`, `pin`. */
import { systemClock } from "../base/world.ts";
import { errorFrom, type Command, type FaceEvent } from "./events.ts";
import { paint, print, printJson } from "./output.ts";
import { historyLines, userLines, whoAmILines } from "./present.ts";
import { reach } from "./reach.ts";
import type { StartOptions } from "./start.ts";

export interface AskOptions extends StartOptions {
  readonly json: boolean;
}

/** @throws {WarrenError} what the command failed with */
export async function ask(options: AskOptions, command: Command): Promise<void> {
  await using reached = await reach(options);
  const answers: FaceEvent[] = [];
  await reached.performer.perform(command, (event) => answers.push(event));
  for (const answer of answers) {
    if (answer.event === "error") throw errorFrom(answer);
    if (options.json) printJson(answer);
    else for (const line of linesOf(answer)) print(line);
  }
}

function linesOf(answer: FaceEvent): string[] {
  switch (answer.event) {
    case "users":
      return userLines(answer.peers, paint);
    case "history":
      return historyLines(answer.messages, systemClock.now(), paint);
    case "whoami":
      return whoAmILines(answer, paint);
    case "pinned":
      return [`${answer.name} is ${answer.id} from now on`];
    default:
      return [];
  }
}

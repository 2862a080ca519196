/** The command line of `bun run peer`. What a command needs is loaded when it runs. */
import type { Command } from "commander";
import { WarrenError } from "../base/errors.ts";
import { nearest } from "../bot/nearest.ts";
import { addCareCommands } from "./care-commands.ts";
import { errorEvent } from "./events.ts";
import { createProgram } from "./options.ts";
import { printJson } from "./output.ts";
import { addFlags, type Act, type Flags, running } from "./peer-flags.ts";
import { addTalkCommands } from "./talk-commands.ts";

/** Runs what `argv` says and resolves to the exit code. */
export async function peerProgram(argv: readonly string[]): Promise<number> {
  const program = createProgram("peer");
  let code = 0;
  const act: Act = async (action) => {
    const flags = program.opts<Flags>();
    try {
      code = (await action(flags)) ?? 0;
    } catch (error) {
      if (flags.json) printJson(errorEvent(error));
      throw error;
    }
  };
  addFlags(program)
    .description("Chat between machines you own. Without a command: go online and chat.")
    .allowExcessArguments() // told below, in words that fit
    .configureHelp({ showGlobalOptions: true })
    .helpCommand("help [command]", "what a command does, and its options")
    .action(() =>
      act(async (flags) => {
        const [word] = program.args;
        if (word !== undefined) throw unknownCommand(word, program.commands);
        const { runChat, runJson } = await import("./run-peer.ts");
        await (flags.json ? runJson : runChat)(running(flags));
      }),
    );
  addTalkCommands(program, act);
  addCareCommands(program, act);

  await program.parseAsync(argv);
  return code;
}

function unknownCommand(word: string, commands: readonly Command[]): WarrenError {
  const guess = nearest(
    word,
    commands.map((command) => command.name()),
  );
  const way = guess === undefined ? "--help lists what there is" : `did you mean ${guess}?`;
  return new WarrenError("USAGE", `there is no command ${word}: ${way}`);
}

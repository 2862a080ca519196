/** The commands of `bun run peer` that look after an identity or a bot: who may write, what waits, what failed, what is kept. */
import type { Command } from "commander";
import { nameOption } from "./options.ts";
import { print } from "./output.ts";
import { type Act, asking, question, whose } from "./peer-flags.ts";

export function addCareCommands(program: Command, act: Act): void {
  program
    .command("block [who]")
    .description("take nothing of a peer any more; without a name: list who is blocked")
    .action((who?: string) =>
      act((flags) => question(flags, who === undefined ? { do: "blocked" } : { do: "block", who })),
    );
  program
    .command("unblock <who>")
    .description("take its messages again")
    .action((who: string) => act((flags) => question(flags, { do: "unblock", who })));
  program
    .command("accept [whom]")
    .description("take messages of everyone, or only of known peers; without a word: say which")
    .action((whom?: string) => act((flags) => question(flags, { do: "accept", ...(whom !== undefined && { whom }) })));
  program
    .command("keep [limit]")
    .description(
      'how large the database may become, as in "500 MiB", or all; the oldest messages make room; without a word: say it',
    )
    .action((limit?: string) => act((flags) => question(flags, { do: "keep", ...(limit !== undefined && { limit }) })));
  program
    .command("outbox [who]")
    .description("what waits for whom; with a name: message by message")
    .action((who?: string) =>
      act((flags) => question(flags, { do: "outbox", ...(who !== undefined && { with: who }) })),
    )
    .command("drop <id|who>")
    .description("give up what was never sent: one message, or all that waits for somebody")
    .action((what: string) => act((flags) => question(flags, { do: "outbox-drop", what })));
  program
    .command("why <id>")
    .description("what a bot's hooks did with a message, or why nobody answered; ids: history --ids, or --json")
    .action((id: string) =>
      act(async (flags) => {
        const { why } = await import("./why.ts");
        await why(asking(flags), id);
      }),
    );
  const dead = program
    .command("dead")
    .description("messages that could not be handled")
    .action(() => act((flags) => question(flags, { do: "dead" })));
  dead
    .command("retry <id|all>")
    .description("have them handled again")
    .action((which: string) => act((flags) => question(flags, { do: "dead-retry", which })));
  dead
    .command("drop <id|all>")
    .description("see them no more")
    .action((which: string) => act((flags) => question(flags, { do: "dead-drop", which })));

  const jobs = program
    .command("jobs")
    .description("what a bot will do later, with --for-bot")
    .action(() => act((flags) => question(flags, { do: "jobs" })));
  jobs
    .command("drop <id|name>")
    .description("do one of them not, or all of a name that nothing runs any more")
    .action((which: string) => act((flags) => question(flags, { do: "jobs-drop", which })));
  program
    .command("backup [file]")
    .description("copy an identity, or with --for-bot a bot, to one file: key, messages, stores; also while it runs")
    .action((file?: string) =>
      act(async (flags) => print(await (await import("./backup.ts")).backUp(whose(flags), file))),
    );
  program
    .command("restore <file>")
    .description("put a backup in place, while its identity or bot does not run")
    .option("--force", "replace what is there, and lose what came after the backup")
    .action((file: string, { force }: { force?: true }) =>
      act(async (flags) => print(await (await import("./backup.ts")).restore(whose(flags), file, force === true))),
    );

  program
    .command("new-bot")
    .description("write a bot that answers, and its test, to ./bots and ./test/bots")
    .argument("<name>", "what it is called", nameOption)
    .action((name: string) =>
      act(async () => {
        const { newBot } = await import("./new-bot.ts");
        for (const line of await newBot(process.cwd(), name)) print(line);
      }),
    );
}

/** The commands of `bun run peer` that have to do with others: what is said to them, what they say, and what they are called. */
import type { Command } from "commander";
import type { PeerId } from "../base/ids.ts";
import { countOption, nameOption, peerIdOption } from "./options.ts";
import { type Act, DEFAULT_CALL_TIMEOUT_S, DEFAULT_TIMEOUT_S, oneShot, owner, question } from "./peer-flags.ts";

export function addTalkCommands(program: Command, act: Act): void {
  program
    .command("send <to> <text...>")
    .description('say something to a name, an id or host:port; "-" reads standard input, a message a line')
    .action((to: string, words: string[]) =>
      act(async (flags) => {
        const { send } = await import("./send.ts");
        const timeoutMs = (flags.timeout ?? DEFAULT_TIMEOUT_S) * 1_000;
        return await send({ ...oneShot(flags), json: flags.json === true, timeoutMs }, to, words.join(" "));
      }),
    );

  program
    .command("call <to> <command> [args]")
    .description("have a bot do a command; the arguments are a JSON object, and so is what is printed")
    .option("--confirmed", "say yes to a command that asks before it acts")
    .action((to: string, command: string, args: string | undefined, { confirmed }: { confirmed?: true }) =>
      act(async (flags) => {
        const { call } = await import("./call.ts");
        const { json = false, timeout = DEFAULT_CALL_TIMEOUT_S } = flags;
        const options = { ...oneShot(flags), json, timeout, confirmed: confirmed === true };
        return await call(options, to, command, args ?? "{}");
      }),
    );

  program
    .command("receive")
    .description("print messages as they come")
    .option("--count <n>", "end after so many", countOption)
    .action((own: { count?: number }) =>
      act(async (flags) => {
        const { receive } = await import("./receive.ts");
        const timeoutMs = flags.timeout === undefined ? undefined : flags.timeout * 1_000;
        return await receive({ ...oneShot(flags), json: flags.json === true, timeoutMs, count: own.count });
      }),
    );

  program
    .command("users")
    .description("who is there, and who has been")
    .action(() => act((flags) => question(flags, { do: "users" })));
  program
    .command("find [words...]")
    .description("bots that are online and can do what you say, and how to ask them")
    .action((words: string[]) =>
      act(async (flags) => {
        const { find } = await import("./find.ts");
        const { registry, registryCa } = oneShot(flags);
        return await find({ registry, registryCa, json: flags.json === true }, words);
      }),
    );
  program
    .command("history <with>")
    .description("what was said, oldest first")
    .option("--limit <n>", "only the newest n", countOption)
    .option("--ids", "with the id of each message")
    .action((whom: string, { limit, ids }: { limit?: number; ids?: true }) =>
      act((flags) =>
        question(flags, { do: "history", with: whom, ...(limit === undefined ? {} : { limit }) }, ids === true),
      ),
    );
  program
    .command("whoami")
    .description("your name, id, address and registry")
    .action(() => act((flags) => question(flags, { do: "whoami" })));
  program
    .command("pin")
    .description("accept on purpose that a name belongs to another key")
    .argument("<name>", "the name", nameOption)
    .argument("<id>", "whose it is from now on", peerIdOption)
    .action((name: string, id: string) => act((flags) => question(flags, { do: "pin", name, id })));

  program
    .command("release")
    .description("give a name back to the registry: anybody may have it then")
    .argument("<name>", "the name, of an identity that does not run", nameOption)
    .action((name: string) =>
      act(async (flags) => await (await import("./names.ts")).releaseName(owner(flags, name), name)),
    );
  program
    .command("transfer")
    .description("hand a name on to another key: prints a statement for its owner to take")
    .argument("<name>", "the name, of an identity that does not run", nameOption)
    .argument("<id>", "the key that is to have it", peerIdOption)
    .action((name: string, id: PeerId) =>
      act(async (flags) => await (await import("./names.ts")).transferName(owner(flags, name), name, id)),
    );
  program
    .command("take")
    .description("take a name that another key has handed on to this one; - reads the statement from standard input")
    .argument("<name>", "the name", nameOption)
    .argument("<statement>", "what transfer has printed")
    .action((name: string, statement: string) =>
      act(async (flags) => await (await import("./names.ts")).takeName(owner(flags, name), name, statement)),
    );
}

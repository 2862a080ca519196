/** The command line of `bun run peer`. What a command needs is loaded when it runs. */
import { resolve } from "node:path";
import { type Command, Option } from "commander";
import { WarrenError } from "../base/errors.ts";
import type { AskOptions } from "./ask.ts";
import type { Whose } from "./backup.ts";
import { createLog, stderrSink } from "../base/log.ts";
import type { PeerId } from "../base/ids.ts";
import { nearest } from "../bot/nearest.ts";
import { localRegistryUrl } from "../registry/url.ts";
import { errorEvent, type Command as PeerCommand } from "./events.ts";
import {
  ACCEPT_NEW_REGISTRY,
  countOption,
  createProgram,
  inviteOption,
  nameOption,
  peerIdOption,
  portOption,
  RECORD,
  registryOption,
  secondsOption,
  SET,
  setOption,
} from "./options.ts";
import type { Owner } from "./names.ts";
import { print, printJson } from "./output.ts";
import { resolveHome } from "./program.ts";
import type { RunOptions } from "./run-peer.ts";
import type { StartOptions } from "./start.ts";

/** How long a message has to be delivered before `send`, or a peer whose input has ended, gives up waiting. */
const DEFAULT_TIMEOUT_S = 10;
/** How long the answer to a call is waited for. */
const DEFAULT_CALL_TIMEOUT_S = 30;

interface Flags {
  name?: string;
  port?: number;
  host?: string;
  registry?: string;
  acceptNewRegistry?: true;
  invite?: string;
  bot?: string[];
  bots: boolean;
  set?: string[];
  record?: string;
  watch: boolean;
  forBot?: string;
  home?: string;
  json?: true;
  debug?: true;
  timeout?: number;
}

/** Runs what `argv` says and resolves to the exit code. */
export async function peerProgram(argv: readonly string[]): Promise<number> {
  const program = createProgram("peer");
  let code = 0;
  /** Runs one action with all options, wherever they stood; a failure is an event too where events are asked for. */
  const act = async (action: (flags: Flags) => Promise<number | void>): Promise<void> => {
    const flags = program.opts<Flags>();
    try {
      code = (await action(flags)) ?? 0;
    } catch (error) {
      if (flags.json) printJson(errorEvent(error));
      throw error;
    }
  };
  program
    .description("Chat between machines you own. Without a command: go online and chat.")
    .option("-n, --name <name>", "the identity to use or to make (default: the last one used)", nameOption)
    .option("-p, --port <port>", "the port to listen on; 0 is any free one (default: the identity's own)", portOption)
    .option("--host <address>", "the address to listen on (default: all)")
    .option(
      "-r, --registry <url|none>",
      "the registry (default: the one on this machine); several are tried in turn",
      registryOption,
    )
    .option("--accept-new-registry", ACCEPT_NEW_REGISTRY)
    .addOption(inviteOption())
    .option("-b, --bot <file...>", "bots to run with this peer")
    .option("--no-bots", "do not run the bots of ./bots")
    .option("--set <name.key=value>", SET, setOption)
    .option(
      "--for-bot <name>",
      "outbox, dead, why, jobs, block, unblock, accept, keep, backup and restore: of that bot of this home",
      nameOption,
    )
    .option("--record <folder>", RECORD)
    .option("--no-watch", "do not load bots again when their files change")
    .option("--home <dir>", "where identities and messages are kept (default: $WARREN_HOME or ~/.local/share/warren)")
    .option("--json", "speak JSON, one object a line")
    .option("--debug", "say more about what happens and what fails")
    .addOption(
      new Option(
        "--timeout <seconds>",
        `how long to wait: for a delivery (${DEFAULT_TIMEOUT_S}), an answer (${DEFAULT_CALL_TIMEOUT_S}), or for messages`,
      ).argParser(secondsOption),
    )
    .allowExcessArguments() // told below, in words that fit
    .configureHelp({ showGlobalOptions: true })
    .action(() =>
      act(async (flags) => {
        const [word] = program.args;
        if (word !== undefined) throw unknownCommand(word, program.commands);
        const { runChat, runJson } = await import("./run-peer.ts");
        await (flags.json ? runJson : runChat)(running(flags));
      }),
    );

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
        const { registry } = oneShot(flags);
        return await find({ registry, json: flags.json === true }, words);
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

  await program.parseAsync(argv);
  return code;
}

/** Of a name's own identity, unless another is said. */
function owner(flags: Flags, name: string): Owner {
  const { home, forBot: bot, registry = localRegistryUrl(), json } = flags;
  return { home: resolveHome(home), bot, name: flags.name ?? name, registry, json: json === true };
}

function whose({ home, forBot, name }: Flags): Whose {
  return { home: resolveHome(home), bot: forBot, name };
}

async function question(flags: Flags, command: PeerCommand, ids = false): Promise<void> {
  const { ask } = await import("./ask.ts");
  await ask({ ...asking(flags), ids }, command);
}

function asking(flags: Flags): AskOptions {
  return { ...oneShot(flags), json: flags.json === true, bot: flags.forBot };
}

/** A one-shot command starts neither a registry nor bots. */
function oneShot(flags: Flags): StartOptions {
  const { name, port, host, registry = localRegistryUrl(), acceptNewRegistry, invite, debug } = flags;
  const log = createLog("warren", stderrSink(debug ? "debug" : "error"));
  return { home: resolveHome(flags.home), name, port, host, registry, acceptNewRegistry, invite, log };
}

function running(flags: Flags): RunOptions {
  const {
    name,
    port,
    host,
    registry,
    acceptNewRegistry,
    invite,
    bot = [],
    bots,
    set = [],
    record,
    watch,
    debug,
    timeout = DEFAULT_TIMEOUT_S,
  } = flags;
  const more = {
    botFiles: bot,
    hasBots: bots,
    isWatching: watch,
    set,
    record: record === undefined ? undefined : resolve(record),
    debug: debug === true,
    timeoutMs: timeout * 1_000,
  };
  return { home: resolveHome(flags.home), name, port, host, registry, acceptNewRegistry, invite, ...more };
}

function unknownCommand(word: string, commands: readonly Command[]): WarrenError {
  const guess = nearest(
    word,
    commands.map((command) => command.name()),
  );
  const way = guess === undefined ? "--help lists what there is" : `did you mean ${guess}?`;
  return new WarrenError("USAGE", `there is no command ${word}: ${way}`);
}

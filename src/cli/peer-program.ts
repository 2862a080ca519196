/** The command line of `bun run peer`. What a command needs is loaded when it runs. */
import { Command, InvalidArgumentError, Option } from "commander";
import { createLog, stderrSink } from "../base/log.ts";
import { errorEvent, type Command as PeerCommand } from "./events.ts";
import { localRegistryUrl } from "./local-registry.ts";
import { printJson } from "./output.ts";
import { resolveHome } from "./program.ts";
import type { RunOptions } from "./run-peer.ts";
import type { StartOptions } from "./start.ts";

/** How long a message has to be delivered before `send`, or a peer whose input has ended, gives up waiting. */
const DEFAULT_TIMEOUT_S = 10;

interface Flags {
  name?: string;
  port?: number;
  host?: string;
  registry?: string;
  bot?: string[];
  bots: boolean;
  home?: string;
  json?: true;
  debug?: true;
  timeout?: number;
}

/** Runs what `argv` says and resolves to the exit code. */
export async function peerProgram(argv: readonly string[]): Promise<number> {
  const program = new Command("peer");
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
    .option("-n, --name <name>", "the identity to use or to make (default: the last one used)")
    .option("-p, --port <port>", "the port to listen on; 0 is any free one (default: the identity's own)", portNumber)
    .option("--host <address>", "the address to listen on (default: all)")
    .option("-r, --registry <url|none>", "the registry (default: the one on this machine)")
    .option("-b, --bot <file...>", "bots to run with this peer")
    .option("--no-bots", "do not run the bots of ./bots")
    .option("--home <dir>", "where identities and messages are kept (default: $WARREN_HOME or ~/.local/share/warren)")
    .option("--json", "speak JSON, one object a line")
    .option("--debug", "say more about what happens and what fails")
    .addOption(new Option("--timeout <seconds>", "how long to wait").argParser(seconds))
    .configureHelp({ showGlobalOptions: true })
    .exitOverride()
    .action(() =>
      act(async (flags) => {
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
    .command("receive")
    .description("print messages as they come")
    .option("--count <n>", "end after so many", count)
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
    .command("history <with>")
    .description("what was said, oldest first")
    .option("--limit <n>", "only the newest n", count)
    .action((whom: string, { limit }: { limit?: number }) =>
      act((flags) => question(flags, { do: "history", with: whom, ...(limit === undefined ? {} : { limit }) })),
    );
  program
    .command("whoami")
    .description("your name, id, address and registry")
    .action(() => act((flags) => question(flags, { do: "whoami" })));
  program
    .command("pin <name> <id>")
    .description("accept on purpose that a name belongs to another key")
    .action((name: string, id: string) => act((flags) => question(flags, { do: "pin", name, id })));

  await program.parseAsync(argv);
  return code;
}

async function question(flags: Flags, command: PeerCommand): Promise<void> {
  const { ask } = await import("./ask.ts");
  await ask({ ...oneShot(flags), json: flags.json === true }, command);
}

/** A one-shot command starts neither a registry nor bots. */
function oneShot(flags: Flags): StartOptions {
  const { name, port, host, registry = localRegistryUrl(), debug } = flags;
  const log = createLog("warren", stderrSink(debug ? "debug" : "error"));
  return { home: resolveHome(flags.home), name, port, host, registry, log };
}

function running(flags: Flags): RunOptions {
  const { name, port, host, registry, bot = [], bots, debug, timeout = DEFAULT_TIMEOUT_S } = flags;
  const more = { botFiles: bot, hasBots: bots, debug: debug === true, timeoutMs: timeout * 1_000 };
  return { home: resolveHome(flags.home), name, port, host, registry, ...more };
}

function portNumber(text: string): number {
  return whole(text, 0, 65_535, "a port is a whole number from 0 to 65535");
}

function count(text: string): number {
  return whole(text, 1, Number.MAX_SAFE_INTEGER, "a whole number above 0 was expected");
}

function whole(text: string, least: number, most: number, expected: string): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= least && value <= most) return value;
  throw new InvalidArgumentError(expected);
}

function seconds(text: string): number {
  const value = Number(text);
  if (/^\d+(\.\d+)?$/.test(text) && value <= 2_000_000) return value; // longer than a timer can wait
  throw new InvalidArgumentError("a number of seconds was expected");
}

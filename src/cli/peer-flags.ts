/** Flags: the options of `bun run peer`, which may stand anywhere in its line, and what they mean to each kind of command. */
import { resolve } from "node:path";
import { type Command, Option } from "commander";
import { createLog, stderrSink } from "../base/log.ts";
import { localRegistryUrl } from "../registry/url.ts";
import type { AskOptions } from "./ask.ts";
import type { Whose } from "./backup.ts";
import type { Command as PeerCommand } from "./events.ts";
import type { Owner } from "./names.ts";
import { addRegistryOptions, nameOption, portOption, RECORD, secondsOption, SET, setOption } from "./options.ts";
import { resolveHome } from "./program.ts";
import type { RunOptions } from "./run-peer.ts";
import type { StartOptions } from "./start.ts";

/** How long a message has to be delivered before `send`, or a peer whose input has ended, gives up waiting. */
export const DEFAULT_TIMEOUT_S = 10;
/** How long the answer to a call is waited for. */
export const DEFAULT_CALL_TIMEOUT_S = 30;

export interface Flags {
  name?: string;
  port?: number;
  host?: string;
  registry?: string;
  acceptNewRegistry?: true;
  registryCa?: string;
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

/** Runs one action with all flags, wherever they stood; a failure is an event too where events are asked for. */
export type Act = (action: (flags: Flags) => Promise<number | void>) => Promise<void>;

export function addFlags(program: Command): Command {
  program
    .option("-n, --name <name>", "the identity to use or to make (default: the last one used)", nameOption)
    .option("-p, --port <port>", "the port to listen on; 0 is any free one (default: the identity's own)", portOption)
    .option("--host <address>", "the address to listen on (default: all)");
  return addRegistryOptions(program)
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
    );
}

/** Of a name's own identity, unless another is said. */
export function owner(flags: Flags, name: string): Owner {
  const { home, forBot: bot, registry = localRegistryUrl(), registryCa, json } = flags;
  return { home: resolveHome(home), bot, name: flags.name ?? name, registry, registryCa, json: json === true };
}

export function whose({ home, forBot, name }: Flags): Whose {
  return { home: resolveHome(home), bot: forBot, name };
}

/** For a question to a peer of this home, or to one of its bots. */
export function asking(flags: Flags): AskOptions {
  return { ...oneShot(flags), json: flags.json === true, bot: flags.forBot };
}

/** Asks a peer of this home, or a bot of it, and prints the answer. */
export async function question(flags: Flags, command: PeerCommand, ids = false): Promise<void> {
  const { ask } = await import("./ask.ts");
  await ask({ ...asking(flags), ids }, command);
}

/** A one-shot command starts neither a registry nor bots. */
export function oneShot(flags: Flags): StartOptions {
  const { name, port, host, registry = localRegistryUrl(), acceptNewRegistry, registryCa, invite, debug } = flags;
  const log = createLog("warren", stderrSink(debug ? "debug" : "error"));
  const at = { registry, registryCa, acceptNewRegistry, invite };
  return { home: resolveHome(flags.home), name, port, host, ...at, log };
}

/** For a peer that stays. */
export function running(flags: Flags): RunOptions {
  const {
    name,
    port,
    host,
    registry,
    registryCa,
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
  const at = { registry, registryCa, acceptNewRegistry, invite };
  return { home: resolveHome(flags.home), name, port, host, ...at, ...more };
}

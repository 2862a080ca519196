/** Options: how command lines are read, the same in every program. What is wrong in one is told in one line. */
import { resolve } from "node:path";
import { Command, InvalidArgumentError, Option } from "commander";
import { describeError } from "../base/errors.ts";
import { isPeerId, parseName, type PeerId } from "../base/ids.ts";
import { VERSION } from "../base/version.ts";
import { isDuration, type Duration } from "../bot/duration.ts";
import { readSet } from "../bot/set-option.ts";
import { parseInvite } from "../registry/invite.ts";
import { parseNatsServers } from "../registry/nats-address.ts";
import { parseProxies } from "../registry/proxy.ts";
import { parseRegistryUrl, parseRegistryUrls } from "../registry/url.ts";
import { print } from "./output.ts";

const ACCEPT_NEW_REGISTRY = "go on with a registry whose key has changed (default: on this machine alone)";
export const RECORD = "record what happens to each bot in a file there, to be replayed by a test (see docs/bots.md)";
export const SET = "configure a bot, as in webhook.port=8080; may be given again and again (secrets: see docs/bots.md)";

/** The command line of `bun run <name>`. What is wrong with one is thrown when it has been told. */
export function createProgram(name: string): Command {
  return new Command(`bun run ${name}`)
    .exitOverride()
    .configureOutput({
      writeOut: (text) => print(text.trimEnd()),
      outputError: (text, write) => write(`warren: ${plainText(text)}\n`),
    })
    .version(`Warren ${VERSION} on Bun ${Bun.version}`, "-V, --version", "print the version");
}

/** Which registry, and how to come in. */
export function addRegistryOptions(program: Command): Command {
  return program
    .option(
      "-r, --registry <url|none>",
      "the registry (default: the one on this machine); several are tried in turn",
      registryOption,
    )
    .option("--accept-new-registry", ACCEPT_NEW_REGISTRY)
    .addOption(registryCaOption())
    .addOption(inviteOption());
}

export function portOption(text: string): number {
  return whole(text, 0, 65_535, "a port from 0 (any free one) to 65535 was expected.");
}

export function countOption(text: string): number {
  return whole(text, 1, Number.MAX_SAFE_INTEGER, "a whole number above 0 was expected.");
}

export function secondsOption(text: string): number {
  const value = Number(text);
  if (/^\d+(\.\d+)?$/.test(text) && value <= 2_000_000) return value; // longer than a timer can wait
  throw new InvalidArgumentError("a number of seconds was expected.");
}

/** Addresses of proxies; may be given again and again. */
export function proxiesOption(text: string, before: readonly string[] = []): string[] {
  return [...before, ...attempt(() => parseProxies(text))];
}

export function durationOption(text: string): Duration {
  if (isDuration(text)) return text;
  throw new InvalidArgumentError("a number and ms, s, m, h or d were expected, as in 12h.");
}

export function nameOption(text: string): string {
  return attempt(() => parseName(text));
}

export function peerIdOption(text: string): PeerId {
  if (isPeerId(text)) return text;
  throw new InvalidArgumentError("52 characters of a-z and 2-7 were expected.");
}

/** May be given again and again, or with commas: they are tried in turn. Of "none" and others the last word counts. */
export function registryOption(text: string, before = "none"): string {
  if (text === "none") return text;
  return attempt(() => parseRegistryUrls(before === "none" ? text : `${before},${text}`).join());
}

/** `--invite`; the environment is not seen by other users of the machine. */
function inviteOption(): Option {
  return new Option("--invite <token>", "of a closed registry; needed once")
    .env("WARREN_INVITE")
    .argParser((text: string) => attempt(() => (parseInvite(text), text)));
}

/** `--registry-ca`, as an absolute path: bots have a folder of their own. */
export function registryCaOption(what = ""): Option {
  return new Option(
    "--registry-ca <file>",
    `${what}the certificate authority (PEM) of a registry behind https, if it is your own`,
  )
    .env("WARREN_REGISTRY_CA")
    .argParser((text: string) => resolve(text));
}

/** The servers of a registry's shared store. */
export function storeOption(): Option {
  return new Option("--store <servers>", "share peers and names with other processes: nats://host:4222[,…]")
    .env("WARREN_STORE") // it may have a password, and flags are for all to see
    .argParser((text: string) => attempt(() => (parseNatsServers(text), text)));
}

/** The lease of a process that shares its store, in seconds. */
export function leaseOption(text: string): number {
  const seconds = secondsOption(text);
  if (seconds >= 2 && seconds <= 600) return seconds;
  throw new InvalidArgumentError("2 to 600 seconds were expected.");
}

/** One of a few words. */
export function choiceOption<Choice extends string>(choices: readonly Choice[]): (text: string) => Choice {
  return (text) => {
    const found = choices.find((choice) => choice === text);
    if (found !== undefined) return found;
    throw new InvalidArgumentError(`${choices.join(" or ")} was expected.`);
  };
}

/** May be given again and again. */
export function urlsOption(text: string, before: readonly string[] = []): string[] {
  return [...before, attempt(() => parseRegistryUrl(text))];
}

/** One of the bots' settings; may be given again and again. */
export function setOption(text: string, before: readonly string[] = []): string[] {
  readSet(text);
  return [...before, text];
}

function whole(text: string, least: number, most: number, expected: string): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= least && value <= most) return value;
  throw new InvalidArgumentError(expected);
}

function attempt<Value>(read: () => Value): Value {
  try {
    return read();
  } catch (error) {
    throw new InvalidArgumentError(`${describeError(error)}.`);
  }
}

/** Commander's words in one line, as Warren says such things: what was given, and what was expected. */
function plainText(text: string): string {
  return text
    .replace(/^error: /, "")
    .trimEnd()
    .replaceAll("\n", " ")
    .replace(/^option '(?:-\w, )?(--[\w-]+)[^']*' argument '(.*)' is invalid\. (.*?)\.?$/, "$1 $2: $3")
    .replace(/^command-argument value '(.*)' is invalid for argument '(\w+)'\. (.*?)\.?$/, "<$2> $1: $3")
    .replace(/^option '(?:-\w, )?(--[\w-]+)[^']*' argument missing$/, "$1 needs a value: --help shows which")
    .replace(/^missing required argument '(\w+)'$/, "<$1> is missing: --help shows what belongs where");
}

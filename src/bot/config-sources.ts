/** Config sources: where the configuration of a bot comes from: warren.toml, the environment, the command line. */
import { existsSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { describeError, WarrenError } from "../base/errors.ts";
import { CONFIG_FILE, configFiles } from "./config-file.ts";
import { type BotConfig, type GivenValue, parseConfig } from "./config.ts";
import { nearest } from "./nearest.ts";
import type { Plugin } from "./plugin.ts";
import { readSet } from "./set-option.ts";
import { readSettings, type Settings, variablePrefix } from "./settings.ts";

export interface ConfigSources {
  /** The folder beside the bots, looked into first. */
  readonly folder: string;
  readonly home: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Each as `<name>.<key>=<value>`; those of other bots are passed over. */
  readonly set: readonly string[];
  /** Told what is not wrong but should be mended. */
  readonly warn: (text: string) => void;
}

interface Table {
  readonly values: Readonly<Record<string, unknown>>;
  readonly file: string;
  /** As it is called in messages. */
  readonly called: string;
  /** The bots that have a table there. */
  readonly names: readonly string[];
}

/** Reads the configuration of one bot. Later sources win: the file, the environment, the command line. @throws as `parseConfig` */
export async function readConfig(plugin: Pick<Plugin, "name" | "config">, sources: ConfigSources): Promise<BotConfig> {
  const { name } = plugin;
  const settings = readSettings(plugin);
  // A bot that takes no configuration is not kept off by a mistake in a file that is about others.
  const table = plugin.config ? readTable(name, sources) : undefined;
  if (table) warnIfOpen(name, settings, table, sources.warn);
  const set = sources.set.map(readSet);
  const given = [
    ...fromFile(name, table),
    ...fromEnvironment(name, settings, sources.environment),
    ...set.filter((one) => one.name === name).map((one) => fromCommandLine(one, settings)),
  ];
  try {
    return await parseConfig(plugin, given);
  } catch (error) {
    if (!(error instanceof WarrenError) || error.code !== "CONFIG_MISSING") throw error;
    const guess = nearest(
      name,
      [...(table?.names ?? []), ...set.map((one) => one.name)].filter((one) => one !== name),
    );
    if (guess === undefined) throw error;
    throw new WarrenError(error.code, `${error.message} (what is set there is for ${guess}: is ${name} meant?)`);
  }
}

function readTable(name: string, { folder, home }: ConfigSources): Table | undefined {
  const file = configFiles(folder, home).find((path) => existsSync(path));
  if (file === undefined) return undefined;
  const called = file === join(folder, CONFIG_FILE) ? CONFIG_FILE : file;
  const whole = parseToml(file, called);
  const stray = Object.keys(whole).find((key) => key !== "bots");
  if (stray !== undefined) throw invalid(`${stray} in ${called} is unknown: bots are configured under [bots.<name>]`);
  const bots = tableAt(whole["bots"] ?? {}, "bots", called);
  const values = tableAt(bots[name] ?? {}, `bots.${name}`, called);
  return { values, file, called, names: Object.keys(bots) };
}

function parseToml(file: string, called: string): Record<string, unknown> {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    throw invalid(`${called} cannot be read (${describeError(error)}): mend its permissions, or move it away`);
  }
  const failure = tomlFailure(text);
  if (failure === undefined) return { ...Bun.TOML.parse(text) };
  // Bun tells no line, so it is looked for: the longest beginning of the file that can be read ends above it.
  const lines = text.split("\n");
  const good = lines.findLastIndex((_, index) => tomlFailure(lines.slice(0, index).join("\n")) === undefined);
  throw invalid(`${called} is not TOML, at line ${good + 1} or below: ${failure}`);
}

/** What is wrong with the text, without anything that stands in it: that may be a secret. */
function tomlFailure(text: string): string | undefined {
  try {
    Bun.TOML.parse(text);
    return undefined;
  } catch (error) {
    return (
      describeError(error)
        .replace(/^TOML Parse error: /, "")
        .replace(/ but found .*$/s, "")
        // What is quoted stands in the file, unless it is a mark that should: "Expected '=' after a key".
        .replace(/[:,]? *(["'`])[^\w\s]\1|[:,]? *["'`].*$/gs, (quoted, mark) => (mark ? quoted : ""))
    );
  }
}

function tableAt(value: unknown, path: string, called: string): Record<string, unknown> {
  const isTable = typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof Date);
  if (!isTable) throw invalid(`${path} in ${called} is no table: write [${path}], and its keys below`);
  return { ...value };
}

function warnIfOpen(
  name: string,
  { all }: Settings,
  { values, file, called }: Table,
  warn: (text: string) => void,
): void {
  const held = all.find(({ key, isSecret }) => isSecret && Object.hasOwn(values, key));
  if (!held || (statSync(file).mode & 0o077) === 0) return;
  warn(`${called} holds the ${held.key} of ${name} and others can read it: chmod 600 ${called}`);
}

function fromFile(name: string, table: Table | undefined): GivenValue[] {
  if (!table) return [];
  const source = `in ${table.called}`;
  return Object.entries(table.values).map(([key, value]) => {
    return { key, value, isText: false, path: `bots.${name}.${key}`, source };
  });
}

/** A variable that is set to nothing counts as not set, as with `WARREN_HOME`. */
function fromEnvironment(name: string, { all }: Settings, environment: ConfigSources["environment"]): GivenValue[] {
  const prefix = variablePrefix(name);
  const variables = all.map((setting) => setting.variable);
  for (const variable of Object.keys(environment)) {
    if (!variable.startsWith(prefix) || variables.includes(variable)) continue;
    // It may be meant for a bot whose name is longer: only what is nearly a key is taken for a slip.
    const guess = nearest(
      variable.slice(prefix.length),
      variables.map((one) => one.slice(prefix.length)),
    );
    if (guess !== undefined)
      throw invalid(`${variable} in the environment is unknown: did you mean ${prefix}${guess}?`);
  }
  return all.flatMap(({ key, variable }) => {
    const value = environment[variable];
    return value ? [{ key, value, isText: true, path: variable, source: "in the environment" }] : [];
  });
}

function fromCommandLine({ name, key, value }: ReturnType<typeof readSet>, { all }: Settings): GivenValue {
  const path = `--set ${name}.${key}`;
  const setting = all.find((one) => one.key === key);
  if (setting?.isSecret) {
    const way = `set ${setting.variable} in the environment, or ${key} under [bots.${name}] in ${CONFIG_FILE}`;
    throw invalid(`${path} is refused, as other users can see command lines: ${way}`);
  }
  return { key, value, isText: true, path, source: "on the command line" };
}

function invalid(message: string): WarrenError {
  return new WarrenError("CONFIG_INVALID", message);
}

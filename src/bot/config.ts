/** Config: the values given to a bot, checked against its schema, become `bot.config`; secrets stay covered throughout. */
import { z } from "zod";
import { describeError, WarrenError } from "../base/errors.ts";
import { nearest } from "./nearest.ts";
import type { Plugin } from "./plugin.ts";
import { concealing, MASK, secretsIn } from "./secret.ts";
import { readSettings, readText, type Setting, type Settings } from "./settings.ts";

/** One value, and where it comes from: `bots.webhook.port` `in warren.toml`. */
export interface GivenValue {
  readonly key: string;
  readonly value: unknown;
  /** A text that is to be turned into the declared type. */
  readonly isText: boolean;
  readonly path: string;
  readonly source: string;
}

export interface BotConfig {
  /** What `bot.config` is. Printed, or made to JSON or a text, it shows no secret. */
  readonly values: Readonly<Record<string, unknown>>;
  /** The text with every secret of this configuration covered. */
  conceal(text: string): string;
}

/** What is given in code, as in a test. */
export function givenInCode(values: Readonly<Record<string, unknown>>): GivenValue[] {
  return Object.entries(values).map(([key, value]) => ({
    key,
    value,
    isText: false,
    path: `config.${key}`,
    source: "given in code",
  }));
}

/**
 * Reads the configuration of a plugin; of two values for one key the later counts.
 *
 * @throws {WarrenError} `CONFIG_MISSING` when nothing is given and something is needed; `CONFIG_INVALID` for a value that
 *   is missing, wrong or unknown, in one line that shows no secret; `PLUGIN_INVALID` for a schema that will not do
 */
export async function parseConfig(
  plugin: Pick<Plugin, "name" | "config">,
  given: readonly GivenValue[],
): Promise<BotConfig> {
  return await new Reading(plugin, given).parse();
}

class Reading {
  readonly #name: string;
  readonly #schema: z.ZodObject;
  readonly #settings: Settings;
  readonly #given: readonly GivenValue[];
  readonly #places = new Map<string, GivenValue>();
  readonly #input: Record<string, unknown> = {};
  readonly #secrets: string[] = [];

  constructor({ name, config = z.object({}) }: Pick<Plugin, "name" | "config">, given: readonly GivenValue[]) {
    this.#name = name;
    this.#schema = config;
    this.#settings = readSettings({ name, config });
    this.#given = given;
  }

  async parse(): Promise<BotConfig> {
    for (const one of this.#given) this.#take(one);
    const missing = this.#settings.all.filter(({ key, isRequired }) => isRequired && !this.#places.has(key));
    if (missing.length > 0) throw this.#given.length === 0 ? this.#off(missing) : this.#lacking(missing);
    let parsed: z.ZodSafeParseResult<Record<string, unknown>>;
    try {
      parsed = await this.#schema.safeParseAsync(this.#input);
    } catch (error) {
      // Without its cause, in which the values could stand.
      throw invalid(`the configuration of ${this.#name} cannot be read: ${this.#conceal(describeError(error))}`);
    }
    if (!parsed.success) throw invalid(this.#conceal(this.#describe(parsed.error.issues[0])));
    for (const { key, schema } of this.#settings.all) this.#secrets.push(...secretsIn(schema, parsed.data[key]));
    return { values: covered(parsed.data, this.#settings), conceal: concealing(this.#secrets) };
  }

  #take(given: GivenValue): void {
    const { key, value, isText, path, source } = given;
    const setting = this.#settings.all.find((one) => one.key === key);
    if (!setting && !this.#settings.takesOthers) throw invalid(this.#unknown(given));
    this.#places.set(key, given);
    const read = setting && isText ? readText(setting, String(value)) : { kind: "value" as const, value };
    if (read.kind === "wrong") {
      throw invalid(`${path} ${source} is ${setting?.isSecret ? MASK : show(value)}: ${read.expected}`);
    }
    this.#input[key] = read.value;
    this.#secrets.push(...secretsIn(setting?.schema, read.value));
  }

  /** Nothing was given, and something is needed. */
  #off(missing: readonly Setting[]): WarrenError {
    const keys = missing.map(({ key }) => key).join(", ");
    const variables = missing.flatMap(({ variable, argument }) => (argument ? [variable] : [])).join(", ");
    const way = variables === "" ? "" : `, or ${variables} in the environment`;
    return new WarrenError(
      "CONFIG_MISSING",
      `off until configured: set ${keys} under [bots.${this.#name}] in warren.toml${way}`,
    );
  }

  #lacking([first]: readonly Setting[]): WarrenError {
    const way = first?.argument ? `, or ${first.variable} in the environment` : "";
    const path = `bots.${this.#name}.${first?.key}`;
    return invalid(`${path} is missing: set ${first?.key} under [bots.${this.#name}] in warren.toml${way}`);
  }

  #unknown({ key, path, source }: GivenValue): string {
    const keys = this.#settings.all.map((one) => one.key);
    const guess = nearest(key, keys);
    const takes = keys.length === 0 ? "no configuration" : keys.join(", ");
    const way = guess === undefined ? `${this.#name} takes ${takes}` : `did you mean ${guess}?`;
    return `${path} ${source} is unknown: ${way}`;
  }

  #describe(issue: z.core.$ZodIssue | undefined): string {
    if (!issue || issue.path.length === 0) {
      return `the configuration of ${this.#name} will not do: ${issue?.message ?? "its schema refuses it"}`;
    }
    const [key = "", ...rest] = issue.path.map(String);
    const given = this.#places.get(key);
    const setting = this.#settings.all.find((one) => one.key === key);
    const deeper = rest.map((part) => `.${part}`).join("");
    const place = given ? `${given.path}${deeper} ${given.source}` : `bots.${this.#name}.${key}${deeper}`;
    if (setting?.isSecret) return `${place} is ${MASK}: ${plainWords(standardWords(issue))}`;
    const found: unknown = rest.reduce<unknown>((value, part) => partOf(value, part), this.#input[key]);
    return `${place} is ${found === undefined ? "missing" : show(found)}: ${plainWords(issue.message)}`;
  }

  #conceal(text: string): string {
    return concealing(this.#secrets)(text);
  }
}

/** The values, frozen, on a prototype that answers for them whenever they are shown. */
function covered(values: Record<string, unknown>, { all }: Settings): Readonly<Record<string, unknown>> {
  const isSecret = (key: string): boolean => all.some((one) => one.key === key && one.isSecret);
  const shown = (): Record<string, unknown> =>
    Object.fromEntries(
      Object.entries(values).map(([key, value]) => [key, isSecret(key) && value !== undefined ? MASK : value]),
    );
  const face: unknown = Object.create(Object.prototype, {
    toJSON: { value: shown },
    toString: { value: () => JSON.stringify(shown()) },
    [Symbol.for("nodejs.util.inspect.custom")]: { value: shown },
  });
  return Object.freeze(
    Object.defineProperties(Object.create(face as object), Object.getOwnPropertyDescriptors(values)),
  );
}

/** Zod's own words for what is wrong: an author's could repeat the value. */
function standardWords(issue: z.core.$ZodIssue): string {
  const words = z.locales.en().localeError({ ...issue, input: undefined });
  return typeof words === "string" ? words : (words?.message ?? "it will not do");
}

/** `Invalid input: expected number, received string` without what is said already. */
function plainWords(message: string): string {
  return message.replace(/^Invalid (?:input|option): /, "");
}

function partOf(value: unknown, key: string): unknown {
  return typeof value === "object" && value !== null
    ? Object.entries(value).find(([one]) => one === key)?.[1]
    : undefined;
}

function show(value: unknown): string {
  const text = typeof value === "string" ? `"${value}"` : (JSON.stringify(value) ?? typeof value);
  return text.length > 60 ? `${text.slice(0, 59)}…` : text;
}

function invalid(message: string): WarrenError {
  return new WarrenError("CONFIG_INVALID", message);
}

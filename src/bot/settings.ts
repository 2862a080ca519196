/** Settings: what the schema of a bot's configuration declares, key by key, and how a text becomes the value of one. */
import { z } from "zod";
import type { JsonSchema } from "../base/card.ts";
import { WarrenError } from "../base/errors.ts";
import { type Argument, readArguments } from "./arguments.ts";
import { TYPE_WORDS, wordValue } from "./command-line.ts";
import type { Plugin } from "./plugin.ts";
import { holdsSecret } from "./secret.ts";

export interface Setting {
  readonly key: string;
  /** The environment variable that gives it. */
  readonly variable: string;
  readonly isRequired: boolean;
  readonly isSecret: boolean;
  /** How it is read from a text; undefined for lists and tables, which only a file can hold. */
  readonly argument: Argument | undefined;
  readonly schema: JsonSchema;
}

export interface Settings {
  readonly all: readonly Setting[];
  /** Whether keys that are not declared are taken too. */
  readonly takesOthers: boolean;
}

const KEY = /^[a-z][a-zA-Z0-9]{0,31}$/;
/** They would change how the configuration is printed, and so uncover secrets. */
const RESERVED_KEYS: readonly string[] = ["toString", "toJSON"];
/** Variables that mean something else. */
const RESERVED_VARIABLES: readonly string[] = ["WARREN_HOME", "WARREN_REGISTRY_PORT"];

/** @throws {WarrenError} `PLUGIN_INVALID` with the path of what cannot be configured */
export function readSettings({ name, config = z.object({}) }: Pick<Plugin, "name" | "config">): Settings {
  if (!(config instanceof z.ZodObject)) throw invalid(name, "config: must be a z.object({ … })");
  const schema: JsonSchema = z.toJSONSchema(config, { io: "input", unrepresentable: "any" });
  const required = Array.isArray(schema["required"]) ? schema["required"] : [];
  const { properties, additionalProperties } = schema;
  const all = Object.entries({ ...(properties as object) }).map(([key, value]: [string, unknown]): Setting => {
    const property: JsonSchema = { ...(value as object) };
    const variable = variableOf(name, key);
    if (!KEY.test(key) || RESERVED_KEYS.includes(key)) {
      throw invalid(name, `config.${key}: use a-z, then letters and digits, and neither toString nor toJSON`);
    }
    if (RESERVED_VARIABLES.includes(variable)) throw invalid(name, `config.${key}: ${variable} means something else`);
    const isPlain = typeof property["type"] === "string" && Object.hasOwn(TYPE_WORDS, property["type"]);
    const argument = isPlain ? readArguments({ properties: { [key]: property } })[0] : undefined;
    return {
      key,
      variable,
      isRequired: required.includes(key),
      isSecret: holdsSecret(property),
      argument,
      schema: property,
    };
  });
  return { all, takesOthers: additionalProperties !== undefined && additionalProperties !== false };
}

export type ReadText = { kind: "value"; value: unknown } | { kind: "wrong"; expected: string };

/** Turns a text of the environment or the command line into the declared type. */
export function readText({ key, argument }: Setting, text: string): ReadText {
  if (!argument) return { kind: "wrong", expected: `it is no plain value, so set ${key} in warren.toml` };
  const value = wordValue(argument, text);
  if (value !== undefined) return { kind: "value", value };
  const expected = argument.choices ? `one of ${argument.choices.join(", ")}` : TYPE_WORDS[argument.type];
  return { kind: "wrong", expected: `expected ${expected}` };
}

/** `WARREN_WEB_HOOK_`, with which the variables of the bot `web-hook` begin. */
export function variablePrefix(name: string): string {
  return `WARREN_${name.toUpperCase().replaceAll("-", "_")}_`;
}

function variableOf(name: string, key: string): string {
  return variablePrefix(name) + key.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase();
}

function invalid(name: string, reason: string): WarrenError {
  return new WarrenError("PLUGIN_INVALID", `${name}: ${reason}`);
}

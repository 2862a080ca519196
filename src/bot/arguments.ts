/** Arguments: what the JSON Schema of a command means on a command line. Works for one's own commands and for any card. */
import type { JsonSchema } from "../base/card.ts";
import { WarrenError } from "../base/errors.ts";

export const ARGUMENT_TYPES = ["string", "integer", "number", "boolean"] as const;
export type ArgumentType = (typeof ARGUMENT_TYPES)[number];

export interface Argument {
  /** The key in the schema: `maxAge`. */
  readonly key: string;
  /** The flag's name, without dashes in front: `max-age`. */
  readonly flag: string;
  readonly type: ArgumentType;
  readonly isRequired: boolean;
  /** A boolean that may be left out is a flag only; everything else also has a place in the line. */
  readonly isPositional: boolean;
  /** The last one, where it is free text: it takes the rest of the line as it was typed. */
  readonly takesRest: boolean;
  /** The only values allowed; undefined where others are too. */
  readonly choices: readonly (string | number | boolean)[] | undefined;
  readonly schema: JsonSchema;
}

/** Formats of texts that are one word, and what help calls them. */
export const WORD_FORMATS: ReadonlyMap<unknown, string> = new Map([
  ["duration", "a duration like 10s or 2h"],
  ["peer", "somebody's name or id"],
]);

const KEY = /^[a-z][a-zA-Z0-9]{0,31}$/;

/**
 * The arguments in the order in which they are typed.
 *
 * @throws {WarrenError} `PLUGIN_INVALID` with the path of the first argument that cannot be typed in a line
 */
export function readArguments(schema: JsonSchema): Argument[] {
  const properties = Object.entries(record(schema["properties"]) ?? {});
  const required = Array.isArray(schema["required"]) ? schema["required"] : [];
  return properties.map(([key, value], index) => {
    const path = `args.${key}`;
    if (!KEY.test(key)) throw invalid(path, `an argument's name is a-z, then letters and digits`);
    const property = record(value) ?? {};
    const type = ARGUMENT_TYPES.find((known) => known === property["type"]);
    if (type === undefined) throw invalid(path, `${describeShape(property)} cannot be typed as one word; ${ALLOWED}`);
    const isRequired = required.includes(key);
    const choices = readChoices(property);
    return {
      key,
      flag: key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`),
      type,
      isRequired,
      isPositional: type !== "boolean" || isRequired,
      takesRest: isFreeText(property) && choices === undefined && index === properties.length - 1,
      choices,
      schema: property,
    };
  });
}

function isFreeText({ type, format }: JsonSchema): boolean {
  return type === "string" && !WORD_FORMATS.has(format);
}

const ALLOWED = "use a string, a number, a boolean or an enum (z.object's own keys, not nested ones)";

/** The only values that a schema allows, where it lists them. */
export function readChoices(schema: JsonSchema): Argument["choices"] {
  const values = Array.isArray(schema["enum"]) ? schema["enum"] : "const" in schema ? [schema["const"]] : undefined;
  return values?.filter((value) => ["string", "number", "boolean"].includes(typeof value));
}

function describeShape(schema: JsonSchema): string {
  const type = schema["type"];
  if (typeof type === "string") return type === "object" || type === "array" ? `an ${type}` : `a value of type ${type}`;
  return Array.isArray(type) ? `a value of several types (${type.join(", ")})` : "a value of no plain type";
}

function record(value: unknown): JsonSchema | undefined {
  return typeof value === "object" && value !== null ? { ...value } : undefined;
}

function invalid(path: string, reason: string): WarrenError {
  return new WarrenError("PLUGIN_INVALID", `${path}: ${reason}`);
}

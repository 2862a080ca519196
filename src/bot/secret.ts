/** Secret: a text of a bot's configuration that is never shown, and how it is kept out of what is. */
import { z } from "zod";
import type { JsonSchema } from "../base/card.ts";

/** What is shown in place of a secret. */
export const MASK = "•••";

/** A text for `config` that nobody may see: errors, logs and the printed configuration show `•••` in its place. */
export function secret(): z.ZodString {
  return z.string().meta({ writeOnly: true }); // JSON Schema's word for it; it survives `.min(8)` and `.optional()`
}

/** Whether a value of this schema is a secret, or holds one. */
export function holdsSecret(schema: unknown): boolean {
  if (typeof schema !== "object" || schema === null) return false;
  return ("writeOnly" in schema && schema.writeOnly === true) || Object.values(schema).some(holdsSecret);
}

/** The secrets in a value, as its schema tells them. Where the schema leaves a choice, all of its ways count. */
export function secretsIn(schema: unknown, value: unknown): string[] {
  if (!holdsSecret(schema) || typeof schema !== "object" || schema === null) return [];
  if (typeof value === "string") return [value]; // a secret itself, or one of several things it might be
  if (typeof value !== "object" || value === null) return [];
  const { properties, items, prefixItems, additionalProperties: others, ...rest }: JsonSchema = { ...schema };
  const ways = [rest["anyOf"], rest["oneOf"], rest["allOf"]].flat();
  const known: JsonSchema = typeof properties === "object" && properties !== null ? { ...properties } : {};
  const places = Array.isArray(prefixItems) ? prefixItems : [];
  return [
    ...ways.flatMap((way) => secretsIn(way, value)),
    ...Object.entries(value).flatMap(([key, part]: [string, unknown]) =>
      secretsIn(known[key] ?? places[Number(key)] ?? (Array.isArray(value) ? items : others), part),
    ),
  ];
}

/** Covers every one of the secrets in a text, also where it was made ready for an address. */
export function concealing(secrets: readonly string[]): (text: string) => string {
  const forms = secrets.flatMap((one) => [one, encodeURIComponent(one.toWellFormed())]).filter((one) => one !== "");
  forms.sort((a, b) => b.length - a.length); // the longest first: one secret may be the beginning of another
  return (text) => forms.reduce((left, one) => left.replaceAll(one, MASK), text);
}

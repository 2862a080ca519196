/** Queries: what stands behind the `?` of a URL, checked. */
import { z } from "zod";
import { WarrenError } from "../base/errors.ts";
import type { Listed } from "./roster.ts";
import { kindShape, nameShape } from "./shapes.ts";

/** By what peers can be chosen, everywhere. */
export const filterShape = z.strictObject({
  name: nameShape.optional(),
  kind: kindShape.optional(),
  command: z.string().min(1).max(98).optional(), // three words of 32 characters
});

export type Filter = z.infer<typeof filterShape>;

/** @throws {WarrenError} `USAGE` naming the first thing that is not understood */
export function readQuery<Query>(shape: z.ZodType<Query>, params: URLSearchParams): Query {
  const query = shape.safeParse(Object.fromEntries(params));
  if (query.success) return query.data;
  const issue = query.error.issues[0];
  const place = issue?.path.map(String).join(".") || "query";
  throw new WarrenError("USAGE", `${place}: ${issue?.message ?? "not understood"}`);
}

export function fitsFilter({ body }: Listed, { name, kind, command }: Filter): boolean {
  if (name !== undefined && body.name !== name) return false;
  if (kind !== undefined && body.kind !== kind) return false;
  return command === undefined || body.card.commands.some((one) => one.name === command);
}

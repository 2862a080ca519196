/** Answer: what a person says to a question of a dialog, turned into the value that is asked for. */
import { z } from "zod";
import type { JsonSchema } from "../base/card.ts";
import { WarrenError } from "../base/errors.ts";
import { ARGUMENT_TYPES, readChoices } from "./arguments.ts";
import { choose, clip, readValue, type ReadValue } from "./command-line.ts";
import { describeIssue } from "./issue.ts";

export type ReadAnswer = (text: string) => Promise<ReadValue>;

/**
 * Reads the values of a schema: texts, numbers, booleans and enums as on a command line. Where a schema takes something
 * else (`z.coerce`, a union), it is given the text.
 *
 * @throws {WarrenError} `PLUGIN_INVALID` for a schema that no one message can answer
 */
export function answerOf(schema: z.ZodType): ReadAnswer {
  const shape: JsonSchema = { ...z.toJSONSchema(schema, { io: "input", unrepresentable: "any" }) };
  if (shape["type"] === "object" || shape["type"] === "array") {
    const advice = "ask for a string, a number, a boolean or an enum, one question after another";
    throw new WarrenError("PLUGIN_INVALID", `an ${shape["type"]} cannot be asked for in one message: ${advice}`);
  }
  const type = ARGUMENT_TYPES.find((known) => known === shape["type"]) ?? "string";
  const choices = readChoices(shape);
  return async (text) => {
    const read = readValue(text, { type, choices });
    if (read.kind === "wrong") return read;
    const error: z.core.$ZodErrorMap = (issue) => describeIssue(issue, `"${clip(text)}"`);
    const parsed = await schema.safeParseAsync(read.value, { error });
    if (parsed.success) return { kind: "value", value: parsed.data };
    return { kind: "wrong", sentence: parsed.error.issues[0]?.message ?? "this answer will not do" };
  };
}

/** Reads one of `options`, by its number or its text. @throws {WarrenError} `PLUGIN_INVALID` if there is none */
export function choiceOf(options: readonly string[]): ReadAnswer {
  if (options.length === 0) throw new WarrenError("PLUGIN_INVALID", "there is nothing to choose from: give options");
  return async (text) => {
    const word = text.trim();
    const option = choose(options, word) ?? (/^\d{1,4}$/.test(word) ? options[Number(word) - 1] : undefined);
    if (option !== undefined) return await Promise.resolve({ kind: "value", value: option });
    return {
      kind: "wrong",
      sentence: `"${clip(text)}" is none of them: answer with a number from 1 to ${options.length}`,
    };
  };
}

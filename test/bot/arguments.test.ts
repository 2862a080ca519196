import { expect, test } from "bun:test";
import { z } from "zod";
import { readArguments } from "../../src/bot/arguments.ts";

const read = (schema: z.ZodObject) => readArguments(z.toJSONSchema(schema, { io: "input", unrepresentable: "any" }));

test("each key of the schema is an argument, in the order it was written", () => {
  const args = read(
    z.object({
      to: z.string(),
      maxAge: z.number().int().default(3),
      size: z.enum(["small", "large"]).optional(),
      loud: z.boolean().default(false),
      on: z.boolean(),
      text: z.string().optional(),
    }),
  );
  expect(args.map((argument) => Object.values(argument).slice(0, -1))).toEqual([
    // key, flag, type, isRequired, isPositional, takesRest, choices; then the schema
    ["to", "to", "string", true, true, false, undefined],
    ["maxAge", "max-age", "integer", false, true, false, undefined],
    ["size", "size", "string", false, true, false, ["small", "large"]],
    ["loud", "loud", "boolean", false, false, false, undefined],
    ["on", "on", "boolean", true, true, false, undefined],
    ["text", "text", "string", false, true, true, undefined],
  ]);
});

test("a schema that cannot be typed in a line is refused with the path of what cannot", () => {
  expect(refused({ list: z.array(z.string()) })).toEqual(refusal("args.list: an array cannot be typed as one word"));
  expect(refused({ deep: z.object({ a: z.string() }) })).toEqual(refusal("args.deep: an object cannot"));
  expect(refused({ when: z.date() })).toEqual(refusal("args.when: a value of no plain type"));
  expect(refused({ any: z.unknown() })).toEqual(refusal("args.any: a value of no plain type"));
  expect(refused({ two: z.union([z.string(), z.number()]) })).toEqual(refusal("args.two: a value of several types"));
  expect(refused({ none: z.string().nullable() })).toEqual(
    refusal("args.none: a value of several types (string, null)"),
  );
  expect(refused({ "is it": z.string() })).toEqual(refusal("args.is it: an argument's name is a-z"));
});

test("a card that a stranger wrote is read without trust", () => {
  expect(readArguments({})).toEqual([]);
  expect(readArguments({ properties: 5 })).toEqual([]);
  expect(() => readArguments({ properties: { a: null } })).toThrow("args.a");
});

function refused(shape: z.ZodRawShape): unknown {
  try {
    return read(z.object({ fine: z.string(), ...shape }));
  } catch (error) {
    return error;
  }
}

function refusal(message: string): unknown {
  return expect.objectContaining({ code: "PLUGIN_INVALID", message: expect.stringContaining(message) });
}

import { expect, test } from "bun:test";
import * as fc from "fast-check";
import { z } from "zod";
import type { JsonSchema } from "../../src/base/card.ts";
import { readArguments } from "../../src/bot/arguments.ts";
import { callLine } from "../../src/bot/call-line.ts";
import { readLine } from "../../src/bot/command-line.ts";

const SCHEMA = z.object({ maxAge: z.number(), isLoud: z.boolean().optional(), note: z.string(), who: z.string() });
const SHAPE = readArguments(z.toJSONSchema(SCHEMA) as JsonSchema);

test("a call is written as a person would type it", () => {
  expect(callLine("roll", {})).toBe("roll");
  expect(callLine("list add", { times: 3, isLoud: true, quiet: false, note: "two words", who: "ann" })).toBe(
    'list add --times 3 --is-loud --no-quiet --note "two words" --who ann',
  );
  expect(callLine("roll", { sides: -2.5, nothing: undefined, none: null, list: [1] })).toBe(
    'roll --sides -2.5 --none null --list "[1]"',
  );
});

test("what is written is read back as the same values, whatever they are", () => {
  const text = fc.oneof(fc.string(), fc.string({ unit: fc.constantFrom(..."\"“”'\\ -=a\n«".split("")) }));
  const values = fc.record({ maxAge: fc.integer(), isLoud: fc.boolean(), note: text, who: text });
  fc.assert(
    fc.property(values, (given) => {
      expect(readLine(callLine("", given), SHAPE)).toMatchObject({ kind: "values", values: given });
    }),
    { numRuns: 2_000 },
  );
});

import { expect, test } from "bun:test";
import * as fc from "fast-check";
import { z } from "zod";
import { readArguments } from "../../src/bot/arguments.ts";
import { readLine } from "../../src/bot/command-line.ts";

const reader = (schema: z.ZodObject) => {
  const args = readArguments(z.toJSONSchema(schema, { io: "input" }));
  return (line: string): unknown => {
    const read = readLine(line, args);
    return read.kind === "values" ? read.values : read.sentence;
  };
};

const roll = reader(
  z.object({ sides: z.number().int().default(6), times: z.number().default(2), loud: z.boolean().optional() }),
);
const say = reader(z.object({ to: z.string(), quiet: z.boolean().default(false), text: z.string() }));

test("words take the arguments in their order, and become what the schema declares", () => {
  expect(roll("")).toEqual({});
  expect(roll("20")).toEqual({ sides: 20 });
  expect(roll("20 -1.5")).toEqual({ sides: 20, times: -1.5 });
});

test("flags are given with a space or a sign, anywhere, by key or by flag", () => {
  expect(roll("--times 3 20")).toEqual({ times: 3, sides: 20 });
  expect(roll("--sides=20 --times=1e3")).toEqual({ sides: 20, times: 1_000 });
  expect(reader(z.object({ maxAge: z.number() }))("--max-age 3")).toEqual({ maxAge: 3 });
  expect(reader(z.object({ maxAge: z.number() }))("--maxAge 3")).toEqual({ maxAge: 3 });
  expect(roll("—sides 20")).toEqual({ sides: 20 }); // a phone made one dash of two
});

test("a boolean is a flag, its opposite, or a word", () => {
  expect(roll("--loud 20")).toEqual({ loud: true, sides: 20 });
  expect(roll("--no-loud")).toEqual({ loud: false });
  expect(roll("--loud=no")).toEqual({ loud: false });
  expect(roll("--loud=maybe")).toBe('"maybe" is not yes or no (loud)');
  const light = reader(z.object({ room: z.string(), on: z.boolean() }));
  expect(light("kitchen OFF")).toEqual({ room: "kitchen", on: false });
});

test("a last free text takes the rest of the line as it was typed", () => {
  expect(say(`ann  it's  "5 o'clock" --now `)).toEqual({ to: "ann", text: `it's  "5 o'clock" --now` });
  expect(say(`--quiet ann "just this"`)).toEqual({ quiet: true, to: "ann", text: "just this" });
  expect(say(`ann -- --loud`)).toEqual({ to: "ann", text: "--loud" });
});

test("choices are found whatever their case", () => {
  const size = reader(z.object({ size: z.enum(["small", "Large"]), level: z.literal([1, 2]).optional() }));
  expect(size("LARGE 2")).toEqual({ size: "Large", level: 2 });
  expect(size("huge")).toBe('"huge" is not one of small, Large (size)');
});

test("what is wrong is a sentence that names the argument", () => {
  expect(roll("many")).toBe('"many" is not a whole number (sides)');
  expect(roll("2.5")).toBe('"2.5" is not a whole number (sides)');
  expect(roll("9999999999999999")).toBe('"9999999999999999" is not a whole number (sides)');
  expect(roll("6 few")).toBe('"few" is not a number (times)');
  expect(roll("6 1e999")).toBe('"1e999" is not a number (times)');
  expect(roll("6 2 extra")).toBe('"extra" is one word too many');
  expect(roll("--sids 6")).toBe("there is no --sids; did you mean --sides?");
  expect(roll("--weather")).toBe("there is no --weather");
  expect(roll("--sides")).toBe("--sides needs a value");
  expect(roll("6 --sides 6")).toBe("sides is given twice");
  expect(say("ann")).toBe("text is missing");
});

test("any text at all is read or answered", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (line) => {
      const read = say(line);
      expect(typeof read === "string" || typeof read === "object").toBe(true);
    }),
  );
  expect(roll("--__proto__ 5")).toBe("there is no --__proto__");
  expect(roll("--constructor=5")).toBe("there is no --constructor");
});

test("a text in quotes comes out as it went in", () => {
  const text = fc.string().filter((one) => one !== "");
  fc.assert(
    fc.property(text, text, (to, words) => {
      expect(say(`${quote(to)} ${quote(words)}`)).toEqual({ to, text: words });
    }),
  );
});

function quote(text: string): string {
  return `"${text.replace(/["“”„‟«»\\]/g, String.raw`\$&`)}"`;
}

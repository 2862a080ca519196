import { expect, test } from "bun:test";
import { z } from "zod";
import { answerOf, choiceOf } from "../../src/bot/answer.ts";
import type { ReadValue } from "../../src/bot/command-line.ts";

const value = (given: unknown): ReadValue => ({ kind: "value", value: given });
const wrong = (sentence: string): ReadValue => ({ kind: "wrong", sentence });

test("a message becomes the value that the schema declares", async () => {
  expect(await answerOf(z.number())(" 6 ")).toEqual(value(6));
  expect(await answerOf(z.boolean())("Yes")).toEqual(value(true));
  expect(await answerOf(z.enum(["ham", "fish"]))("FISH")).toEqual(value("fish"));
  expect(await answerOf(z.string())("two  words")).toEqual(value("two  words"));
  expect(await answerOf(z.string().transform((text) => text.length))("four")).toEqual(value(4));
});

test("a schema that takes something else is given the text", async () => {
  expect(await answerOf(z.coerce.number())("6")).toEqual(value(6));
  expect(await answerOf(z.union([z.literal("none"), z.email()]))("none")).toEqual(value("none"));
});

test("what is wrong is a sentence, the author's own first", async () => {
  expect(await answerOf(z.number().int())("many")).toEqual(wrong('"many" is not a whole number'));
  expect(await answerOf(z.enum(["ham", "fish"]))("egg")).toEqual(wrong('"egg" is not one of ham, fish'));
  expect(await answerOf(z.number().max(9))("10")).toEqual(wrong('"10" is too big: at most 9'));
  expect(await answerOf(z.number().max(9, "our oven is small"))("10")).toEqual(wrong("our oven is small"));
  const free = z.string().refine(async (name) => await Promise.resolve(name !== "bob"), "bob is taken");
  expect(await answerOf(free)("bob")).toEqual(wrong("bob is taken"));
});

test("a choice is made by its text in any case, or by its number", async () => {
  const read = choiceOf(["ham", "2", "Ham"]);
  expect(await read("Ham ")).toEqual(value("Ham"));
  expect(await read("HAM")).toEqual(value("ham"));
  expect(await read("2")).toEqual(value("2")); // its text goes before its number
  expect(await read("3")).toEqual(value("Ham"));
  for (const text of ["0", "4", "-1", "1.5", "egg"]) {
    expect(await read(text)).toEqual(wrong(`"${text}" is none of them: answer with a number from 1 to 3`));
  }
});

test("what no one message can answer is refused", () => {
  expect(() => answerOf(z.object({ a: z.string() }))).toThrow("an object cannot be asked for in one message");
  expect(() => answerOf(z.array(z.string()))).toThrow("an array cannot be asked for in one message");
  expect(() => choiceOf([])).toThrow("nothing to choose from");
});

import { expect, test } from "bun:test";
import { complete, type Completions } from "../../src/cli/completion.ts";

const number = { type: "integer" };
const roll = { name: "roll", about: "", args: { type: "object", properties: { sides: number, times: number } } };
const words: Completions = {
  commands: ["/users", "/talk", "/message"],
  withName: ["/talk", "/message"],
  names: ["bob", "dice"],
  cardOf: (name) => (["dice", "far"].includes(name) ? { about: "", commands: [roll] } : undefined),
};
const after = (line: string, partner?: string): string[] => complete(line, { ...words, partner })[0];

test("commands, and names where a command takes one", () => {
  expect(after("/")).toEqual(["/users ", "/talk ", "/message "]);
  expect(after("/talk ")).toEqual(["bob ", "dice "]);
  expect(after("/talk d")).toEqual(["dice "]);
  expect(after("/users ")).toEqual([]);
});

test("names in each form in which somebody is spoken to", () => {
  expect(after("d")).toEqual(["dice "]);
  expect(after("@")).toEqual(["@bob ", "@dice "]);
  expect(after("b", "dice")).toEqual(["bob: "]);
});

test("what a bot can do, and the arguments that it takes", () => {
  expect(after("@dice r")).toEqual(["roll "]);
  expect(after("dice: roll --s")).toEqual(["--sides "]);
  expect(after("dice roll ")).toEqual(["--sides ", "--times "]);
  expect(after("/message dice ro")).toEqual(["roll "]);
  expect(after("r", "dice")).toEqual(["roll "]);
  expect(after("roll --t", "dice")).toEqual(["--times "]);
  expect(after("roll ", "bob")).toEqual([]);
  expect(after("@far r")).toEqual(["roll "]); // nobody whom the chat has seen
});

test("only the last word is replaced", () => {
  expect(complete("  @dice ro", words)).toEqual([["roll "], "ro"]);
});

import { expect, test } from "bun:test";
import type { Card } from "../../src/base/card.ts";
import { callWords } from "../../src/cli/call-words.ts";

const object = (properties: object, required: string[] = []) => ({ type: "object", properties, required });
const CARD: Card = {
  about: "",
  commands: [
    {
      name: "order",
      about: "",
      args: object(
        {
          size: { type: "string", enum: ["small", "large"] },
          maxAge: { type: "integer" },
          hot: { type: "boolean", default: true },
          extra: { type: "boolean", default: false },
          fresh: { type: "boolean" },
          to: { type: "string", format: "peer" },
          note: { type: "string" },
        },
        ["size", "fresh"],
      ),
    },
    { name: "list", about: "", args: object({}) },
    { name: "list add", about: "", args: object({ what: { type: "string" } }) },
    { name: "broken", about: "", args: object({ all: { type: "array" } }) },
    { name: "nasty", about: "", args: object({ one: { type: "string", enum: ["\u001b[2J", "a b", "plain"] } }) },
  ],
};

/** Those that fit what was typed last, as Tab shows them. */
function words(line: string, card = CARD): string[] {
  const typed = line.split(" ");
  return callWords(card, typed, ["ann", "bob"]).filter((word) => word.startsWith(typed.at(-1) ?? ""));
}

test("the commands of a bot, word by word, and the help that every bot gives", () => {
  expect(words("")).toEqual(["order", "list", "broken", "nasty", "help"]);
  expect(words("o")).toEqual(["order"]);
  expect(words("list ")).toEqual(["add"]);
  expect(words("help l")).toEqual(["list"]);
  expect(words("help list a")).toEqual(["add"]);
  const own = { about: "", commands: [{ name: "help", about: "", args: object({ about: { type: "string" } }) }] };
  expect([words("h", own), words("help ", own)]).toEqual([["help"], ["--about"]]);
});

test("flags as they are typed, each once", () => {
  expect(words("order --")).toEqual(["--size", "--max-age", "--no-hot", "--extra", "--fresh", "--to", "--note"]);
  expect(words("order large --max-age 3 --e")).toEqual(["--extra"]);
  expect(words("order --size=small --s")).toEqual([]);
  expect(words("order --no-hot --no")).toEqual(["--note"]);
  expect(words("order -- --m")).toEqual([]);
});

test("values in their places: what is allowed, yes or no, and who is there", () => {
  expect(words("order s")).toEqual(["small"]);
  expect(words("order --extra l")).toEqual(["large"]);
  expect(words("order small 3 ").slice(0, 2)).toEqual(["yes", "no"]);
  expect(words("order small 3 yes b")).toEqual(["bob"]);
  expect(words("order --to a")).toEqual(["ann"]);
  expect(words("order --to ")).toEqual(["ann", "bob"]);
});

test("in a text of one's own nothing is proposed, and nothing that a terminal would obey", () => {
  expect(words("list add bre")).toEqual([]);
  expect(words("list add some bread -")).toEqual([]);
  expect(words("broken ")).toEqual([]);
  expect(words("nasty ")).toEqual(["plain", "--one"]);
  expect(words("unknown ")).toEqual([]);
});

import { expect, test } from "bun:test";
import { z } from "zod";
import { helpForAll, helpForCommand, helpInOneLine, usageOf } from "../../src/bot/help.ts";

const schema = z.object({
  size: z.enum(["small", "large"]),
  sides: z.number().int().min(2).max(100).default(6).describe("how many sides"),
  least: z.number().min(1).optional(),
  most: z.number().max(9).optional(),
  loud: z.boolean().default(false),
  safe: z.boolean().default(true),
  on: z.boolean(),
  why: z.string().default("for fun"),
});
const roll = { name: "roll", about: "roll some dice", args: z.toJSONSchema(schema, { io: "input" }) };
const help = { name: "help", about: "what this bot can do", args: {} };

test("usage shows what must be there, what may be, and what stands in for it", () => {
  expect(usageOf(help)).toBe("help");
  expect(usageOf(roll)).toBe(
    "roll <small|large> [sides=6] [least] [most] [--loud] [--no-safe] <on: yes|no> [why...=for fun]",
  );
});

test("the help of a command explains every argument", () => {
  expect(helpForCommand(help)).toBe("help: what this bot can do");
  expect(helpForCommand(roll).split("\n").slice(1)).toEqual([
    "  size   one of small, large",
    "  sides  how many sides, a whole number, 2 to 100, 6 if left out",
    "  least  a number, at least 1, may be left out",
    "  most   a number, at most 9, may be left out",
    "  loud   yes or no, false if left out",
    "  safe   yes or no, true if left out",
    "  on     yes or no",
    "  why    a text, for fun if left out",
  ]);
});

test("the help of a bot is one line a command, and its short form one line", () => {
  expect(helpForAll("rolls dice", [help])).toBe("rolls dice\n  help: what this bot can do");
  expect(helpInOneLine("rolls dice", [roll, help], undefined)).toBe("rolls dice (commands: roll, help)");
  expect(helpInOneLine("rolls dice", [roll], "roll")).toBe('did you mean "roll"? rolls dice (commands: roll)');
});

import { expect, test } from "bun:test";
import { z } from "zod";
import { Command } from "../../src/bot/command.ts";
import type { BotMessage, CommandOptions } from "../../src/bot/plugin.ts";
import { ManualClock } from "../../src/testing/manual-clock.ts";
import { ann } from "./fake-peer.ts";

function talk(options: Omit<CommandOptions<z.ZodObject>, "about" | "run"> & { run?: CommandOptions["run"] }) {
  const clock = new ManualClock();
  const calls: unknown[] = [];
  const said: string[] = [];
  const run: CommandOptions<z.ZodObject>["run"] = ({ args }) => void calls.push(args);
  const command = new Command("roll", { about: "roll some dice", run, ...options }, clock);
  const reply = async (text: string): Promise<undefined> => await Promise.resolve(void said.push(text));
  const say = async (line: string, attempt = 1): Promise<void> => {
    const { signal } = new AbortController();
    const message: BotMessage = { id: "m", from: ann, text: line, at: 0, hops: 0, attempt, signal, reply };
    await command.run(message, line);
  };
  return { clock, calls, said, say, command };
}

test("run is given what the schema makes of the words", async () => {
  const args = z.object({
    sides: z.number().int().default(6),
    mail: z
      .string()
      .transform((text) => text.length)
      .optional(),
  });
  const { calls, say } = talk({ args });
  await say("");
  await say("20 four");
  expect(calls).toEqual([{ sides: 6 }, { sides: 20, mail: 4 }]);
});

test("what zod refuses is said first, in a sentence that names the argument; the usage follows", async () => {
  const args = z.object({
    sides: z.number().min(2).lt(100).default(6),
    name: z.string().min(2).max(3).default("abc"),
    mail: z.email().optional(),
    even: z.number().multipleOf(2, "an even number is needed").optional(),
  });
  const { calls, said, say } = talk({ args });
  for (const line of ["1", "100", "--name a", "--name abcd", "--mail ann", "--even 3", "many"]) await say(line);
  expect(calls).toEqual([]);
  expect(said.map((text) => text.split("\n")[0])).toEqual([
    '"1" is too small: at least 2 (sides)',
    '"100" is too big: less than 100 (sides)',
    '"a" is too short: at least 2 characters (name)',
    '"abcd" is too long: at most 3 characters (name)',
    '"ann" is not a valid email (mail)',
    "an even number is needed (even)",
    '"many" is not a number (sides)',
  ]);
  expect(said[0]).toEndWith("\nusage: roll [sides=6] [name=abc] [mail] [even]");
});

test("a rule about several arguments together is said in the author's words", async () => {
  const args = z
    .object({ from: z.number(), to: z.number() })
    .refine(({ from, to }) => from < to, "from must be below to");
  const { said, say } = talk({ args });
  await say("3 2");
  expect(said).toEqual(["from must be below to\nusage: roll <from> <to>"]);
});

test("a cooldown answers once how long to wait, then stays silent", async () => {
  const { clock, calls, said, say } = talk({ cooldown: { max: 1, per: "10s" } });
  for (let n = 0; n < 3; n++) await say("");
  expect([calls.length, said]).toEqual([1, ["too soon: again in 10 s"]]);
  await clock.advance(10_000);
  await say("");
  expect(calls).toHaveLength(2);
});

test("a message that is handed out again after a failure is not counted again", async () => {
  const { calls, said, say } = talk({ cooldown: { max: 1, per: "10s" } });
  await say("");
  await say("", 2);
  expect([calls.length, said]).toEqual([2, []]);
});

test("the card is the JSON Schema of what may be typed", () => {
  const { command } = talk({ args: z.object({ sides: z.number().int().min(2).default(6) }) });
  expect(command.card).toEqual({
    name: "roll",
    about: "roll some dice",
    args: {
      type: "object",
      properties: { sides: { type: "integer", minimum: 2, maximum: Number.MAX_SAFE_INTEGER, default: 6 } },
    },
  });
});

test("what cannot work is refused when it is registered, with its place", () => {
  expect(() => talk({ args: z.object({ when: z.date() }) })).toThrow(
    'command "roll": args.when: a value of no plain type',
  );
  // @ts-expect-error -- a duration without a unit
  expect(() => talk({ cooldown: { max: 1, per: "10" } })).toThrow('command "roll": "10" is not a duration');
  // @ts-expect-error -- arguments that are no object
  expect(() => talk({ args: z.string() })).toThrow('command "roll": args: must be a z.object');
  expect(() => new Command("Roll it", { about: "", run: () => {} }, new ManualClock())).toThrow(
    'command "Roll it": a command',
  );
});

import { expect, test } from "bun:test";
import { z } from "zod";
import { Command } from "../../src/bot/command.ts";
import { Confirmations } from "../../src/bot/confirmations.ts";
import type { BotMessage, CommandOptions } from "../../src/bot/plugin.ts";
import { ann, commandsHost, FakePeer, wholeOf } from "./fake-peer.ts";

function talk(options: Omit<CommandOptions<z.ZodObject>, "about" | "run"> & { run?: CommandOptions["run"] }) {
  const fake = new FakePeer();
  const { clock } = fake;
  const host = commandsHost(fake);
  const confirmations = new Confirmations(host.store("confirmations"), host.clock);
  const calls: unknown[] = [];
  const said: string[] = [];
  const run: CommandOptions<z.ZodObject>["run"] = ({ args }) => void calls.push(args);
  const command = new Command("roll", { about: "roll some dice", run, ...options }, { ...host, confirmations });
  const reply: BotMessage["reply"] = async (text) => void said.push(await wholeOf(text));
  const say = async (line: string, attempt = 1): Promise<void> => {
    const { signal } = new AbortController();
    const message: BotMessage = { id: "m", from: ann, text: line, at: 0, hops: 0, attempt, signal, reply };
    await command.run(message, line);
  };
  return { clock, failures: host.failures, calls, said, say, command };
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
  // @ts-expect-error -- nothing to run
  expect(() => talk({ run: undefined })).toThrow('command "roll": run: must be a function');
  // @ts-expect-error -- nothing to tell in the help
  expect(() => talk({ about: undefined })).toThrow('command "roll": about: say in a few words');
});

test("whoever may not use a command is told so in one line, learns nothing of it, and uses up nobody's turn", async () => {
  const cooldown = { max: 1, per: "10s", by: "everyone" } as const;
  const args = z.object({ sides: z.number() });
  const group = talk({ allow: { group: "staff" }, cooldown, args });
  await group.say("many");
  await group.say("6");
  expect([group.calls, group.said]).toEqual([[], ['you may not use "roll"', 'you may not use "roll"']]);
  const own = talk({ allow: ({ args: { sides } }) => sides === 6, cooldown, args });
  await own.say("20");
  await own.say("6");
  expect([own.calls, own.said]).toEqual([[{ sides: 6 }], ['you may not use "roll"']]);
  expect(() => talk({ allow: "ann" })).toThrow('command "roll": allow: "ann" is not a peer id');
});

test("a guard that fails denies, and says so to whoever listens to failures", async () => {
  const { calls, said, say, failures } = talk({ allow: () => Promise.reject(new Error("no net")) });
  await say("");
  expect([calls, said]).toEqual([[], ['you may not use "roll"']]);
  expect(failures).toEqual(['the guard of "roll" denied ann: no net']);
});

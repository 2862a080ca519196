/** What is wrong in a bot is an error of its types. The compiler reads this file; `@ts-expect-error` fails where none is. */
import { expect, test } from "bun:test";
import { z } from "zod";
import type { Bot } from "../../src/bot/plugin.ts";
import { duration, peer } from "../../src/bot/special-arguments.ts";
import { call, type Caller } from "../../src/bot/typed-call.ts";

export function commands(bot: Bot): void {
  const args = z.object({ sides: z.number().default(6), who: peer(), wait: duration().optional() });
  bot.command("roll", {
    about: "roll",
    args,
    run: ({ args: given }) => {
      const { sides, who, wait }: { sides: number; who: { name: string }; wait?: number | undefined } = given;
      // @ts-expect-error -- misspelt
      return [sides, who, wait, given.side];
    },
  });
  bot.command("roll", {
    about: "roll",
    args,
    // @ts-expect-error -- a number, not a text
    run: ({ args: { sides } }) => sides.toUpperCase(),
  });
  // @ts-expect-error -- arguments that are no object
  bot.command("roll", { about: "roll", args: z.string(), run: () => {} });
  // @ts-expect-error -- a duration without a unit
  bot.command("roll", { about: "roll", cooldown: { max: 1, per: "10" }, run: () => {} });
  // @ts-expect-error -- a default of a duration is typed: .prefault("10s")
  duration().default("10s");
}

export function guards(bot: Bot): void {
  const args = z.object({ sides: z.number() });
  bot.command("roll", { about: "roll", args, allow: (asked) => asked.args.sides < 7, run: () => {} });
  bot.command("roll", { about: "roll", args, confirm: (given) => `${given.sides}?`, run: () => {} });
  // @ts-expect-error -- misspelt
  bot.command("roll", { about: "roll", args, allow: (asked) => asked.args.side < 7, run: () => {} });
  // @ts-expect-error -- misspelt
  bot.command("roll", { about: "roll", args, confirm: (given) => `${given.side}?`, run: () => {} });
  // @ts-expect-error -- a guard that says neither yes nor no
  bot.command("roll", { about: "roll", args, allow: () => {}, run: () => {} });
}

export function hooks(bot: Bot): void {
  bot.on("peer:online", ({ name }) => name.toUpperCase());
  bot.on("error", ({ where }) => where.toUpperCase());
  // @ts-expect-error -- no such hook
  bot.on("peer:onlin", () => {});
  // @ts-expect-error -- nothing is told with it
  bot.on("started", (peerInfo: string) => peerInfo);
  // @ts-expect-error -- a peer, not a text
  bot.on("peer:offline", (name: string) => name);
  // @ts-expect-error -- a text, not a number
  bot.outgoing((message, next) => next({ ...message, text: 7 }));
  // @ts-expect-error -- a condition that is none
  bot.on("message", { form: "x" }, () => {});
}

export async function calls(bot: Bot): Promise<number> {
  const result = z.object({ sum: z.number(), thrown: z.array(z.number()) });
  const rolled = await bot.call("dice", "roll", { times: 3 }, { result, timeout: "5s", confirmed: true });
  // @ts-expect-error -- a number, not a text
  rolled.sum.toUpperCase();
  // @ts-expect-error -- misspelt
  const misspelt: unknown = rolled.som;
  // @ts-expect-error -- nothing is known of a result without a schema
  const untyped: unknown = (await bot.call("dice", "roll")).sum;
  // @ts-expect-error -- a misspelt option
  await bot.call("dice", "roll", {}, { reslt: result });
  // @ts-expect-error -- a duration without a unit
  await bot.call("dice", "roll", {}, { timeout: "5" });
  // @ts-expect-error -- arguments have names
  await bot.call("dice", "roll", 3);
  // @ts-expect-error -- a result that is no schema
  await bot.call("dice", "roll", {}, { result: "number" });
  return [rolled.sum, misspelt, untyped].length;
}

export async function programs(caller: Caller): Promise<string> {
  // @ts-expect-error -- a number, not a text
  await call(caller, "dice", "roll", {}, { result: z.number() }).then((sum) => sum.toUpperCase());
  return await call(caller, "dice", "roll", {}, { result: z.number().transform(String) });
}

export async function jobs(bot: Bot): Promise<void> {
  const payload = z.object({ text: z.string() });
  const job = bot.job("later", (run) => run.payload.text.toUpperCase(), { payload });
  // @ts-expect-error -- a number, not a text
  await job.in("1m", { text: 7 });
  // @ts-expect-error -- misspelt
  await job.in("1m", { txt: "x" });
  // @ts-expect-error -- a payload is missing
  await job.in("1m");
  // @ts-expect-error -- misspelt
  bot.job("wrong", (run) => run.payload.txt, { payload });
}

test("a wrong bot does not compile", () => {
  expect([commands, guards, hooks, calls, programs, jobs].every((one) => one.length === 1)).toBe(true);
});

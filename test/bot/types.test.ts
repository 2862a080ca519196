/** What is wrong in a bot is an error of its types. The compiler reads this file; `@ts-expect-error` fails where none is. */
import { expect, test } from "bun:test";
import { z } from "zod";
import type { Bot } from "../../src/bot/plugin.ts";
import { duration, peer } from "../../src/bot/special-arguments.ts";

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
  bot.command("roll", { about: "roll", args, allow: (call) => call.args.sides < 7, run: () => {} });
  bot.command("roll", { about: "roll", args, confirm: (given) => `${given.sides}?`, run: () => {} });
  // @ts-expect-error -- misspelt
  bot.command("roll", { about: "roll", args, allow: (call) => call.args.side < 7, run: () => {} });
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

test("a wrong bot does not compile", () => {
  expect([commands, guards, hooks].every((one) => one.length === 1)).toBe(true);
});

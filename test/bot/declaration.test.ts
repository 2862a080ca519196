import { expect, test } from "bun:test";
import { declare } from "../../src/bot/declaration.ts";
import type { Bot } from "../../src/bot/plugin.ts";

const dice = (setup: (bot: Bot) => unknown): Promise<void> => declare({ name: "dice", about: "rolls", setup });

test("a setup that registers is fine", async () => {
  await dice((bot) => {
    bot.command("roll", { about: "roll", run: () => {} });
    bot.on("message", () => {});
    bot.store("rolls");
    bot.job("later", () => {});
    bot.every("1d", () => {});
  });
});

const register = (bot: Bot): unknown => bot.command("Two Words", { about: "roll", run: () => {} });
const often = (bot: Bot): unknown => bot.cron("often", () => {});
const fail = (): never => {
  throw new Error("no dice");
};

test("a setup that throws, or registers what cannot work, is not", async () => {
  expect(await dice(register).catch(String)).toContain("Two Words");
  expect(await dice(often).catch(String)).toContain('"often" cannot be kept');
  expect(await dice(fail).catch(String)).toBe("WarrenError: dice: setup failed: no dice");
});

test("where setup needs a real peer, the look ends: what would follow is not known", async () => {
  await dice((bot) => {
    if (bot.store<number>("rolls").get("count") === undefined) throw new Error("count first");
  });
  await dice(async (bot) => {
    await bot.send("ann", "here I am");
    throw new Error("never comes to that");
  });
  await dice((bot) => bot.find({ name: "ann" }));
  await dice((bot) => bot.fetch("http://127.0.0.1:9/"));
  await dice((bot) => bot.job("later", () => {}).in("1m"));
  await dice((bot) => bot.store("rolls").set("count", 1));
});

test("a port that the running bot holds is no fault", async () => {
  using held = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
  await dice(() => void Bun.listen({ hostname: "127.0.0.1", port: held.port, socket: { data() {} } }));
});

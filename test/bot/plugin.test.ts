import { expect, test } from "bun:test";
import { z } from "zod";
import { secret } from "../../src/bot/secret.ts";
import { checkPlugin, definePlugin } from "../../src/bot/plugin.ts";

test("what is no plugin is refused with the field that is wrong", () => {
  const good = { name: "dice", about: "rolls dice", setup: () => {} };
  expect(definePlugin(good)).toBe(good);
  expect(() => checkPlugin(undefined)).toThrow("not a plugin: it is not an object made with definePlugin");
  expect(() => checkPlugin({ ...good, name: "My Dice" })).toThrow("not a plugin: name:");
  expect(() => checkPlugin({ ...good, about: " " })).toThrow("not a plugin: about:");
  expect(() => checkPlugin({ ...good, setup: 1 })).toThrow("not a plugin: setup:");
});

// Never run: what a plugin takes is what its `bot` has.
definePlugin({
  name: "configured",
  about: "shows what the compiler knows of a configuration",
  config: z.object({ url: z.url(), token: secret(), every: z.string().default("1h"), port: z.number().optional() }),
  setup({ config }) {
    const texts: string[] = [config.url, config.token, config.every];
    const port: number | undefined = config.port;
    // @ts-expect-error -- a misspelt key
    texts.push(config.ulr, String(port));
    // @ts-expect-error -- it is not the bot's to change
    config.url = "";
  },
});
definePlugin({
  name: "bare",
  about: "takes no configuration",
  // @ts-expect-error -- and has none
  setup: (bot) => bot.log.info(bot.config.url),
});

// Never run: `bun check` reads it, and each mistake has to be one.
definePlugin({
  name: "types",
  about: "shows what the compiler knows",
  setup(bot) {
    bot.command("roll", {
      about: "roll some dice",
      args: z.object({ sides: z.number().default(6), colour: z.enum(["red", "blue"]).optional() }),
      cooldown: { max: 5, per: "10s" },
      async run({ args, reply, from }) {
        const sides: number = args.sides;
        const colour: "red" | "blue" | undefined = args.colour;
        await reply(`${from.name}: ${sides} ${colour}`);
        // @ts-expect-error -- a misspelt argument
        await reply(args.sidse);
        // @ts-expect-error -- an argument of another type
        await reply(args.sides);
      },
    });
    bot.command("ping", {
      about: "answer",
      // @ts-expect-error -- a command without arguments has none
      run: ({ args, reply }) => reply(args.sides),
    });
    // @ts-expect-error -- a duration in a unit that does not exist
    bot.command("slow", { about: "wait", cooldown: { max: 1, per: "5 weeks" }, run: () => {} });
    bot.on("message", { match: /x/, order: "pre" }, (message, next) => (message.text === "" ? next() : undefined));
    // @ts-expect-error -- an event that does not exist
    bot.on("massage", () => {});
    // @ts-expect-error -- a condition that does not exist
    bot.on("message", { matches: /x/ }, () => {});
    const counts = bot.store<number>("counts");
    // @ts-expect-error -- a value of another type
    void counts.set("ann", "1");
    const scores = bot.store("scores", { schema: z.object({ best: z.number() }) });
    // @ts-expect-error -- a value of another type than the schema's
    void scores.set("ann", { best: "1" });
  },
});

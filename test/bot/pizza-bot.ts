/** A bot that takes orders in a dialog, for the tests of dialogs. */
import { z } from "zod";
import type { Dialog } from "../../src/bot/dialog.ts";
import { type Bot, definePlugin, type DialogHandle, type Plugin } from "../../src/bot/plugin.ts";
import { createTestWarren, type TestWarren } from "../../src/testing/kit.ts";

export type Work = (d: Dialog) => unknown;

/** `order` starts the dialog; `menu` is a command beside it. */
export function pizza(work: Work, more: (bot: Bot, order: DialogHandle<undefined>) => void = () => {}): Plugin {
  return definePlugin({
    name: "pizza",
    about: "bakes",
    setup(bot) {
      const order = bot.dialog("order", work);
      bot.command("order", {
        about: "order",
        run: async ({ from, reply }) => void ((await order.start(from)) || (await reply("one at a time"))),
      });
      bot.command("menu", { about: "menu", run: ({ reply }) => reply("pizza") });
      more(bot, order);
    },
  });
}

export const open = async (work: Work, more?: Parameters<typeof pizza>[1]): Promise<TestWarren> =>
  await createTestWarren({ plugins: [pizza(work, more)] });

export const size = z.number().int().min(1).max(9);

export const whole: Work = async (d) => {
  const pieces = await d.ask("size", "How big?", size);
  const topping = await d.choose("topping", "Which topping?", ["ham", "mushrooms"]);
  await d.say(`${d.peer.name}: ${pieces} with ${topping}`);
};

export const TOPPINGS = "Which topping?\n1. ham\n2. mushrooms";

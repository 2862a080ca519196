import { definePlugin, z } from "warren";

export default definePlugin({
  name: "pizza",
  about: "takes orders for pizza",
  setup(bot) {
    const orders = bot.store<string>("orders"); // what each person ordered last, by id

    const order = bot.dialog("order", async (d) => {
      const pieces = await d.ask("pieces", "How many pieces?", z.number().int().min(1).max(9), { timeout: "10m" });
      const topping = await d.choose("topping", "Which topping?", ["ham", "mushrooms", "nothing"]);
      const oven = await d.once("oven", () => 1 + Math.floor(bot.random() * 3)); // chance: once, and then known
      await orders.set(d.peer.id, `${pieces} with ${topping}`);
      await d.say(`${pieces} with ${topping}, from oven ${oven}`);
    });

    bot.command("order", {
      about: "order a pizza",
      async run({ from, reply }) {
        if (!(await order.start(from))) await reply("answer the last question first");
      },
    });

    bot.command("last", {
      about: "what you ordered last",
      run: ({ from, reply }) => reply(orders.get(from.id) ?? "nothing yet"),
    });
  },
});

import { definePlugin, z } from "warren";

export default definePlugin({
  name: "welcome",
  about: "greets people when they come for the first time",
  config: z.object({
    text: z
      .string()
      .default("welcome, {name}! say help to the bot called help, and it tells what the bots here can do"),
  }),
  setup(bot) {
    const greeted = bot.store<number>("greeted"); // when, by peer id

    bot.on("peer:online", async (peer) => {
      if (peer.kind !== "person" || greeted.has(peer.id)) return;
      await greeted.set(peer.id, bot.now()); // first: whoever is greeted twice is no newcomer
      await bot.send(peer.id, bot.config.text.replaceAll("{name}", peer.name));
    });
  },
});

import { definePlugin, z, type PeerInfo } from "warren";

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

    async function greet({ id, name, kind }: PeerInfo): Promise<void> {
      if (kind !== "person" || greeted.has(id)) return;
      await greeted.set(id, bot.now()); // first: whoever is greeted twice is no newcomer
      await bot.send(id, bot.config.text.replaceAll("{name}", name));
    }

    bot.on("peer:online", greet);
    bot.on("registered", async () => {
      for (const peer of await bot.find({ kind: "person" })) if (peer.online) await greet(peer); // who was here before us
    });
  },
});

import { definePlugin, z } from "warren";

export default definePlugin({
  name: "help",
  about: "tells what the bots here can do",
  setup(bot) {
    bot.command("help", {
      about: "all the bots, or one of them, or who knows a command",
      args: z.object({ what: z.string().describe("a bot's name, or a command").optional() }),
      async run({ args: { what }, reply }) {
        const bots = await bot.find({ kind: "bot" });
        const others = bots.filter((one) => one.online && one.id !== bot.self.id);
        const meant = what?.trim().toLowerCase();
        const isMeant = (name: string): boolean =>
          meant === undefined || name === meant || name.split(" ").includes(meant); // "add" is "watch add", too
        const found = others.filter(({ name, card }) => [name, ...card.commands.map((one) => one.name)].some(isMeant));
        if (meant !== undefined && found.length === 0)
          return await reply(`no bot here is called "${what}" or can do that`);
        const lines = found
          .toSorted((a, b) => a.name.localeCompare(b.name))
          .flatMap(({ name, card }) => [
            `${name}: ${card.about}`,
            ...card.commands.map((command) => `  ${command.name}: ${command.about}`),
          ]);
        return await reply(lines.length === 0 ? "no other bot is online" : lines.join("\n"));
      },
    });
  },
});

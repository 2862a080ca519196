import { definePlugin, z } from "warren";

export default definePlugin({
  name: "help",
  about: "tells what the bots here can do",
  setup(bot) {
    /** What those can do that are meant by `what`, which may be a bot or a command; "" where there are none. */
    async function tell(what?: string): Promise<string> {
      const bots = await bot.find({ kind: "bot" });
      const others = bots.filter((one) => one.online && one.id !== bot.self.id);
      const meant = what?.trim().toLowerCase();
      const isMeant = (name: string): boolean =>
        meant === undefined || name === meant || name.split(" ").includes(meant); // "add" is "watch add", too
      return others
        .filter(({ name, card }) => [name, ...card.commands.map((one) => one.name)].some(isMeant))
        .toSorted((a, b) => a.name.localeCompare(b.name))
        .flatMap(({ name, card }) => [
          `${name}: ${card.about}`,
          ...card.commands.map((command) => `  ${command.name}: ${command.about}`),
        ])
        .join("\n");
    }

    bot.command("help", {
      about: "all the bots, or one of them, or who knows a command",
      args: z.object({ what: z.string().describe("a bot's name, or a command").optional() }),
      async run({ args: { what }, reply }) {
        const nobody = what === undefined ? "no other bot is online" : `no bot here is called "${what}" or can do that`;
        await reply((await tell(what)) || nobody);
      },
    });

    // `@help dice` is as good as `@help help dice`.
    bot.on("message", { kind: "person", direct: true }, async ({ text, reply }, next) => {
      const told = await tell(text);
      return await (told ? reply(told) : next());
    });
  },
});

import { definePlugin, z } from "warren";

export default definePlugin({
  name: "echo",
  about: "says back what you say",
  setup(bot) {
    bot.command("shout", {
      about: "say it louder",
      args: z.object({ text: z.string() }),
      run: ({ args, reply }) => reply(args.text.toUpperCase()),
    });

    bot.on("message", ({ text, reply }) => reply(text));
  },
});

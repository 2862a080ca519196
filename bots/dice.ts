import { definePlugin, z } from "warren";

export default definePlugin({
  name: "dice",
  about: "rolls dice",
  setup(bot) {
    const rolls = bot.store<number>("rolls"); // how many dice each has thrown, by peer id

    bot.command("roll", {
      about: "roll some dice",
      args: z.object({
        sides: z.number().int().min(2).max(1_000_000).default(6),
        times: z.number().int().min(1).max(100).default(2),
      }),
      cooldown: { max: 5, per: "10s" },
      async run({ args, from, reply }) {
        const thrown = Array.from({ length: args.times }, () => 1 + Math.floor(bot.random() * args.sides));
        const sum = thrown.reduce((total, one) => total + one);
        await rolls.update(from.id, (count = 0) => count + args.times);
        await reply(thrown.length === 1 ? `${sum}` : `${thrown.join(" + ")} = ${sum}`);
        return { thrown, sum };
      },
    });

    bot.command("count", {
      about: "how many dice you have thrown",
      run: ({ from, reply }) => reply(`${rolls.get(from.id) ?? 0}`),
    });

    bot.on("message", { match: /\bdice\b/i, kind: "person" }, ({ reply }) => reply("try: roll --sides 20"));
  },
});

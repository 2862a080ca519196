import { definePlugin, z } from "warren";

/** `ann++` or `ann--`; a phone writes `--` as one long dash. */
const VOTES = /(?<![\w-])([a-z0-9][a-z0-9-]{0,31}?)(\+\+|--|—)(?![\w+-])/gi;

export default definePlugin({
  name: "karma",
  about: "keeps score of praise: say ann++ or ann--",
  setup(bot) {
    const karma = bot.store<number>("karma"); // by name, in lower case

    bot.command("karma", {
      about: "the score of somebody or something",
      args: z.object({ name: z.string() }),
      run: ({ args, reply }) => reply(`${args.name} has ${karma.get(args.name.toLowerCase()) ?? 0}`),
    });

    bot.command("top", {
      about: "who is praised most",
      args: z.object({ count: z.number().int().min(1).max(50).default(5) }),
      async run({ args, reply }) {
        const scores = [...karma.entries()].toSorted(([, a], [, b]) => b - a).slice(0, args.count);
        await reply(scores.map(([name, score]) => `${name} ${score}`).join("\n") || "nobody has been praised yet");
      },
    });

    bot.on("message", { match: VOTES }, async ({ text, from, reply }) => {
      const answers: string[] = [];
      for (const [, name = "", sign] of text.toLowerCase().matchAll(VOTES).take(5)) {
        if (name === from.name) answers.push("others must praise you");
        else answers.push(`${name} has ${await karma.update(name, (score = 0) => score + (sign === "++" ? 1 : -1))}`);
      }
      await reply(answers.join(", "));
    });
  },
});

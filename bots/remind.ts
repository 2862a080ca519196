import { definePlugin, z, type BotMessage } from "warren";

/** `me in 10m to stretch`, or only `10m stretch`. */
const REQUEST = /^(?:me )?(?:in )?(\d{1,4} ?[smhd]) (?:to )?(.+)$/is;

const MAX_EACH = 50;

const Delay = z.templateLiteral([z.number(), z.enum(["s", "m", "h", "d"])]);
const Reminder = z.object({ to: z.string(), what: z.string() });

export default definePlugin({
  name: "remind",
  about: "reminds you: remind me in 10m to stretch",
  setup(bot) {
    const reminders = bot.job("reminder", ({ payload }) => bot.send(payload.to, `reminder: ${payload.what}`), {
      payload: Reminder,
    });
    const ofWhom = (id: string) => reminders.list().filter(({ payload }) => payload.to === id);

    async function remember(request: string, { from, reply }: BotMessage) {
      const [, delay = "", what = ""] = REQUEST.exec(request) ?? [];
      const after = Delay.safeParse(delay.replace(" ", "").toLowerCase());
      if (!after.success) return await reply('say when and what: "remind me in 10m to stretch" (s, m, h or d)');
      if (ofWhom(from.id).length >= MAX_EACH) return await reply(`you have ${MAX_EACH} already: "list" shows them`);
      const id = await reminders.in(after.data, { to: from.id, what });
      return await reply(`in ${after.data}: ${what} ("cancel ${id}" takes it back)`);
    }

    bot.command("remind", {
      about: "be reminded: remind me in 10m to stretch",
      args: z.object({ when: z.string().describe("in how many s, m, h or d, and of what") }),
      run: ({ args, message }) => remember(args.when, message),
    });

    // Whoever talks to remind does not say its name once more: `@remind me in 10m to stretch`.
    bot.on("message", { match: REQUEST, direct: true }, (message) => remember(message.text, message));

    bot.command("list", {
      about: "what you will be reminded of",
      async run({ from, reply }) {
        const lines = ofWhom(from.id).map(({ id, at, payload }) => `${timeOf(at)}: ${payload.what} (${id})`);
        await reply(lines.join("\n") || "nothing");
      },
    });

    bot.command("cancel", {
      about: "take a reminder back",
      args: z.object({ id: z.string() }),
      async run({ args, from, reply }) {
        const isTheirs = ofWhom(from.id).some(({ id }) => id === args.id);
        await reply(
          isTheirs && (await reminders.cancel(args.id)) ? "cancelled" : 'there is no such reminder: see "list"',
        );
      },
    });
  },
});

function timeOf(at: number): string {
  return `${new Date(at).toISOString().slice(0, 16).replace("T", " ")} UTC`;
}

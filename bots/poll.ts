import { definePlugin, duration, isWarrenError, z } from "warren";

const Poll = z.object({
  by: z.object({ id: z.string(), name: z.string() }),
  question: z.string(),
  choices: z.array(z.string().min(1)).min(2).max(20),
  closesAt: z.number(),
});

export default definePlugin({
  name: "poll",
  about: 'asks people a question: poll "Lunch?" pizza,soup',
  setup(bot) {
    const polls = bot.store("polls", { schema: Poll }); // the open ones, by number
    const votes = bot.store<string>("votes"); // of all who are asked, by number and peer id; "" is none yet
    const counts = bot.store<number>("counts");

    function standing(number: string): string {
      const poll = polls.get(number);
      if (!poll) return `there is no open poll ${number}`;
      const all = [...votes.entries(`${number}/`)].map(([, vote]) => vote);
      const lines = poll.choices.map((choice) => `${choice}: ${all.filter((vote) => vote === choice).length}`);
      return [`${poll.question} (${all.filter(Boolean).length} of ${all.length} voted)`, ...lines].join("\n");
    }

    async function cast(number: string, id: string, vote: string): Promise<string> {
      const choice = polls.get(number)?.choices.find((one) => one.toLowerCase() === vote.toLowerCase());
      if (choice === undefined || !votes.has(`${number}/${id}`)) return `poll ${number} does not ask you that`;
      await votes.set(`${number}/${id}`, choice);
      return `noted: ${choice} ("!vote ${number} …" changes it)`;
    }

    // There is one dialog at a time with each person, so it asks all that this one has not answered. What that is, is in the
    // stores, which are committed with its steps: a run after a restart goes on where the one before was.
    const asking = bot.dialog("ask", async (d) => {
      const isAsked = (number: string): boolean => votes.get(`${number}/${d.peer.id}`) === "";
      const next = () => [...polls.entries()].find(([number, { closesAt }]) => isAsked(number) && closesAt > bot.now());
      for (let open = next(); open; open = next()) {
        const [number, { by, question, choices, closesAt }] = open;
        try {
          const timeout = `${closesAt - bot.now()}ms` as const;
          const vote = await d.choose(`poll ${number}`, `${by.name} asks: ${question}`, choices, { timeout });
          await d.say(await cast(number, d.peer.id, vote));
        } catch (error) {
          if (!isWarrenError(error, "DIALOG_TIMEOUT")) throw error; // closed: the job tells
        }
      }
    });

    const closing = bot.job("close", ({ payload }) => close(payload), { payload: z.string() });

    async function close(number: string): Promise<void> {
      const poll = polls.get(number);
      if (!poll) return;
      const keys = votes.keys(`${number}/`);
      const told = new Set([poll.by.id, ...keys.map((key) => key.slice(number.length + 1))]);
      for (const id of told) await bot.send(id, `closed: ${standing(number)}`);
      for (const key of keys) await votes.delete(key);
      await polls.delete(number);
    }

    bot.command("poll", {
      about: "ask everybody who is online, or some people",
      args: z.object({
        question: z.string(),
        choices: z.string().describe('such as pizza,soup or "pizza, pea soup"'),
        who: z.string().describe("names, such as ann,bob").optional(),
        within: duration()
          .prefault("1h")
          .refine((ms) => ms <= 7 * 86_400_000, "a poll is open for at most 7d"),
      }),
      cooldown: { max: 3, per: "10m" },
      async run({ args: { question, choices, who, within }, from, reply }) {
        const people = await bot.find({ kind: "person" });
        const asked = people.filter(({ name, online }) => (who ? listed(who.toLowerCase()).includes(name) : online));
        if (asked.length === 0) return await reply("none of them is known here");
        const poll = Poll.safeParse({ by: from, question, choices: listed(choices), closesAt: bot.now() + within });
        if (!poll.success) return await reply("give 2 to 20 choices, with commas between them: pizza,soup");
        const number = `${await counts.update("polls", (count = 0) => count + 1)}`;
        await polls.set(number, poll.data);
        for (const { id } of asked) await votes.set(`${number}/${id}`, "");
        await closing.at(poll.data.closesAt, number);
        for (const person of asked) await asking.start(person); // who is asked something else comes to this next
        const names = asked.map(({ name }) => name).toSorted();
        return await reply(`poll ${number} asks ${names.join(", ")}: "results ${number}" tells how it stands`);
      },
    });

    bot.command("vote", {
      about: "answer late, or change your mind",
      args: z.object({ number: z.number(), choice: z.string() }),
      run: async ({ args, from, reply }) => reply(await cast(`${args.number}`, from.id, args.choice)),
    });

    bot.command("results", {
      about: "how an open poll stands",
      args: z.object({ number: z.number() }),
      run: ({ args, reply }) => reply(standing(`${args.number}`)),
    });
  },
});

/** `a, b,c` in parts, each of them once. */
function listed(text: string): string[] {
  return [...new Set(text.split(",").map((one) => one.trim()))];
}

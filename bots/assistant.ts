import { definePlugin, secret, z } from "warren";

const MAX_REMEMBERED = 20; // messages of each person's conversation, its answers counted
const MAX_REMEMBERED_LENGTH = 40_000; // the same in characters, as JSON
const MAX_LINE_LENGTH = 1_000_000;

const REFUSALS: Readonly<Record<number, string>> = {
  401: "the service does not take my key: tell whoever runs me",
  429: "the service has too much to do just now: try again in a minute",
};

/** One event of an answer, as far as we need it. */
const Piece = z.object({ choices: z.array(z.object({ delta: z.object({ content: z.string().nullish() }) })) });

interface Turn {
  readonly role: "user" | "assistant";
  readonly content: string;
}

/** What went wrong, in words for the person who has asked. */
class Excuse extends Error {}

export default definePlugin({
  name: "assistant",
  about: "answers with a language model",
  config: z.object({
    url: z.url().describe("where the OpenAI-compatible service is, such as http://127.0.0.1:11434/v1"),
    model: z.string(),
    key: secret().optional(),
    prompt: z.string().default("You answer in a terminal chat: briefly, in plain text."),
    allow: z.array(z.string()).optional().describe("the ids of those whom it answers; everybody, if left out"),
  }),
  setup(bot) {
    const { url, model, key, prompt, allow } = bot.config;
    const memory = bot.store<Turn[]>("memory"); // by peer id

    bot.command("forget", {
      about: "forget what we have said",
      async run({ from, reply }) {
        await memory.delete(from.id);
        await reply("we begin anew");
      },
    });

    const whom = { kind: "person", direct: true, ...(allow && { from: allow }) } as const;
    bot.on("message", { ...whom, order: "pre" }, async ({ text, from, signal, reply }, next) => {
      if (/^!?(?:help|forget)$/i.test(text.trim())) return await next(); // "help me with a letter" is for the model
      const turns: Turn[] = [...(memory.get(from.id) ?? []), { role: "user", content: text }];
      let answer = "";
      async function* speak(): AsyncGenerator<string> {
        for await (const piece of ask(turns)) {
          answer += piece;
          yield piece;
        }
        if (answer === "") throw new Excuse("the model has nothing to say to that");
      }
      try {
        await reply(speak()); // it is read as it comes
      } catch (error) {
        if (signal.aborted) throw error; // the bot ends: the message comes again when it is back
        const excuse = error instanceof Excuse ? error.message : "the answer broke off: ask me again";
        bot.log.warn(`${excuse} (${error instanceof Error ? error.name : "?"})`); // no other text: it may quote what was said
        return await reply(excuse);
      }
      // In the turn of the event loop in which the answer was sent: both are kept, or neither.
      await memory.set(from.id, newest([...turns, { role: "assistant", content: answer }]));
    });

    async function* ask(turns: readonly Turn[]): AsyncGenerator<string> {
      const response = await bot.fetch(`${url.replace(/\/+$/, "")}/chat/completions`, {
        method: "POST",
        headers: { "Content-Type": "application/json", ...(key && { Authorization: `Bearer ${key}` }) },
        body: JSON.stringify({ model, stream: true, messages: [{ role: "system", content: prompt }, ...turns] }),
        timeout: "5m",
      });
      if (!response.ok) {
        await response.body?.cancel();
        throw new Excuse(REFUSALS[response.status] ?? `the service is out of order (${response.status})`);
      }
      for await (const data of eventsOf(response)) {
        if (data === "[DONE]") return;
        yield Piece.parse(JSON.parse(data)).choices[0]?.delta.content ?? "";
      }
      throw new Error("the stream ended before it was done");
    }
  },
});

/** The data of server-sent events. Their standard lets one have several lines; this service gives each of them one. */
async function* eventsOf(response: Response): AsyncGenerator<string> {
  const decoder = new TextDecoder(); // keeps the beginning of a character whose end has not come
  let line = ""; // and this is the beginning of such a line
  for await (const bytes of response.body ?? []) {
    const lines = (line + decoder.decode(bytes, { stream: true })).split("\n"); // a carriage return may stand before it
    line = lines.pop() ?? "";
    for (const one of lines) if (one.startsWith("data:")) yield one.slice("data:".length).trim();
    if (line.length > MAX_LINE_LENGTH) throw new Error("a line has no end");
  }
}

/** What is remembered of a conversation: its end, from a question on. */
function newest(turns: readonly Turn[]): Turn[] {
  const kept = turns.slice(-MAX_REMEMBERED);
  while (JSON.stringify(kept).length > MAX_REMEMBERED_LENGTH) kept.splice(0, 2);
  return kept;
}

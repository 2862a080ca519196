import { definePlugin, duration, z } from "warren";

const MAX_WATCHES = 100;
const DAY_MS = 86_400_000;
const MAX_OUTPUT_LENGTH = 4_000;

const Watch = z.object({ url: z.string(), everyMs: z.number(), by: z.string(), state: z.string().optional() });

/**
 * This machine fetches the pages and runs the commands, and may reach what the one who asks cannot. So nobody may do anything
 * here but those in `allow`, and nothing is run but what is in `commands`, in warren.toml:
 *
 *     [bots.watch]
 *     allow = ["<your peer id>"]
 *     commands.disk = ["df", "-h", "/"]
 */
export default definePlugin({
  name: "watch",
  about: "watches web pages, and runs what its configuration allows",
  config: z.object({
    allow: z.array(z.string()).min(1).describe("peer ids: a name can be given to anybody"),
    commands: z.record(z.string(), z.array(z.string()).min(1)).default({}),
    seconds: z.number().positive().max(3_600).default(10).describe("how long a command may run"),
  }),
  setup(bot) {
    const { allow, seconds } = bot.config;
    const commands = new Map(Object.entries(bot.config.commands));
    const watches = bot.store("watches", { schema: Watch }); // by number
    const counts = bot.store<number>("counts");

    const looking = bot.job("look", ({ payload }) => look(payload), { payload: z.string() });

    async function look(number: string): Promise<void> {
      const watch = watches.get(number);
      if (!watch || !allow.includes(watch.by)) return; // stopped, or its owner is not allowed any more
      await looking.in(`${watch.everyMs}ms`, number); // first: the next look comes whatever becomes of this one
      const state = await bot.effect("state", () => stateOf(watch.url)); // a run after a crash goes on with what this one saw
      if (state === watch.state) return;
      await watches.set(number, { ...watch, state });
      await bot.send(watch.by, `${watch.url} is ${state}${watch.state ? `; it was ${watch.state}` : ""}`);
    }

    async function stateOf(url: string): Promise<string> {
      try {
        const response = await bot.fetch(url, { redirect: "manual", timeout: "30s" }); // where it leads, nobody has asked for
        await response.body?.cancel();
        return `${response.status < 400 ? "up" : "down"} (${response.status})`;
      } catch (error) {
        const { code, name } = Object(error) as { code?: unknown; name?: string };
        return `down (${typeof code === "string" ? code : name})`; // ECONNREFUSED, TimeoutError
      }
    }

    bot.command("watch add", {
      aliases: ["add"],
      about: "tell me when a page goes down, and when it is back",
      allow,
      args: z.object({
        url: z.url({ protocol: /^https?$/, error: "give the whole address: https://…" }).max(2_000),
        every: duration()
          .prefault("5m")
          .refine((ms) => ms >= 60_000 && ms <= 7 * DAY_MS, "look every 1m to 7d"),
      }),
      async run({ args: { url, every }, from, reply }) {
        if (watches.keys().length >= MAX_WATCHES) return await reply(`there are ${MAX_WATCHES} already: stop one`);
        const number = `${await counts.update("watches", (count = 0) => count + 1)}`;
        await watches.set(number, { url, everyMs: every, by: from.id });
        await looking.in("0s", number);
        return await reply(`watch ${number}: you are told when it changes ("watch stop ${number}" ends it)`);
      },
    });

    bot.command("watch list", {
      aliases: ["list"],
      about: "what is watched",
      allow,
      async run({ reply }) {
        const lines = [...watches.entries()].map(
          ([number, { url, state }]) => `${number}: ${url} is ${state ?? "new"}`,
        );
        await reply(lines.join("\n") || "nothing");
      },
    });

    bot.command("watch stop", {
      aliases: ["stop"],
      about: "watch it no more",
      allow,
      args: z.object({ number: z.number() }),
      async run({ args, reply }) {
        const isThere = watches.has(`${args.number}`);
        await watches.delete(`${args.number}`);
        await reply(isThere ? "stopped" : "there is no such watch");
      },
    });

    // In a job: whoever asked can say other things while it runs.
    const running = bot.job(
      "run",
      async ({ payload: { name, to }, signal }) => {
        const command = commands.get(name);
        if (command) await bot.send(to, await bot.effect("output", () => outputOf(command, seconds, signal)));
      },
      { payload: z.object({ name: z.string(), to: z.string() }) },
    );

    bot.command("run", {
      about: "run a command of the configuration",
      allow,
      args: z.object({ name: z.string() }),
      async run({ args: { name }, from, reply }) {
        if (commands.has(name)) await running.in("0s", { name, to: from.id });
        else await reply(`you can run: ${[...commands.keys()].join(", ") || "nothing, as none is configured"}`);
      },
    });
  },
});

/** Runs a program without a shell: its arguments are those of the configuration, and nothing in them has a meaning. */
async function outputOf(command: string[], seconds: number, signal: AbortSignal): Promise<string> {
  const limit = AbortSignal.any([signal, AbortSignal.timeout(1_000 * seconds)]);
  const { PATH, HOME } = process.env; // not the secrets of other bots
  const options = {
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
    env: { PATH, HOME },
    killSignal: "SIGKILL",
  } as const;
  let [output, end] = ["", ""];
  const read = async (stream: ReadableStream<Uint8Array<ArrayBuffer>>): Promise<void> => {
    for await (const text of stream.pipeThrough(new TextDecoderStream())) output += text;
  };
  try {
    const child = Bun.spawn(command, { ...options, signal: limit, maxBuffer: 4 * MAX_OUTPUT_LENGTH });
    const late = new Promise<never>((_, reject) => limit.addEventListener("abort", () => reject(limit.reason)));
    await Promise.race([Promise.all([read(child.stdout), read(child.stderr), child.exited]), late]);
    if (output.length > MAX_OUTPUT_LENGTH) end = "(and more)";
    else if (child.exitCode !== 0) end = `(${child.signalCode ?? `exit code ${child.exitCode}`})`;
  } catch (error) {
    signal.throwIfAborted(); // the bot ends: its next run begins this again
    end = limit.aborted ? `(ended after ${seconds} s)` : String(error);
  }
  return `${output.slice(0, MAX_OUTPUT_LENGTH).trim()}\n${end}`.trim() || "(it said nothing)";
}

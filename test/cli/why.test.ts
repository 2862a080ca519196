import { expect, test } from "bun:test";
import { TestHome } from "./processes.ts";

const LIMIT_MS = 60_000;

const CLERK = `
  export default definePlugin({ name: "clerk", about: "files things", setup(bot) {
    bot.on("message", { match: "file" }, (message) => message.reply("filed"));
    bot.on("message", () => {});
  } });`;

test.concurrent(
  "what a bot did with a message is told to its sender and at the bot, while it runs and while it does not",
  async () => {
    await using home = await TestHome.make();
    await home.putBot("clerk", CLERK);
    const ann = await home.peer("ann");
    await ann.sees("clerk");
    ann.say({ do: "send", to: "clerk", text: "file this", ref: 1 });
    const filed = await ann.next(({ state, ref }) => state === "handled" && ref === 1);
    ann.say({ do: "send", to: "clerk", text: "thanks", ref: 2 });
    const thanked = await ann.next(({ state, ref }) => state === "handled" && ref === 2);
    const why = async (...args: string[]): Promise<string> => {
      const { code, out, err } = await home.run(["why", ...args]);
      expect([code, err]).toEqual([0, ""]);
      return out;
    };
    expect(await why(String(filed["id"]), "-n", "ann")).toMatch(
      /^\d\d:\d\d ann: file this\n {2}clerk, attempt 1, [\d.]+ ms\n {4}commands .*none is called "file"\n {4}post listener 1 .*took it .*\n {4}→ ann: filed {2}\S+\n {2}handled\n$/,
    );
    const answer = await ann.next(({ event, text }) => event === "message" && text === "filed");
    expect(await why(String(answer["id"]), "-n", "ann")).toMatch(
      new RegExp(`said to ann: filed  \\(handled\\)\n  because of ${String(filed["id"])}\n  clerk, attempt 1, `),
    );
    const running = await why(String(thanked["id"]), "--for-bot", "clerk");
    expect(running).toContain("post listener 1  did not match: match file\n");
    expect(running).toEndWith("handled, and nothing was answered: post listener 2 took it and said nothing\n");
    const { out: history } = await home.run(["history", "clerk", "--ids", "-n", "ann"]);
    expect(history).toContain(`${String(thanked["id"])} ann: thanks\n`);
    ann.say({ do: "stop" });
    await ann.child.exited;

    expect(await why(String(thanked["id"]), "--for-bot", "clerk")).toBe(running);
    expect(await why(String(thanked["id"]), "-n", "ann")).toBe(running);
    expect(JSON.parse(await why(String(filed["id"]), "-n", "ann", "--json"))).toMatchObject({
      event: "why",
      heard: [{ state: "handled", runs: [{ bot: "clerk", attempt: 1, answers: [{ to: "ann", text: "filed" }] }] }],
      said: [],
    });
    expect(await home.run(["why", "a.1", "--for-bot", "clerk"])).toMatchObject({
      code: 1,
      err: expect.stringContaining("no message a.1 came here or was sent from here"),
    });
  },
  LIMIT_MS,
);

test.concurrent(
  "of a message to a bot of another home it is told how far it came, and where more is known",
  async () => {
    await using home = await TestHome.make();
    await using other = await TestHome.make(home);
    await other.putBot("clerk", CLERK);
    const bob = await other.peer("bob");
    await bob.sees("clerk");
    const sent = await home.run(["send", "clerk", "file this", "-n", "ann", "--json"]);
    const { id } = JSON.parse(sent.out.split("\n")[0] ?? "") as { id: string };
    const { code, out } = await home.run(["why", id, "-n", "ann"]);
    expect([code, out]).toEqual([
      0,
      expect.stringMatching(/said to clerk: file this {2}\((?:delivered|handled)\)\n {2}what .* --for-bot clerk\n$/),
    ]);
  },
  LIMIT_MS,
);

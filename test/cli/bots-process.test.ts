import { expect, test } from "bun:test";
import { join } from "node:path";
import { type JsonPeer, TestHome } from "./processes.ts";

const tellsChildren = process.platform === "linux";
if (!tellsChildren) console.log("whether a process is started is not tested here: only Linux tells of whom, in /proc");

test("what is set on the command line of a peer reaches its bots, and so does where they are recorded", async () => {
  await using home = await TestHome.make();
  await home.putBot(
    "clock",
    `export default definePlugin({
       name: "clock", about: "ticks", config: z.object({ maxAge: z.number(), say: z.string() }),
       setup: (bot) => bot.on("message", ({ reply }) => reply(JSON.stringify(bot.config))),
     });`,
  );
  const ann = await home.peer("ann", "--set", "clock.maxAge=7", "--set", "clock.say=a b", "--record", "tapes");
  await ann.sees("clock");
  ann.say({ do: "send", to: "clock", text: "what?" });
  const { text } = await ann.next(({ event }) => event === "message");
  expect(text).toBe('{"maxAge":7,"say":"a b"}');
  const recorded = await Bun.file(join(home.path, "tapes", "clock.ndjson")).text();
  expect(recorded).toMatch(
    /^\{"t":"start".*"config":\{"maxAge":7,"say":"a b"\}.*\n[^]*"t":"in".*"text":"what\?".*\n.*"t":"out"/,
  );
  expect(await home.run(["--set", "clock"])).toMatchObject({
    code: 2,
    err: "warren: --set clock: expected <name>.<key>=<value>, as in webhook.port=8080\n",
  });
}, 20_000);

async function childrenOf({ child: { pid } }: JsonPeer): Promise<string> {
  return await Bun.file(`/proc/${pid}/task/${pid}/children`).text();
}

test.skipIf(!tellsChildren)(
  "where there is no folder of bots, no process is started for them",
  async () => {
    await using home = await TestHome.make();
    const alone = await home.peer("ann");
    expect(await childrenOf(alone)).toBe("");
    alone.say({ do: "stop" });
    await alone.child.exited;
    await home.putBot("tea", `export default definePlugin({ name: "tea", about: "makes tea", setup() {} });`);
    expect(await childrenOf(await home.peer("ann"))).not.toBe("");
  },
  20_000,
);

import { expect, test } from "bun:test";
import { TestHome } from "./processes.ts";

const LIMIT_MS = 60_000;

const CLERK = `
  export default definePlugin({ name: "clerk", about: "files things", setup(bot) {
    const args = z.object({ name: z.string(), copies: z.number().default(1) });
    bot.command("file", { about: "file", args, run: ({ args }) => ({ filed: args.name, copies: args.copies }) });
    bot.command("shred all", { about: "shred", confirm: "sure?", run: () => 7 });
    bot.command("wait", { about: "wait", run: ({ signal }) =>
      new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason))) });
  } });`;

test.concurrent(
  "a command of a bot is called from the command line, through a running peer and without one",
  async () => {
    await using home = await TestHome.make();
    await home.putBot("clerk", CLERK);
    const ann = await home.peer("ann");
    await ann.sees("clerk");
    for (const name of ["ann", "bob"]) {
      const call = (...args: string[]) => home.run(["call", "clerk", ...args, "-n", name]);
      expect(await call("file", '{"name":"a b","copies":3}')).toEqual({
        code: 0,
        out: '{"filed":"a b","copies":3}\n',
        err: "",
      });
      expect(await call("shred all")).toMatchObject({ code: 1, out: "", err: expect.stringContaining("sure?") });
      expect(await call("shred all", "--confirmed")).toMatchObject({ code: 0, out: "7\n" });
      expect(await call("fil")).toEqual({
        code: 1,
        out: "",
        err: 'warren: clerk: there is no command "fil"; did you mean "file"?\n',
      });
      expect(await call("wait", "--timeout", "1")).toEqual({
        code: 3,
        out: "",
        err: expect.stringMatching(/^warren: no answer of clerk within 1 s: it has the call, and has not answered\n$/),
      });
      for (const args of ["[1]", "{name:1}", "3"]) expect(await call("file", args)).toMatchObject({ code: 2, out: "" });
    }
    const { code, out } = await home.run(["call", "clerk", "file", '{"name":1}', "--json", "-n", "bob"]);
    const events = out
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect([code, events.at(-1)]).toEqual([1, expect.objectContaining({ event: "error", code: "COMMAND_ARGUMENTS" })]);
  },
  LIMIT_MS,
);

test.concurrent(
  "programs that speak JSON call, several at a time, and are answered after the end of their input",
  async () => {
    await using home = await TestHome.make();
    await home.putBot("clerk", CLERK);
    const ann = await home.peer("ann");
    await ann.sees("clerk");
    ann.say({ do: "call", to: "clerk", command: "wait", timeout: 3, ref: 1 });
    ann.say({ do: "call", to: "clerk", command: "file", args: { name: "x" }, ref: 2 });
    ann.say({ do: "call", to: "clerk", command: "file", args: 7, ref: 3 });
    await ann.child.stdin.end();
    await ann.child.exited;
    const ofRef = (ref: number) => ann.seen.filter((event) => event["ref"] === ref && event.event !== "receipt");
    expect(ofRef(1)).toMatchObject([{ event: "error", code: "CALL_TIMEOUT" }]);
    expect(ofRef(2)).toMatchObject([{ event: "result", command: "file", result: { filed: "x", copies: 1 } }]);
    expect(ofRef(3)).toMatchObject([{ event: "error", code: "USAGE" }]);
    expect(ann.seen.filter(({ event }) => event === "result" || event === "error").at(-1)?.["ref"]).toBe(1);
  },
  LIMIT_MS,
);

import { expect, test } from "bun:test";
import { rm } from "node:fs/promises";
import { TestHome } from "./processes.ts";

const LIMIT_MS = 60_000;

test.concurrent(
  "every ability of the menu works when it is typed: users, message, receive, history, register, disconnect, help, whoami",
  async () => {
    await using home = await TestHome.make();
    const bob = await home.peer("bob");
    const ann = home.terminal("--name", "ann", "--port", "0");
    await ann.read("you are ann");
    await ann.read(`registry ${home.registryUrl}`);
    await ann.read("online: bob");

    await ann.enter("/users", /● ann +you .*[^]*● bob +person /);
    await ann.enter("/message bob how are you?", "you → bob  how are you?");
    const message = await bob.next(({ event }) => event === "message");
    expect(message).toMatchObject({ from: { name: "ann" }, text: "how are you?" });
    await ann.read("✓✓"); // written over the mark that the line began with
    bob.say({ do: "send", to: "ann", text: "fine\nand you?\u001b[2J" });
    await ann.read(/\d\d:\d\d    bob  fine\s+and you\?\\u001b\[2J/);
    await ann.enter("/receive", /you are receiving.* 1 message was/);
    await ann.enter("well, thanks", "you → bob  well, thanks"); // plain lines go to the partner
    ann.type("see: \x1b[200~Error: oops\r\n\tat line 7\r\n\x1b[201~");
    await ann.read("see: Error: oops⏎⇥at line 7⏎");
    await ann.enter("", /you → bob {2}see: Error: oops\r\n +at line 7/);
    expect(await bob.next(({ text }) => String(text).startsWith("see"))).toMatchObject({
      text: "see: Error: oops\n\tat line 7",
    });
    await ann.enter("/history bob", /ann: how are you\?[^]*bob: fine⏎and you\?[^]*ann: well, thanks/);
    await ann.enter("/help", /\/users[^]*\/disconnect[^]*\/whoami/);
    await ann.enter("/whoami", /name +ann\s+id +[a-z2-7]{52}\s+address +\S+:\d+.*\s+registry/);

    await ann.enter("/disconnect", "you are offline");
    await bob.next(({ event, online }) => event === "presence" && online === false);
    await ann.enter("@bob anybody there?", "you are offline: /register brings you back");
    bob.say({ do: "send", to: "ann", text: "kept for you", ref: 7 });
    await bob.next(({ state, ref }) => state === "queued" && ref === 7);
    await ann.enter(`/register ${home.registryUrl}`, `registry ${home.registryUrl}`);
    await ann.read("bob  kept for you");
    await bob.next(({ state, ref }) => state === "handled" && ref === 7);

    await ann.enter("/dance", "there is no /dance: /help lists what there is");
    await ann.enter("@nobody hello", "no peer named nobody");
    await ann.enter("/quit", "goodbye");
    expect(await ann.child.exited).toBe(0);
  },
  LIMIT_MS,
);

test.concurrent(
  "the first start asks for port and name, keeps both, and never asks again",
  async () => {
    await using home = await TestHome.make();
    const first = home.terminal("--registry", "none");
    await first.read(/Port to listen on \[\d+\]/);
    const impatient = home.terminal("--registry", "none");
    await impatient.read(/Port to listen on \[\d+\]/);
    impatient.type("\x03");
    expect(await impatient.child.exited).toBe(1);
    await first.enter("many", "A port is a number from 1 to 65535");
    await first.enter("0", "Your name [zoe]");
    await first.enter("Ann Müller", "you are ann-muller");
    // a second terminal: the same identity is running, and a new name is offered
    const second = home.terminal("--registry", "none");
    await second.read("ann-muller is already running in another terminal.");
    await second.read("Your name [ann-muller-2]");
    await second.enter("", "you are ann-muller-2");
    await second.enter("/quit", "goodbye");
    await second.child.exited;
    await first.enter("/quit", "goodbye");
    await first.child.exited;
    const again = home.terminal("--registry", "none", "--name", "ann-muller");
    expect(await again.read("you are ann-muller")).not.toContain("Port to listen on");
    again.type("\x03"); // Ctrl-C on an empty line
    await again.read("goodbye");
    expect(await again.child.exited).toBe(0);
  },
  LIMIT_MS,
);

test.concurrent(
  "the chat says what is wrong with the registry, and a mistyped one does not take anybody offline",
  async () => {
    await using home = await TestHome.make();
    await using other = await TestHome.make(home);
    await home.peer("ann");
    const namesake = other.terminal("--name", "ann", "--port", "0");
    await namesake.read(`registry ${home.registryUrl}`);
    await namesake.read('the name "ann" belongs to');
    await namesake.enter("/register here/there", '"here/there" is not a registry');
    await namesake.enter("/register http://127.0.0.1:1", "registry http://127.0.0.1:1, not registered there");
    await namesake.enter("/whoami", /registry +http:\/\/127\.0\.0\.1:1/);
    await namesake.enter(`/register ${home.registryUrl}`, `registry ${home.registryUrl}, not registered`);
  },
  LIMIT_MS,
);

test.concurrent(
  "a bot is spoken to as a newcomer would: by typing its name and the command, with Tab's help",
  async () => {
    await using home = await TestHome.make();
    const source = `
      export default definePlugin({ name: "coin", about: "flips a coin", setup(bot) {
        bot.command("flip", { about: "flip it", args: z.object({ times: z.number().int().default(1) }),
          run: ({ args, reply }) => reply("heads ".repeat(args.times).trim()) });
      } });`;
    const file = await home.putBot("coin", source);
    const ann = home.terminal("--name", "ann", "--port", "0");
    await ann.read("run by this peer");
    await ann.read("coin is online");
    await ann.enter("hello?", "to whom?");
    await ann.enter("coin flip --times 2", "coin  heads heads");
    await ann.enter("coin flip", /coin  heads\s*\n/); // the name is not repeated to a bot that is spoken to already
    ann.type("fl\t");
    await ann.read("flip ");
    ann.type("--t\t");
    await ann.read("--times ");
    await ann.enter("3", "coin  heads heads heads");
    await ann.enter("@coin", "flips a coin · commands: flip");
    await rm(file);
    await ann.read("coin went offline");
    const zoe = home.terminal("--name", "zoe", "--port", "0"); // who has never met it
    await zoe.read("you are zoe");
    await zoe.read("› ");
    await zoe.enter("/talk coin", "flips a coin · commands: flip");
    zoe.type("fl\t");
    await zoe.read("flip ");
    ann.type("\x04"); // Ctrl-D on an empty line
    await ann.read("goodbye");
    expect(await ann.child.exited).toBe(0);
  },
  LIMIT_MS,
);

test.concurrent(
  "an answer is read while it grows, and a program is told of it",
  async () => {
    await using home = await TestHome.make();
    const source = `
      const goOn = Promise.withResolvers();
      export default definePlugin({ name: "sage", about: "takes its time", setup(bot) {
        bot.command("go", { about: "go on", run: () => goOn.resolve() });
        bot.command("think", { about: "think", run: ({ reply }) => reply((async function* () {
          yield "it is";
          await goOn.promise;
          yield " all one";
        })()) });
      } });`;
    await home.putBot("sage", source);
    const ann = home.terminal("--name", "ann", "--port", "0");
    await ann.read("sage is online");
    const bob = await home.peer("bob");
    await ann.enter("sage think", "sage  it is▍");
    bob.say({ do: "send", to: "sage", text: "think" });
    await bob.next(({ event, text }) => event === "draft" && text === "it is");
    const ben = await home.peer("ben");
    ben.say({ do: "send", to: "sage", text: "go" });
    expect(await ann.read(/sage  it is all one\s/)).not.toContain("sage  it is all one▍");
    const { id } = await bob.next(({ event }) => event === "draft");
    expect(await bob.next(({ event }) => event === "message")).toMatchObject({ id, text: "it is all one" });
    expect(await ann.enter("/history sage", "sage: it is all one")).not.toContain("▍");
    await ann.enter("/quit", "goodbye");
  },
  LIMIT_MS,
);

test.concurrent(
  "without a terminal the chat takes plain lines, and ends when they end",
  async () => {
    await using home = await TestHome.make();
    const bob = await home.peer("bob");
    const piped = await home.run(["--name", "ann", "--port", "0"], "/whoami\n@bob by the way\n");
    expect(piped.code).toBe(0);
    expect(piped.out).toContain("you → bob  by the way");
    expect(piped.out).not.toContain("\x1b");
    await bob.next(({ text }) => text === "by the way");
  },
  LIMIT_MS,
);

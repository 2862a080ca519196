import { expect, test } from "bun:test";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { personFolder } from "../../src/cli/identities.ts";
import { findRunning } from "../../src/cli/running.ts";
import { TestHome } from "./processes.ts";

const LIMIT_MS = 60_000;

test.concurrent(
  "two peers find each other by the registry that the first one runs, and talk as programs",
  async () => {
    await using home = await TestHome.make();
    const ann = await home.peer("ann");
    const bob = await home.peer("bob");
    await ann.sees("bob");

    ann.say({ do: "send", to: "bob", text: "hi\nthere", ref: "first" });
    const message = await bob.next(({ event }) => event === "message");
    expect(message).toMatchObject({ from: { name: "ann", kind: "person" }, text: "hi\nthere" });
    await ann.next(({ state, ref }) => state === "handled" && ref === "first");
    const states = ann.seen.filter(({ event, ref }) => event === "receipt" && ref === "first");
    expect(states.map(({ state }) => state)).toEqual(["queued", "sent", "delivered", "handled"]);
    expect(new Set(states.map(({ id }) => id)).size).toBe(1);

    bob.say({ do: "history", with: "ann", limit: 5, ref: 2 });
    const history = await bob.next(({ event }) => event === "history");
    expect(history).toMatchObject({ ref: 2, messages: [{ id: message["id"], text: "hi\nthere", state: "handled" }] });
    bob.say({ do: "users" });
    const users = await bob.next(({ event }) => event === "users");
    expect(users["peers"]).toContainEqual(expect.objectContaining({ name: "ann", online: true, self: false }));
    expect(users["peers"]).toContainEqual(expect.objectContaining({ name: "bob", online: true, self: true }));

    bob.say({ do: "stop" });
    expect(await bob.child.exited).toBe(0);
    await ann.sees("bob", false);
  },
  LIMIT_MS,
);

test.concurrent(
  "a line that is no command is answered with an error, and the next one is done",
  async () => {
    await using home = await TestHome.make();
    const ann = await home.peer("ann", "--registry", "none");
    ann.say("rubbish");
    ann.say({ do: "dance", ref: 1 });
    ann.say(JSON.stringify({ do: "send", to: "bob", text: "x".repeat(2_200_000) }));
    ann.say({ do: "send", to: "ghost", text: "boo", ref: 2 });
    ann.say({ do: "stop" });
    expect(await ann.child.exited).toBe(0);
    const errors = ann.seen.filter(({ event }) => event === "error");
    expect(errors.map(({ code, ref }) => [code, ref])).toEqual([
      ["USAGE", undefined],
      ["USAGE", 1],
      ["USAGE", undefined],
      ["PEER_UNKNOWN", 2],
    ]);
  },
  LIMIT_MS,
);

test.concurrent(
  "the end of the input stops a peer after its outbox had its chance",
  async () => {
    await using home = await TestHome.make();
    const bob = await home.peer("bob");
    const piped = await home.run(
      ["--json", "--name", "ann", "--port", "0"],
      `${JSON.stringify({ do: "send", to: "bob", text: "by pipe" })}\n`,
    );
    expect(piped.code).toBe(0);
    expect(piped.out).toContain('"state":"delivered"');
    await bob.next(({ text }) => text === "by pipe");
  },
  LIMIT_MS,
);

test.concurrent(
  "one-shot commands work alone, and hand their work to the running peer of the same identity",
  async () => {
    await using home = await TestHome.make();
    const bob = await home.peer("bob");
    // alone: ann is not running
    expect(await home.run(["send", "bob", "one", "-n", "ann"])).toEqual({
      code: 0,
      out: "delivered to bob\n",
      err: "",
    });
    expect((await home.run(["-n", "ann", "history", "bob"])).out).toMatch(/^\d\d:\d\d ann: one\n$/);
    await bob.next(({ text }) => text === "one");

    const ann = await home.peer("ann");
    // handed on: the running peer sends, knows and says
    expect((await home.run(["-n", "ann", "send", "bob", "-"], "two\nthree\n")).out).toBe(
      "delivered to bob: 2 messages\n",
    );
    await bob.next(({ text }) => text === "three");
    const whoAmI = JSON.parse((await home.run(["whoami", "--json", "--name", "ann"])).out) as object;
    expect(whoAmI).toMatchObject({
      event: "whoami",
      name: "ann",
      port: ann.seen[0]?.["port"],
      registry: home.registryUrl,
    });
    const users = await home.run(["users", "-n", "ann"]);
    expect(users.out).toMatch(/● ann +you .*\n● bob +person /);
    const history = await home.run(["history", "bob", "--json", "-n", "ann"]);
    const texts = (JSON.parse(history.out) as { messages: { text: string }[] }).messages.map(({ text }) => text);
    expect(texts).toEqual(["one", "two", "three"]);

    // while ann runs, receive watches and takes nothing away
    const watching = home.command("receive", "--json", "-n", "ann", "--count", "1");
    // bob repeats itself until the watcher, whose start cannot be seen from here, has seen it
    for (let n = 0; watching.seen.length === 0; n++) {
      bob.say({ do: "send", to: "ann", text: `look ${n}`, ref: n });
      await bob.next(({ state, ref }) => state === "handled" && ref === n);
    }
    expect(await watching.child.exited).toBe(0);
    await ann.next(({ id }) => id === watching.seen[0]?.["id"]);
  },
  LIMIT_MS,
);

test.concurrent(
  "a message for a peer that is off is kept, said to be kept, and taken by receive when it comes back",
  async () => {
    await using home = await TestHome.make();
    const bob = await home.peer("bob"); // runs the registry
    const off = await home.peer("ann");
    await bob.sees("ann");
    off.say({ do: "stop" });
    await off.child.exited;

    const sent = await home.run(["send", "ann", "for later", "-n", "carl", "--timeout", "0.2"]);
    const line = "warren: the message is kept, not yet delivered: ann gets it when you are both online\n";
    expect(sent).toEqual({ code: 3, out: "", err: line });
    bob.say({ do: "send", to: "ann", text: "from bob", ref: 1 });
    await bob.next(({ state }) => state === "queued");
    const received = await home.run(["receive", "-n", "ann", "--count", "1"]);
    expect(received.code).toBe(0);
    expect(received.out).toMatch(/^\d\d:\d\d bob: from bob\n$/);
    await bob.next(({ state, ref }) => state === "handled" && ref === 1);
    expect(await home.run(["receive", "-n", "ann", "--timeout", "0.1"])).toEqual({ code: 3, out: "", err: "" });
  },
  LIMIT_MS,
);

test.concurrent(
  "wrong usage exits with 2 and failures with 1, each with its line on standard error",
  async () => {
    await using home = await TestHome.make();
    const cases: [args: string[], code: number, line: RegExp][] = [
      [["--nonsense"], 2, /unknown option '--nonsense'/],
      [["send", "bob"], 2, /^warren: <text> is missing: --help shows what belongs where$/m],
      [["send", "bob", "hi", "--name"], 2, /^warren: --name needs a value: --help shows which$/m],
      [["--port", "70000"], 2, /^warren: --port 70000: a port from 0 \(any free one\) to 65535 was expected$/m],
      [["receive", "--count", "none"], 2, /^warren: --count none: a whole number above 0 was expected$/m],
      [["--nome", "ann"], 2, /unknown option '--nome' \(Did you mean .*--name/],
      [["sned", "bob", "hi"], 2, /there is no command sned: did you mean send\?/],
      [["whoami", "--name", "Not A Name"], 2, /"Not A Name" cannot be a name/],
      [["users", "--registry", "here/there"], 2, /"here\/there" is not a registry/],
      [["pin", "ann", "her-key"], 2, /^warren: <id> her-key: 52 characters of a-z and 2-7 were expected$/m],
      [["send", "ghost", "boo", "-r", "none"], 1, /no peer named ghost/],
      [["users", "--home", "/dev/null/nowhere"], 1, /--home/],
    ];
    const results = await Promise.all(cases.map(([args]) => home.run(args)));
    for (const [index, [args, code, line]] of cases.entries()) {
      expect([args, results[index]?.code]).toEqual([args, code]);
      expect(results[index]?.err).toMatch(line);
      expect(results[index]?.err.trimEnd().split("\n").length).toBe(1);
    }
    const asJson = await home.run(["send", "ghost", "boo", "--json", "-r", "none"]);
    expect(JSON.parse(asJson.out)).toMatchObject({ event: "error", code: "PEER_UNKNOWN" });
  },
  LIMIT_MS,
);

test.concurrent(
  "an identity that is running already is not started twice where nobody can be asked",
  async () => {
    await using home = await TestHome.make();
    await home.peer("ann", "--registry", "none");
    const second = await home.run(["--json", "--name", "ann"]);
    expect(second.code).toBe(1);
    expect(second.err).toBe("warren: ann is already running: use that one, or start another identity with --name\n");
  },
  LIMIT_MS,
);

test.concurrent(
  "a port of the registry that something else uses costs one line and nothing more",
  async () => {
    await using home = await TestHome.make();
    using other = Bun.serve({
      port: home.registryPort,
      hostname: "127.0.0.1",
      fetch: () => new Response("a web page"),
    });
    const run = await home.run(["--json", "--name", "ann", "--port", "0"]);
    expect(run.code).toBe(0);
    expect(run.err).toContain(`port ${other.port} is used by something that is no registry`);
    expect(run.out).toContain('"event":"ready"');
  },
  LIMIT_MS,
);

test.concurrent(
  "when the first peer is killed, the second takes the registry and the bots",
  async () => {
    await using home = await TestHome.make();
    await home.putBot("parrot", PARROT);
    const ann = await home.peer("ann");
    const bob = await home.peer("bob");
    await bob.sees("parrot");
    ann.child.kill("SIGKILL");
    await ann.child.exited;
    // Only a registry that runs again can tell bob of carl, and only a bot that runs again can answer carl.
    await untilRegistry(home.registryUrl);
    const carl = await home.peer("carl", "--no-bots");
    await bob.sees("carl");
    carl.say({ do: "send", to: "parrot", text: "still there?" });
    await carl.next(({ event, text }) => event === "message" && text === "still there?");
  },
  LIMIT_MS,
);

test.concurrent(
  "peers of two homes share a registry and its bots, and when the first home's peers end the other one runs its own",
  async () => {
    await using home = await TestHome.make();
    await using other = await TestHome.make(home);
    await Promise.all([home, other].map((place) => place.putBot("parrot", PARROT)));
    const ann = await home.peer("ann");
    await ann.sees("parrot");
    const bob = await other.peer("bob");
    const first = await bob.sees("parrot");
    ann.say({ do: "stop" });
    await ann.child.exited;
    // Its own parrot has another key; nobody else may go on as the one that bob has met.
    const isOwn = ({ event, peer, online }: (typeof bob.seen)[number]): boolean =>
      event === "presence" && online === true && nameOf(peer) === "parrot" && !Bun.deepEquals(peer, first["peer"]);
    await bob.next(isOwn);
    const changes = bob.seen.filter(({ code }) => code === "REGISTRY_CHANGED");
    expect(changes.map(({ message }) => message)).toEqual([expect.stringContaining("going on with it")]);
  },
  LIMIT_MS,
);

test.concurrent(
  "receive takes the place of the running peer that it watched, when that one ends",
  async () => {
    await using home = await TestHome.make();
    const bob = await home.peer("bob");
    const ann = await home.peer("ann");
    await bob.sees("ann");
    const watching = home.command("receive", "--json", "-n", "ann");
    for (let n = 0; watching.seen.length === 0; n++) {
      bob.say({ do: "send", to: "ann", text: "look", ref: n });
      await bob.next(({ state, ref }) => state === "handled" && ref === n);
    }
    ann.say({ do: "stop" });
    await ann.child.exited;
    bob.say({ do: "send", to: "ann", text: "still there?" });
    await watching.next(({ text }) => text === "still there?");
    watching.child.kill("SIGINT");
    expect(await watching.child.exited).toBe(0);
  },
  LIMIT_MS,
);

test.concurrent(
  "of the lines that send reads, one that is too long is told by its number, and the others are sent",
  async () => {
    await using home = await TestHome.make();
    const bob = await home.peer("bob");
    const lines = ["first", "x".repeat(70_000), "y".repeat(2_200_000), "last"];
    const sent = await home.run(["send", "bob", "-", "-n", "ann"], lines.join("\n"));
    expect(sent).toMatchObject({ code: 1, out: "delivered to bob: 2 messages\n" });
    expect(sent.err.match(/^warren: line \d/gm)).toEqual(["warren: line 2", "warren: line 3"]);
    await bob.next(({ text }) => text === "last");
  },
  LIMIT_MS,
);

test.concurrent(
  "whoever asks a running peer to stop is told that it was heard",
  async () => {
    await using home = await TestHome.make();
    const ann = await home.peer("ann");
    const running = await findRunning(personFolder(home.path, "ann"));
    expect(running).toBeDefined();
    await running?.perform({ do: "stop" }, () => {}); // rejects when the answer has no end
    expect(await ann.child.exited).toBe(0);
  },
  LIMIT_MS,
);

test.concurrent(
  "the bots of a peer come and go with their files",
  async () => {
    await using home = await TestHome.make();
    await home.putBot("parrot", PARROT);
    const ann = await home.peer("ann");
    const parrot = (isOnline: boolean) =>
      ann.next(({ event, peer, online }) => event === "presence" && nameOf(peer) === "parrot" && online === isOnline);
    await parrot(true);
    await rm(join(home.path, "bots", "parrot.ts"));
    await parrot(false);
  },
  LIMIT_MS,
);

const PARROT = `
  export default definePlugin({ name: "parrot", about: "repeats", setup(bot) {
    bot.on("message", (message) => message.reply(message.text));
  } });`;

/** Resolves when a registry answers; each try waits for the one before. */
async function untilRegistry(url: string): Promise<void> {
  for (;;) {
    const answer = await fetch(`${url}/healthz`).catch(() => undefined);
    if (answer?.ok) return;
    await new Promise((resolve) => setImmediate(resolve));
  }
}

function nameOf(peer: unknown): unknown {
  return typeof peer === "object" && peer !== null && "name" in peer ? peer.name : undefined;
}

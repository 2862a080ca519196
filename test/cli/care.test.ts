import { expect, test } from "bun:test";
import { careLines } from "../../src/cli/care-text.ts";
import { parseCommand } from "../../src/cli/events.ts";
import { createPaint } from "../../src/cli/paint.ts";
import { testId } from "../peer/burrow.ts";
import { TestHome } from "./processes.ts";

const LIMIT_MS = 60_000;
const paint = createPaint(false);
const read = (command: object): unknown => parseCommand(JSON.stringify(command));
const ANN = { id: testId("ann"), name: "ann\u001b[2J", kind: "person" } as const;

test("each command of care is read from a line, and what it lacks is said", () => {
  for (const command of [
    { do: "blocked" },
    { do: "block", who: "ann" },
    { do: "unblock", who: "ann", ref: 1 },
    { do: "accept" },
    { do: "accept", whom: "known" },
    { do: "keep" },
    { do: "keep", limit: "500 MiB" },
    { do: "outbox" },
    { do: "outbox", with: "ann" },
    { do: "outbox-drop", what: "a.1" },
    { do: "snapshot", file: "/tmp/a.db" },
    { do: "why", id: "a.1" },
    { do: "dead" },
    { do: "dead-retry", which: "all" },
    { do: "dead-drop", which: "a.1" },
    { do: "jobs" },
    { do: "jobs-drop", which: "remind" },
  ]) {
    expect(read(command)).toEqual(command);
  }
  expect(() => read({ do: "block" })).toThrow('"block" without a text in "who"');
  expect(() => read({ do: "outbox", with: 7 })).toThrow('"outbox" without a text in "with"');
  expect(() => read({ do: "dance" })).toThrow("dead-retry");
});

test("what a stranger has written cannot drive the terminal from a list either", () => {
  const letter = { id: "a.1", from: ANN, text: "b\u0007ad", at: 0, reason: "n\u001bo", attempts: 3, setAsideAt: 0 };
  const lines = [
    ...careLines({ event: "blocked", peers: [ANN] }, 0, paint),
    ...careLines({ event: "dead", count: 2, letters: [letter] }, 0, paint),
    ...careLines({ event: "waiting", with: ANN, messages: [{ id: "a.2", text: "b\u0007ad", at: 0 }] }, 0, paint),
  ];
  // oxlint-disable-next-line no-control-regex -- control characters are what this is about
  expect(lines.filter((line) => /[\u0000-\u001f]/.test(line))).toEqual([]);
  expect(lines[1]).toContain("(tried 3 times: n\\u001bo)");
  expect(lines[2]).toBe("and 1 more");
});

test("how much is kept is said, and what has made room for it", () => {
  const now = { event: "keeping", limit: "2 MiB", bytes: 3_500_000, forgotten: 0 } as const;
  expect(careLines(now, 0, paint)).toEqual(["the database may have 2 MiB, and has 3.3 MiB"]);
  const gone = "the database may have 2 MiB, and has 3.3 MiB; 2 messages are no longer there";
  expect(careLines({ ...now, forgotten: 2 }, 0, paint)).toEqual([gone]);
  const all = "all messages are kept: the database has 3.3 MiB; 1 message is no longer there";
  expect(careLines({ ...now, limit: "all", forgotten: 1 }, 0, paint)).toEqual([all]);
});

test("the outbox says how full it is, and when the first message expires", () => {
  const entry = { to: { ...ANN, name: "ann" }, state: "waiting", characters: 9, oldestAt: 0, unwritten: 2 } as const;
  const line = (more: { messages: number; expiresInS: number | null }): string =>
    careLines({ event: "outbox", entries: [{ ...entry, ...more }] }, 0, paint)[0] ?? "";
  expect(line({ messages: 3, expiresInS: 30 * 86_400 - 5 })).toMatch(
    /^ann \w{8} {2}waiting {2}3 messages {2}since \d\d:\d\d, 2 never sent, the first expires in 29 days$/,
  );
  expect(line({ messages: 1_000_000, expiresInS: 7_300 })).toMatch(/1000000 messages \(full\) .* in 2 hours$/);
  expect(line({ messages: 1, expiresInS: null })).toEndWith("2 never sent");
  expect(careLines({ event: "outbox", entries: [] }, 0, paint)).toEqual(["nothing waits"]);
});

test.concurrent(
  "blocking, accepting and the outbox work alone and through the running peer, and outlive both",
  async () => {
    await using home = await TestHome.make();
    const bob = await home.peer("bob");
    const ann = (...args: string[]): Promise<{ code: number; out: string; err: string }> =>
      home.run([...args, "-n", "ann"]);
    expect((await ann("send", "bob", "hello")).code).toBe(0);
    // alone
    expect(await ann("block", "bob")).toMatchObject({
      code: 0,
      out: expect.stringMatching(/^bob \w{8} is blocked\n$/),
    });
    expect((await ann("block")).out).toMatch(/^bob \w{8}\n$/);
    expect(await ann("send", "bob", "hello")).toMatchObject({
      code: 1,
      err: 'warren: bob is blocked: "unblock bob" lets you write to it again\n',
    });
    expect((await ann("accept", "known")).out).toStartWith("only messages of known peers are taken");
    expect(await ann("accept", "somebody")).toMatchObject({
      code: 2,
      err: 'warren: "somebody" is nobody to accept: say everyone or known\n',
    });
    expect(await ann("keep", "everything")).toMatchObject({ code: 2, err: expect.stringContaining('"500 MiB"') });
    expect((await ann("keep", "500 MiB")).out).toStartWith("the database may have 500 MiB, and has 0.");
    // through the running peer
    const running = await home.peer("ann");
    expect((await ann("accept")).out).toStartWith("only messages of known peers are taken");
    expect((await ann("keep", "all")).out).toStartWith("all messages are kept");
    expect(JSON.parse((await ann("keep", "--json")).out)).toMatchObject({
      event: "keeping",
      limit: "all",
      forgotten: 0,
    });
    expect(JSON.parse((await ann("unblock", "bob", "--json")).out)).toMatchObject({ event: "block", blocked: false });
    running.say({ do: "blocked", ref: 1 });
    expect(await running.next(({ event }) => event === "blocked")).toMatchObject({ peers: [], ref: 1 });
    bob.say({ do: "stop" });
    await bob.child.exited;
    await running.seesGo("bob");
    running.say({ do: "send", to: "bob", text: "one", ref: 2 });
    running.say({ do: "send", to: "bob", text: "two", ref: 3 });
    const { id } = await running.next(({ state, ref }) => state === "queued" && ref === 3);
    expect((await ann("outbox")).out).toMatch(/^bob \w{8} {2}waiting {2}2 messages .* 2 never sent/);
    expect((await ann("outbox", "bob")).out).toMatch(/one\n.*two\n$/);
    expect((await ann("outbox", "drop", String(id))).out).toBe("1 message dropped\n");
    const expired = await running.next(({ state, ref }) => state === "expired" && ref === 3);
    expect(expired).toMatchObject({ id, reason: "dropped" });
    running.say({ do: "stop" });
    await running.child.exited;
    expect((await ann("outbox", "drop", "bob")).out).toBe("1 message dropped\n");
    expect((await ann("outbox")).out).toBe("nothing waits\n");
    expect(await ann("outbox", "drop", "a.1")).toMatchObject({
      code: 1,
      err: expect.stringContaining("no message a.1"),
    });
    expect((await ann("dead")).out).toBe("no message was set aside\n");
    expect(await ann("dead", "retry", "a.1")).toMatchObject({
      code: 1,
      err: expect.stringContaining("no message a.1"),
    });
  },
  LIMIT_MS,
);

/** A bot that does this with whatever it hears. */
const clerkThat = (answer: string): string => `
  export default definePlugin({ name: "clerk", about: "files things", setup(bot) {
    bot.on("message", (message) => ${answer});
  } });`;

test.concurrent(
  "what a bot could not handle is seen and tried again from outside, while it runs and while it does not, and dropped",
  async () => {
    await using home = await TestHome.make();
    await home.putBot("clerk", clerkThat('{ throw new Error("no such drawer"); }'));
    const ann = await home.peer("ann");
    await ann.sees("clerk");
    ann.say({ do: "send", to: "clerk", text: "file this", ref: 1 });
    const { id } = await ann.next(({ state, ref }) => state === "failed" && ref === 1);
    const clerk = (...args: string[]): Promise<{ code: number; out: string; err: string }> =>
      home.run([...args, "--for-bot", "clerk"]);
    const list = await clerk("dead");
    expect(list).toMatchObject({ code: 0, err: "" });
    expect(list.out).toMatch(/ann: file this {2}\(tried 3 times: its handler failed: no such drawer\)\n$/);
    ann.say({ do: "stop" });
    await ann.child.exited;

    expect(JSON.parse((await clerk("dead", "--json")).out)).toMatchObject({ count: 1, letters: [{ id }] });
    expect((await clerk("dead", "retry", "all")).out).toBe("1 message put back to be handled\n");
    expect((await clerk("dead")).out).toBe("no message was set aside\n");
    await home.putBot("clerk", clerkThat('message.reply("filed")'));
    const again = await home.peer("ann");
    await again.next(({ event, text }) => event === "message" && text === "filed");
    await again.next((event) => event["id"] === id && event["state"] === "handled");
    expect(await home.run(["dead", "--for-bot", "ghost"])).toMatchObject({
      code: 1,
      err: "warren: no bot named ghost has run here: --home says where to look\n",
    });
  },
  LIMIT_MS,
);

test("a list of jobs says what is next, how often it failed, and how it ended", () => {
  const job = {
    id: "every 1d",
    name: "every 1d",
    schedule: "every 1d",
    next: 0,
    attempts: 0,
    registered: true,
    last: null,
  };
  const lines = careLines(
    {
      event: "jobs",
      jobs: [
        job,
        { ...job, id: "a1", name: "remind", attempts: 2, last: { at: 0, ended: "failed", reason: "no\u001bvoice" } },
        { ...job, id: "b2", name: "old", registered: false, last: { at: 0, ended: "done" } },
      ],
    },
    0,
    paint,
  );
  const time = String.raw`\d\d:\d\d`;
  expect(lines[0]).toMatch(new RegExp(`^every 1d {2}next ${time}$`));
  expect(lines[1]).toMatch(
    new RegExp(String.raw`^remind {2}next ${time}, after 2 of 3 tries {2}a1 {2}last ${time} failed: no\\u001bvoice$`),
  );
  expect(lines[2]).toMatch(
    new RegExp(`^old {2}nothing of that name is registered any more {2}b2 {2}last ${time} done$`),
  );
  expect(careLines({ event: "jobs", jobs: [] }, 0, paint)).toEqual(["no jobs are kept"]);
});

/** A bot that keeps a job for each message, and does another at once. */
const KEEPER = `
  export default definePlugin({ name: "keeper", about: "keeps things", setup(bot) {
    const keep = bot.job("keep", () => {}, { payload: z.string() });
    bot.every("1d", () => {});
    const ring = bot.job("ring", ({ payload }) => bot.send(payload, "rang"), { payload: z.string() });
    bot.on("message", async ({ text, from, reply }) => {
      await reply(await keep.in("2d", text));
      await ring.in("1ms", from.id);
    });
  } });`;

test.concurrent(
  "the jobs of a bot are listed from outside, while it runs and while it does not",
  async () => {
    await using home = await TestHome.make();
    await home.putBot("keeper", KEEPER);
    const ann = await home.peer("ann");
    await ann.sees("keeper");
    ann.say({ do: "send", to: "keeper", text: "keep this", ref: 1 });
    const { text: id } = await ann.next(({ event }) => event === "message");
    await ann.next(({ event, text }) => event === "message" && text === "rang");
    const list = await home.run(["jobs", "--for-bot", "keeper"]);
    expect(list).toMatchObject({ code: 0, err: "" });
    expect(list.out).toMatch(new RegExp(`^every 1d {2}next .*\nkeep {2}next .* {2}${String(id)}\n$`));
    ann.say({ do: "stop" });
    await ann.child.exited;
    const { out } = await home.run(["jobs", "--for-bot", "keeper", "--json"]);
    expect(JSON.parse(out)).toMatchObject({
      event: "jobs",
      jobs: [
        { name: "every 1d", schedule: "every 1d", attempts: 0, registered: true, last: null },
        { id, name: "keep", schedule: null, attempts: 0, registered: true, last: null },
      ],
    });
    const drop = (which: string) => home.run(["jobs", "drop", which, "--for-bot", "keeper"]);
    expect(await drop(String(id))).toMatchObject({ code: 0, out: "1 job dropped\n" });
    expect(await drop(String(id))).toMatchObject({
      code: 1,
      err: expect.stringContaining(`no job ${String(id)} that`),
    });
    expect((await home.run(["jobs", "-n", "ann"])).out).toBe("no jobs are kept\n");
  },
  LIMIT_MS,
);

test.concurrent(
  "in the chat, /block and /unblock do the same",
  async () => {
    await using home = await TestHome.make();
    const bob = await home.peer("bob");
    const ann = home.terminal("--name", "ann", "--port", "0");
    await ann.read("online: bob");
    await ann.enter("/block", "whom? /block <name>");
    await ann.enter("/block @bob", "bob is blocked: /unblock bob takes that back");
    await ann.enter("@bob hello", "bob is blocked");
    await ann.enter("/unblock bob", "bob is not blocked any more");
    await ann.enter("@bob hello", "you → bob  hello");
    await bob.next(({ text }) => text === "hello");
    await ann.enter("/quit", "goodbye");
  },
  LIMIT_MS,
);

/** Reply: a question to a bot and its answer, each durable on both sides: three commits in a row. */
import { join } from "node:path";
import { definePlugin } from "../src/index.ts";
import { openIdentity } from "../src/identity/identity.ts";
import { openPeer } from "../src/warren.ts";
import { askAll, askerOf, type Answered, type Asking } from "./asking.ts";
import { start, temporaryFolder, type Channel } from "./child.ts";
import type { Question, Scale } from "./question.ts";
import { connectRaw, listenRaw, openRawDatabase, type RawSocket } from "./raw.ts";
import { rivals } from "./reply-rivals.ts";

const ONE_BY_ONE = 5_000;
const CROWDED = 40_000;
const IN_FLIGHT = 64;

interface Options {
  folder: string;
  address: string;
}

export default {
  name: "reply",
  about: "a message to a bot and its answer, durable on both sides",
  rows: [
    { name: "p50, one at a time, one core", unit: "µs", isMoreBetter: false, wanted: 1.25 },
    { name: "p50, one at a time, two cores", unit: "µs", isMoreBetter: false, wanted: 1.25 },
    { name: "64 in flight", unit: "/s", isMoreBetter: true, wanted: 0.7 },
  ],
  contenders: [
    { name: "limit", measure: (scale) => measure("raw", scale) },
    { name: "warren", measure: (scale) => measure("warren", scale) },
    ...rivals,
  ],
} satisfies Question;

async function measure(kind: "raw" | "warren", scale: Scale): Promise<Record<string, number>> {
  const one = await run(kind, scale, ["0", "0"]);
  const two = await run(kind, scale, ["0", "1"]);
  return {
    "p50, one at a time, one core": one.p50,
    "p50, one at a time, two cores": two.p50,
    "64 in flight": two.perSecond,
  };
}

async function run(kind: string, scale: Scale, [a, b]: [string, string]): Promise<{ p50: number; perSecond: number }> {
  await using asking = await temporaryFolder();
  await using answering = await temporaryFolder();
  await using bot = start(import.meta.path, `${kind}Bot`, { folder: answering.path }, { cores: a });
  const address = String(await bot.receive());
  await using person = start(import.meta.path, `${kind}Person`, { folder: asking.path, address }, { cores: b });
  await person.receive();
  const ask = async (load: Asking): Promise<Answered> => {
    person.send(load);
    return (await person.receive()) as Answered;
  };
  const few = Math.max(100, Math.round(ONE_BY_ONE * scale));
  const many = Math.max(1_000, Math.round(CROWDED * scale));
  await ask({ count: Math.ceil(few / 5), inFlight: 1 });
  const { p50 } = await ask({ count: few, inFlight: 1 });
  await ask({ count: Math.ceil(many / 5), inFlight: IN_FLIGHT });
  const { ms } = await ask({ count: many, inFlight: IN_FLIGHT });
  return { p50, perSecond: (many / ms) * 1_000 };
}

const echo = definePlugin({
  name: "echo",
  about: "answers with what it heard",
  setup(bot) {
    bot.on("message", (message) => message.reply(message.text));
  },
});

export const roles = {
  async warrenBot(channel: Channel, { folder }: Options) {
    const peer = await openPeer({ name: "echo", kind: "bot", home: folder, host: "127.0.0.1", registry: "none" });
    await peer.use(echo);
    channel.send(`127.0.0.1:${peer.port}`);
    await channel.receive();
  },

  async warrenPerson(channel: Channel, { folder, address }: Options) {
    const peer = await openPeer({ name: "ann", home: folder, host: "127.0.0.1", registry: "none" });
    const { id } = await peer.resolve(address);
    const ask = askerOf(peer, id);
    await ask("are you there?");
    channel.send("ready");
    for (;;) channel.send(await askAll((await channel.receive()) as Asking, ask));
  },

  async rawBot(channel: Channel, { folder }: Options) {
    const db = openRawDatabase(join(folder, "raw.db"));
    db.run("CREATE TABLE incoming (n INTEGER PRIMARY KEY, text TEXT NOT NULL)");
    db.run("CREATE TABLE outgoing (n INTEGER PRIMARY KEY, text TEXT NOT NULL)");
    const keep = db.query("INSERT INTO incoming VALUES (?, ?)");
    const say = db.query("INSERT INTO outgoing VALUES (?, ?)");
    let n = 0;
    const server = listenRaw(await openIdentity(folder), {
      values(socket, values) {
        const messages = (values as { t: string; text: string }[]).filter(({ t }) => t === "msg");
        if (messages.length === 0) return;
        let answers = "";
        db.run("BEGIN IMMEDIATE");
        for (const { text } of messages) {
          keep.run(++n, text);
          say.run(n, text);
          answers += `${JSON.stringify({ t: "msg", n, text })}\n`;
        }
        db.run("COMMIT");
        socket.send(`{"t":"ack","n":${n}}\n${answers}`);
      },
    });
    channel.send(String(server.port));
    await channel.receive();
  },

  async rawPerson(channel: Channel, { folder, address }: Options) {
    const db = openRawDatabase(join(folder, "raw.db"));
    db.run("CREATE TABLE incoming (n INTEGER PRIMARY KEY, text TEXT NOT NULL)");
    db.run("CREATE TABLE outgoing (n INTEGER PRIMARY KEY, text TEXT NOT NULL)");
    const keep = db.query("INSERT INTO incoming VALUES (?, ?)");
    const say = db.query("INSERT INTO outgoing VALUES (?, ?)");
    const waiting = new Map<string, () => void>();
    let heard = 0;
    const socket: RawSocket = await connectRaw(await openIdentity(folder), Number(address), {
      values(from, values) {
        const messages = (values as { t: string; text: string }[]).filter(({ t }) => t === "msg");
        if (messages.length === 0) return;
        db.run("BEGIN IMMEDIATE");
        for (const { text } of messages) keep.run(++heard, text);
        db.run("COMMIT");
        from.send(`{"t":"ack","n":${heard}}\n`);
        for (const { text } of messages) {
          waiting.get(text)?.();
          waiting.delete(text);
        }
      },
    });
    let said = 0;
    let turn: string[] = [];
    const commit = (): void => {
      const texts = turn;
      turn = [];
      let batch = "";
      db.run("BEGIN IMMEDIATE");
      for (const text of texts) {
        say.run(++said, text);
        batch += `${JSON.stringify({ t: "msg", n: said, text })}\n`;
      }
      db.run("COMMIT");
      socket.send(batch);
    };
    const ask = (text: string): Promise<void> =>
      new Promise((resolve) => {
        waiting.set(text, resolve);
        if (turn.push(text) === 1) setImmediate(commit);
      });
    channel.send("ready");
    for (;;) channel.send(await askAll((await channel.receive()) as Asking, ask));
  },
};

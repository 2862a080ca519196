/** One way: messages from one process to another, on both disks, to the hook, once, in order, acknowledged. */
import { join } from "node:path";
import { openIdentity } from "../src/identity/identity.ts";
import { openPeer } from "../src/warren.ts";
import { start, temporaryFolder, type Channel } from "./child.ts";
import { printed, type Question, type Scale } from "./question.ts";
import { connectRaw, listenRaw, openRawDatabase } from "./raw.ts";
import { rivals } from "./one-way-rivals.ts";
import { textOf } from "./texts.ts";

interface Load {
  readonly name: string;
  readonly bytes: number;
  readonly isAscii: boolean;
  /** So many messages are measured, after a tenth of them to warm up. */
  readonly count: number;
  readonly wanted?: number;
}

const LOADS: readonly Load[] = [
  { name: "100 B", bytes: 100, isAscii: true, count: 200_000, wanted: 0.6 },
  { name: "16 B", bytes: 16, isAscii: true, count: 200_000 },
  { name: "100 B, not ASCII", bytes: 100, isAscii: false, count: 200_000 },
  { name: "4 KiB", bytes: 4_096, isAscii: true, count: 20_000 },
  { name: "4 KiB, not ASCII", bytes: 4_096, isAscii: false, count: 20_000 },
  { name: "64 KiB", bytes: 65_536, isAscii: true, count: 1_500 },
];

/** Of the limit: messages in one commit, and in flight. */
const GROUP = 1_024;
const WINDOW = 4_096;
const MAX_QUEUED_BYTES = 4_194_304;

/** Of both processes, for each message of the first load: it is disturbed less than time is by what the machine does beside. */
const PROCESSOR_TIME = "100 B, processor time";

interface Options {
  folder: string;
  address: string;
}

export default {
  name: "one-way",
  about: "messages a second, on both disks, to the hook, in order, acknowledged; one send() each",
  rows: [
    ...LOADS.map(({ name, wanted }) => ({
      name,
      unit: "/s",
      isMoreBetter: true,
      ...(wanted !== undefined && { wanted }),
    })),
    { name: PROCESSOR_TIME, unit: "µs", isMoreBetter: false, isSteady: true },
  ],
  contenders: [
    { name: "limit", measure: (scale) => measure("raw", scale) },
    { name: "warren", measure: (scale) => measure("warren", scale) },
    ...rivals,
  ],
} satisfies Question;

async function measure(kind: "raw" | "warren", scale: Scale): Promise<Record<string, number>> {
  await using from = await temporaryFolder();
  await using to = await temporaryFolder();
  await using receiver = start(import.meta.path, `${kind}Receiver`, { folder: to.path });
  const address = String(await receiver.receive());
  await using sender = start(import.meta.path, `${kind}Sender`, { folder: from.path, address });
  await sender.receive();
  const figures: Record<string, number> = {};
  for (const load of LOADS) {
    const count = Math.max(100, Math.round(load.count * scale));
    for (const [part, n] of [["warm up", Math.ceil(count / 10)] as const, ["measure", count] as const]) {
      receiver.send(n);
      await receiver.receive();
      const before = (await sender.spent()) + (await receiver.spent());
      sender.send({ ...load, count: n });
      const ms = Number(await sender.receive());
      const inOrder = await receiver.receive();
      if (inOrder !== n) throw new Error(`${kind}, ${load.name}: ${printed(inOrder)} of ${n} messages came in order`);
      if (part === "warm up") continue;
      figures[load.name] = (n / ms) * 1_000;
      const spent = (await sender.spent()) + (await receiver.spent()) - before;
      if (load === LOADS[0]) figures[PROCESSOR_TIME] = (spent / n) * 1_000;
    }
  }
  return figures;
}

/** Counts what comes in order; says so when all that was announced has come. */
class Counter {
  #expected = 0;
  #next = 0;
  readonly #channel: Channel;

  constructor(channel: Channel) {
    this.#channel = channel;
  }

  async run(): Promise<void> {
    for (;;) {
      this.#expected = Number(await this.#channel.receive());
      this.#next = 0;
      this.#channel.send("ready");
    }
  }

  count(text: string): void {
    if (Number.parseInt(text, 10) !== this.#next) return this.#channel.send(`${this.#next}, then ${text.slice(0, 20)}`);
    if (++this.#next === this.#expected) this.#channel.send(this.#next);
  }
}

export const roles = {
  async warrenReceiver(channel: Channel, { folder }: Options) {
    const peer = await openPeer({ name: "to", home: folder, host: "127.0.0.1", registry: "none" });
    const counter = new Counter(channel);
    let isKnown = false;
    peer.on("message", (message) => {
      if (isKnown) return counter.count(message.text);
      isKnown = true;
      return message.reply("welcome"); // to whom one has written is no stranger, and may send as fast as it can
    });
    channel.send(`127.0.0.1:${peer.port}`);
    await counter.run();
  },

  async warrenSender(channel: Channel, { folder, address }: Options) {
    const peer = await openPeer({ name: "from", home: folder, host: "127.0.0.1", registry: "none" });
    const { id } = await peer.resolve(address);
    peer.on("message", () => channel.send("ready"));
    await peer.send(id, "may I?");
    for (;;) {
      const { count, bytes, isAscii } = (await channel.receive()) as Load;
      const texts = Array.from({ length: count }, (_, n) => textOf(n, bytes, isAscii));
      const began = performance.now();
      const window: Promise<unknown>[] = []; // the last message of each group that is on its way
      for (let n = 0; n < count; n += GROUP) {
        if (window.length === WINDOW / GROUP) await window.shift();
        const group = texts.slice(n, n + GROUP).map((text) => peer.send(id, text));
        const last = (await Promise.all(group)).at(-1);
        if (last) window.push(n + GROUP < count ? last.delivered : last.handled);
      }
      await window.at(-1);
      channel.send(performance.now() - began);
    }
  },

  async rawReceiver(channel: Channel, { folder }: Options) {
    const db = openRawDatabase(join(folder, "raw.db"));
    db.run("CREATE TABLE incoming (n INTEGER PRIMARY KEY, text TEXT NOT NULL)");
    const insert = db.query("INSERT INTO incoming VALUES (?, ?)");
    const counter = new Counter(channel);
    let stored = 0;
    const server = listenRaw(await openIdentity(folder), {
      values(socket, values) {
        db.run("BEGIN IMMEDIATE");
        for (const value of values as { text: string }[]) {
          insert.run(++stored, value.text);
          counter.count(value.text);
        }
        db.run("COMMIT");
        socket.send(`{"t":"ack","n":${stored}}\n`);
      },
    });
    channel.send(String(server.port));
    await counter.run();
  },

  async rawSender(channel: Channel, { folder, address }: Options) {
    const db = openRawDatabase(join(folder, "raw.db"));
    db.run("CREATE TABLE outgoing (n INTEGER PRIMARY KEY, text TEXT NOT NULL)");
    const insert = db.query("INSERT INTO outgoing VALUES (?, ?)");
    const state = { stored: 0, acked: 0 };
    let news = Promise.withResolvers<void>();
    const wake = (): void => {
      news.resolve();
      news = Promise.withResolvers<void>();
    };
    const socket = await connectRaw(await openIdentity(folder), Number(address), {
      values(_, values) {
        state.acked = (values.at(-1) as { n: number }).n;
        wake();
      },
      drained: wake,
    });
    channel.send("ready");
    for (;;) {
      const { count, bytes, isAscii } = (await channel.receive()) as Load;
      const texts = Array.from({ length: count }, (_, n) => textOf(n, bytes, isAscii));
      const group = Math.max(16, Math.min(GROUP, Math.floor(1_048_576 / bytes)));
      const began = performance.now();
      const last = state.stored + count;
      const first = state.stored;
      while (state.acked < last) {
        if (state.stored === last || state.stored - state.acked >= WINDOW || socket.queued >= MAX_QUEUED_BYTES) {
          await news.promise;
          continue;
        }
        let batch = "";
        db.run("BEGIN IMMEDIATE");
        for (let n = 0; n < group && state.stored < last; n++) {
          const text = texts[state.stored - first] ?? "";
          insert.run(++state.stored, text);
          batch += `${JSON.stringify({ t: "msg", n: state.stored, text })}\n`;
        }
        db.run("COMMIT");
        socket.send(batch);
        await new Promise<void>((resolve) => setImmediate(resolve));
      }
      channel.send(performance.now() - began);
    }
  },
};

/**
 * Fan-out: one message to fifty receivers, durable at each, and handled. Rooms do not exist yet: Warren's sender sends it fifty
 * times, and keeps it fifty times. The limit keeps it once at the sender. The receivers live in two processes.
 */
import { join } from "node:path";
import { openIdentity } from "../src/identity/identity.ts";
import { openPeer } from "../src/warren.ts";
import { start, temporaryFolder, type Channel } from "./child.ts";
import type { Question, Scale } from "./question.ts";
import { connectRaw, listenRaw, openRawDatabase } from "./raw.ts";
import { textOf } from "./texts.ts";

const RECEIVERS = 50;
const PROCESSES = 2;
const MESSAGES = 2_000;
const TEXT_BYTES = 100;
/** Messages in one turn of the sender, and turns that may be on their way. */
const GROUP = 64;
const GROUPS = 4;

interface Options {
  readonly folder: string;
  readonly ports: readonly number[];
}

export default {
  name: "fan-out",
  about: `one message to ${RECEIVERS} receivers, on the disk of each, handled, acknowledged; wanted of Warren: 400,000 deliveries/s`,
  rows: [{ name: "deliveries", unit: "/s", isMoreBetter: true }],
  contenders: [
    { name: "limit", measure: (scale) => measure("raw", scale) },
    { name: "warren", measure: (scale) => measure("warren", scale) },
  ],
} satisfies Question;

async function measure(kind: "raw" | "warren", scale: Scale): Promise<Record<string, number>> {
  await using folder = await temporaryFolder();
  const ports: number[] = [];
  await using processes = new AsyncDisposableStack();
  for (let n = 0; n < PROCESSES; n++) {
    const options = { folder: join(folder.path, String(n)), ports: [] };
    const receivers = processes.use(start(import.meta.path, `${kind}Receivers`, options));
    ports.push(...((await receivers.receive()) as number[]));
  }
  const options = { folder: join(folder.path, "sender"), ports };
  await using sender = start(import.meta.path, `${kind}Sender`, options);
  await sender.receive();
  const count = Math.max(GROUP * GROUPS, Math.round(MESSAGES * scale));
  const tell = async (messages: number): Promise<number> => {
    sender.send(messages);
    return Number(await sender.receive());
  };
  await tell(Math.ceil(count / 5));
  return { deliveries: ((count * RECEIVERS) / (await tell(count))) * 1_000 };
}

/** Times what it is told to send; `sendGroup` resolves when all of it is handled everywhere. */
async function sendWhenAsked(
  channel: Channel,
  sendGroup: (texts: readonly string[]) => Promise<unknown>,
): Promise<never> {
  channel.send("ready");
  for (;;) {
    const count = Number(await channel.receive());
    const texts = Array.from({ length: count }, (_, n) => textOf(n, TEXT_BYTES, true));
    const began = performance.now();
    const goOn = async (): Promise<void> => {
      for (let group = texts.splice(0, GROUP); group.length > 0; group = texts.splice(0, GROUP)) await sendGroup(group);
    };
    await Promise.all(Array.from({ length: GROUPS }, goOn));
    channel.send(performance.now() - began);
  }
}

const each = Array.from({ length: RECEIVERS / PROCESSES }, (_, n) => n);

export const roles = {
  async warrenReceivers(channel: Channel, { folder: home }: Options) {
    const peers = await Promise.all(
      each.map((n) => openPeer({ name: `to-${n}`, home, host: "127.0.0.1", registry: "none" })),
    );
    for (const peer of peers) {
      let isKnown = false;
      peer.on("message", (message) => {
        if (isKnown) return undefined;
        isKnown = true;
        return message.reply("welcome"); // to whom one has written is no stranger, and may send as fast as it can
      });
    }
    channel.send(peers.map(({ port }) => port));
    await channel.receive();
  },

  async warrenSender(channel: Channel, { folder: home, ports }: Options) {
    const peer = await openPeer({ name: "from", home, host: "127.0.0.1", registry: "none" });
    const welcomed = Promise.withResolvers<void>();
    let left = ports.length;
    peer.on("message", () => void (--left === 0 && welcomed.resolve()));
    const ids: string[] = [];
    for (const port of ports) {
      const { id } = await peer.resolve(`127.0.0.1:${port}`);
      ids.push(id);
      await peer.send(id, "may I?");
    }
    await welcomed.promise;
    await sendWhenAsked(channel, async (texts) => {
      const sent = await Promise.all(texts.flatMap((text) => ids.map((id) => peer.send(id, text))));
      await Promise.all(sent.slice(-ids.length).map(({ handled }) => handled));
    });
  },

  async rawReceivers(channel: Channel, { folder }: Options) {
    const listening = each.map(async (n) => {
      const home = join(folder, String(n));
      const identity = await openIdentity(home);
      const db = openRawDatabase(join(home, "raw.db"));
      db.run("CREATE TABLE incoming (n INTEGER PRIMARY KEY, text TEXT NOT NULL)");
      const insert = db.query("INSERT INTO incoming (text) VALUES (?)");
      return listenRaw(identity, {
        values(socket, values) {
          db.run("BEGIN IMMEDIATE");
          for (const { text } of values as { text: string }[]) insert.run(text);
          db.run("COMMIT");
          socket.send(`{"t":"ack","n":${(values.at(-1) as { n: number }).n}}\n`);
        },
      }).port;
    });
    channel.send(await Promise.all(listening));
    await channel.receive();
  },

  async rawSender(channel: Channel, { folder, ports }: Options) {
    const identity = await openIdentity(folder);
    const db = openRawDatabase(join(folder, "raw.db"));
    db.run("CREATE TABLE outgoing (n INTEGER PRIMARY KEY, text TEXT NOT NULL)");
    const insert = db.query("INSERT INTO outgoing VALUES (?, ?)");
    const acked = new Map<number, number>(); // by port: the highest number
    const waiting = new Set<() => void>();
    const wake = (): void => waiting.forEach((look) => look());
    const connect = (port: number) =>
      connectRaw(identity, port, {
        values(_, values) {
          acked.set(port, (values.at(-1) as { n: number }).n);
          wake();
        },
      });
    const sockets = await Promise.all(ports.map(connect));
    let stored = 0;
    await sendWhenAsked(channel, (texts) => {
      let batch = "";
      db.run("BEGIN IMMEDIATE");
      for (const text of texts) {
        insert.run(++stored, text);
        batch += `${JSON.stringify({ t: "msg", n: stored, text })}\n`;
      }
      db.run("COMMIT");
      for (const socket of sockets) socket.send(batch);
      const last = stored;
      return new Promise<void>((resolve) => {
        const look = (): void => {
          if (ports.some((port) => (acked.get(port) ?? 0) < last)) return;
          waiting.delete(look);
          resolve();
        };
        waiting.add(look);
      });
    });
  },
};

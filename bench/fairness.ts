/**
 * Fairness: what one peer feels of another. Here the limit is Warren itself when nobody disturbs: a person's questions to a bot,
 * against the same while somebody else floods the bot; and the memory of a sender whose receiver takes what it sends, against
 * one whose receiver has stopped. A flood of another bot on the same machine shows what the machine itself makes of one.
 */
import { openPeer } from "../src/warren.ts";
import { askAll, askerOf, type Answered, type Asking } from "./asking.ts";
import { start, temporaryFolder, type Channel } from "./child.ts";
import type { Question, Scale } from "./question.ts";
import { textOf } from "./texts.ts";

const QUESTIONS = 3_000;
const MESSAGES = 100_000; // to the receiver that may have stopped
const GROUP = 1_024;

/** Whom somebody floods while the person asks. */
type Flooded = "nobody" | "the bot" | "another bot";

interface Options {
  readonly folder: string;
  readonly address: string;
}

export default {
  name: "fairness",
  about: "undisturbed (limit) against beside a flood; a receiver that reads (limit) against one that has stopped",
  isOnDemand: true,
  rows: [
    { name: "question and answer, p50", unit: "µs", isMoreBetter: false },
    { name: "question and answer, p99", unit: "µs", isMoreBetter: false, wanted: 2 },
    { name: "memory of the sender, more", unit: "MB", isMoreBetter: false, wanted: 1.5 },
  ],
  contenders: [
    { name: "limit", measure: (scale) => measure("nobody", scale) },
    { name: "warren", measure: (scale) => measure("the bot", scale) },
    { name: "elsewhere", measure: (scale) => askBeside("another bot", scale) },
  ],
} satisfies Question;

async function measure(flooded: Flooded, scale: Scale): Promise<Record<string, number>> {
  const delays = await askBeside(flooded, scale);
  return { ...delays, "memory of the sender, more": (await sendTo(flooded !== "nobody", scale)) / 1e6 };
}

async function askBeside(flooded: Flooded, scale: Scale): Promise<Record<string, number>> {
  await using home = await temporaryFolder();
  await using other = await temporaryFolder();
  const folder = home.path;
  await using bot = start(import.meta.path, "bot", { folder });
  await using otherBot = start(import.meta.path, "bot", { folder: other.path });
  const [address, otherAddress] = [String(await bot.receive()), String(await otherBot.receive())];
  await using person = start(import.meta.path, "person", { folder, address });
  await person.receive();
  const target = flooded === "another bot" ? otherAddress : address;
  await using flooder = start(import.meta.path, "flooder", { folder, address: target });
  await flooder.receive();
  if (flooded !== "nobody") flooder.send("begin");
  const ask = async (count: number): Promise<Answered> => {
    person.send({ count, inFlight: 1 });
    return (await person.receive()) as Answered;
  };
  const count = Math.max(200, Math.round(QUESTIONS * scale));
  await ask(Math.ceil(count / 5));
  const { p50, p99 } = await ask(count);
  return { "question and answer, p50": p50, "question and answer, p99": p99 };
}

/** Sends to a receiver, which has stopped or not; how much more memory the sender holds in the end. */
async function sendTo(isStopped: boolean, scale: Scale): Promise<number> {
  await using home = await temporaryFolder();
  const folder = home.path;
  await using receiver = start(import.meta.path, "bot", { folder });
  const address = String(await receiver.receive());
  await using sender = start(import.meta.path, "sender", { folder, address });
  await sender.receive();
  const count = Math.max(GROUP, Math.round(MESSAGES * scale));
  sender.send(GROUP);
  await sender.receive();
  const before = await sender.resident();
  if (isStopped) process.kill(receiver.pid, "SIGSTOP");
  sender.send(count);
  await sender.receive();
  return (await sender.resident()) - before;
}

export const roles = {
  async bot(channel: Channel, { folder }: Options) {
    const peer = await openPeer({ name: "bot", home: folder, host: "127.0.0.1", registry: "none" });
    const isKnown = new Set<string>();
    peer.on("message", (message) => {
      const isFirst = !isKnown.has(message.from.id);
      isKnown.add(message.from.id);
      // To whom one has written is no stranger, and may send as fast as it can.
      return isFirst || message.text.endsWith("?") ? message.reply(message.text) : undefined;
    });
    channel.send(`127.0.0.1:${peer.port}`);
    await channel.receive();
  },

  async person(channel: Channel, { folder, address }: Options) {
    const peer = await openPeer({ name: "person", home: folder, host: "127.0.0.1", registry: "none" });
    const { id } = await peer.resolve(address);
    const askPlainly = askerOf(peer, id);
    const ask = (text: string): Promise<void> => askPlainly(`${text}?`);
    await ask("are you there");
    channel.send("ready");
    for (;;) channel.send(await askAll((await channel.receive()) as Asking, ask));
  },

  async flooder(channel: Channel, { folder, address }: Options) {
    const peer = await openPeer({ name: "flooder", home: folder, host: "127.0.0.1", registry: "none" });
    const { id } = await peer.resolve(address);
    const welcomed = new Promise((resolve) => peer.on("message", resolve));
    await peer.send(id, "may I?");
    await welcomed;
    channel.send("ready");
    await channel.receive();
    for (;;) {
      const sent = await Promise.all(Array.from({ length: GROUP }, (_, n) => peer.send(id, textOf(n, 100, true))));
      await sent[0]?.delivered;
    }
  },

  async sender(channel: Channel, { folder, address }: Options) {
    const peer = await openPeer({ name: "sender", home: folder, host: "127.0.0.1", registry: "none" });
    const { id } = await peer.resolve(address);
    const welcomed = new Promise((resolve) => peer.on("message", resolve));
    await peer.send(id, "may I?");
    await welcomed;
    channel.send("ready");
    for (;;) {
      const count = Number(await channel.receive());
      for (let n = 0; n < count; n += GROUP) {
        await Promise.all(Array.from({ length: GROUP }, (_, m) => peer.send(id, textOf(n + m, 100, true))));
      }
      Bun.gc(true);
      channel.send("sent");
    }
  },
};

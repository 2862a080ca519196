/**
 * The rivals of one-way, at their best and most durable: NATS JetStream in files (which does not wait for the disk) and Redis
 * streams with an fsync for every write. Sender and receiver are clients of one server: a message is on one disk, not on two.
 */
import { AckPolicy, jetstream, jetstreamManager } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";
import { start, type Channel } from "./child.ts";
import { printed, type Scale } from "./question.ts";
import { redisEntries } from "./redis-entries.ts";
import { natsAndRedis, type RivalServer } from "./rival-servers.ts";
import { textOf } from "./texts.ts";

const COUNT = 50_000;
const TEXT_BYTES = 100;
/** Messages for which the sender waits together, and of which the receiver asks for as many at once. */
const GROUP = 1_024;
const ACK_EVERY = 256;

interface Options {
  readonly port: number;
}

export const rivals = natsAndRedis(measure);

async function measure(kind: string, server: RivalServer, scale: Scale): Promise<Record<string, number>> {
  await using receiver = start(import.meta.path, `${kind}Receiver`, { port: server.port });
  await receiver.receive();
  await using sender = start(import.meta.path, `${kind}Sender`, { port: server.port });
  const count = Math.max(1_000, Math.round(COUNT * scale));
  let perSecond = Number.NaN;
  for (const n of [Math.ceil(count / 10), count]) {
    receiver.send(n);
    sender.send(n);
    const ms = Number(await sender.receive());
    const began = performance.now();
    const inOrder = await receiver.receive();
    if (inOrder !== n) throw new Error(`${kind}: ${printed(inOrder)} of ${n} messages came in order`);
    perSecond = (n / (ms + performance.now() - began)) * 1_000;
  }
  return { "100 B": perSecond };
}

/** Sends in groups what it is told to, and says how many ms that took. */
async function sendWhenAsked(
  channel: Channel,
  sendAll: (texts: readonly string[]) => Promise<unknown>,
): Promise<never> {
  for (;;) {
    const count = Number(await channel.receive());
    const texts = Array.from({ length: count }, (_, n) => textOf(n, TEXT_BYTES, true));
    const began = performance.now();
    for (let n = 0; n < count; n += GROUP) await sendAll(texts.slice(n, n + GROUP));
    channel.send(performance.now() - began);
  }
}

/** Says how many of those that were announced have come, when all have or one is out of order. */
async function countWhenAsked(channel: Channel, next: () => Promise<readonly string[]>): Promise<never> {
  channel.send("ready");
  for (;;) {
    const expected = Number(await channel.receive());
    let seen = 0;
    while (seen < expected) for (const text of await next()) if (Number.parseInt(text, 10) === seen) seen++;
    channel.send(seen);
  }
}

export const roles = {
  async natsReceiver(channel: Channel, { port }: Options) {
    const client = await connect({ servers: `127.0.0.1:${port}` });
    const manager = await jetstreamManager(client);
    await manager.streams.add({ name: "bench", subjects: ["bench"] });
    await manager.consumers.add("bench", { durable_name: "to", ack_policy: AckPolicy.All, max_ack_pending: 100_000 });
    const consumer = await jetstream(client).consumers.get("bench", "to");
    let texts: string[] = [];
    let wake: (() => void) | undefined;
    await consumer.consume({
      max_messages: 4 * GROUP,
      callback(message) {
        texts.push(message.string());
        if (texts.length % ACK_EVERY === 0 || message.info.pending === 0) message.ack(); // of all up to here
        wake?.();
      },
    });
    await countWhenAsked(channel, async () => {
      if (texts.length === 0) await new Promise<void>((resolve) => (wake = resolve));
      const came = texts;
      texts = [];
      return came;
    });
  },

  async natsSender(channel: Channel, { port }: Options) {
    const stream = jetstream(await connect({ servers: `127.0.0.1:${port}` }));
    await sendWhenAsked(channel, (texts) => Promise.all(texts.map((text) => stream.publish("bench", text))));
  },

  async redisReceiver(channel: Channel, { port }: Options) {
    const redis = new Bun.RedisClient(`redis://127.0.0.1:${port}`);
    await redis.send("XGROUP", ["CREATE", "bench", "to", "0", "MKSTREAM"]);
    await countWhenAsked(channel, async () => {
      const read = ["GROUP", "to", "one", "COUNT", String(GROUP), "BLOCK", "1000", "STREAMS", "bench", ">"];
      const answer: unknown = await redis.send("XREADGROUP", read);
      const entries = redisEntries(answer);
      if (entries.length > 0) await redis.send("XACK", ["bench", "to", ...entries.map(([id]) => id)]);
      return entries.map(([, [, text]]) => text);
    });
  },

  async redisSender(channel: Channel, { port }: Options) {
    const redis = new Bun.RedisClient(`redis://127.0.0.1:${port}`);
    await sendWhenAsked(channel, (texts) =>
      Promise.all(texts.map((text) => redis.send("XADD", ["bench", "*", "text", text]))),
    );
  },
};

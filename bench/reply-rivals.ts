/** The rivals of reply: requests of NATS, which are on no disk, and two Redis streams with an fsync for every write. */
import { connect } from "@nats-io/transport-node";
import { askAll, type Answered, type Asking } from "./asking.ts";
import { start, type Channel } from "./child.ts";
import type { Scale } from "./question.ts";
import { redisEntries } from "./redis-entries.ts";
import { natsAndRedis, type RivalServer } from "./rival-servers.ts";

const ONE_BY_ONE = 2_000;
const CROWDED = 20_000;
const IN_FLIGHT = 64;

interface Options {
  readonly port: number;
}

export const rivals = natsAndRedis(measure);

/** Their servers are processes of their own: they run on any core. */
async function measure(kind: string, server: RivalServer, scale: Scale): Promise<Record<string, number>> {
  await using bot = start(import.meta.path, `${kind}Bot`, { port: server.port });
  await bot.receive();
  await using person = start(import.meta.path, `${kind}Person`, { port: server.port });
  const ask = async (load: Asking): Promise<Answered> => {
    person.send(load);
    return (await person.receive()) as Answered;
  };
  const few = Math.max(100, Math.round(ONE_BY_ONE * scale));
  const many = Math.max(1_000, Math.round(CROWDED * scale));
  await ask({ count: Math.ceil(few / 5), inFlight: 1 });
  const { p50 } = await ask({ count: few, inFlight: 1 });
  const { ms } = await ask({ count: many, inFlight: IN_FLIGHT });
  return { "p50, one at a time, two cores": p50, "64 in flight": (many / ms) * 1_000 };
}

async function askWhenAsked(channel: Channel, ask: (text: string) => Promise<unknown>): Promise<never> {
  for (;;) channel.send(await askAll((await channel.receive()) as Asking, ask));
}

export const roles = {
  async natsBot(channel: Channel, { port }: Options) {
    const client = await connect({ servers: `127.0.0.1:${port}` });
    client.subscribe("echo", { callback: (_, message) => void message.respond(message.data) });
    await client.flush();
    channel.send("ready");
    await channel.receive();
  },

  async natsPerson(channel: Channel, { port }: Options) {
    const client = await connect({ servers: `127.0.0.1:${port}` });
    await askWhenAsked(channel, (text) => client.request("echo", text));
  },

  async redisBot(channel: Channel, { port }: Options) {
    const [reader, writer] = [
      new Bun.RedisClient(`redis://127.0.0.1:${port}`),
      new Bun.RedisClient(`redis://127.0.0.1:${port}`),
    ];
    channel.send("ready");
    for await (const texts of read(reader, "questions")) {
      await Promise.all(texts.map((text) => writer.send("XADD", ["answers", "*", "text", text])));
    }
  },

  async redisPerson(channel: Channel, { port }: Options) {
    const [reader, writer] = [
      new Bun.RedisClient(`redis://127.0.0.1:${port}`),
      new Bun.RedisClient(`redis://127.0.0.1:${port}`),
    ];
    const waiting = new Map<string, () => void>();
    const hear = async (): Promise<void> => {
      for await (const texts of read(reader, "answers")) for (const text of texts) waiting.get(text)?.();
    };
    void hear();
    await askWhenAsked(channel, (text) => {
      const heard = new Promise<void>((resolve) => waiting.set(text, resolve));
      return Promise.all([writer.send("XADD", ["questions", "*", "text", text]), heard]);
    });
  },
};

/** What comes in a stream, for ever; each round trip brings all that is there. */
async function* read(redis: Bun.RedisClient, stream: string): AsyncGenerator<string[]> {
  let last = "0";
  for (;;) {
    const from = ["COUNT", "1024", "BLOCK", "1000", "STREAMS", stream, last];
    const entries = redisEntries(await redis.send("XREAD", from));
    last = entries.at(-1)?.[0] ?? last;
    yield entries.map(([, [, text]]) => text);
  }
}

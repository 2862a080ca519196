/**
 * Connects: connect, prove both keys, both hellos, one echo, close. A peer keeps one connection with each other peer, so what is
 * measured of Warren is the part that does this work: its transport and its connections at the dialler, and its transport
 * and its switchboard, which chooses between connections, at the listener. No sessions, no disk.
 */
import { parsePeerId } from "../src/identity/peer-id.ts";
import { createIdentity } from "../src/identity/identity.ts";
import { systemWorld } from "../src/base/world.ts";
import { Connection } from "../src/peer/connection.ts";
import { createTlsTransport } from "../src/peer/tls.ts";
import { PROTOCOL_VERSION, type Hello } from "../src/wire/frames.ts";
import { start, type Channel } from "./child.ts";
import type { Question, Scale } from "./question.ts";
import { createIdentities, quietSwitchboard } from "./quiet.ts";
import { connectRaw, listenRaw } from "./raw.ts";

const ONE_BY_ONE = 2_000;
const CROWDED = 4_000;
const AT_ONCE = 32;

interface Load {
  readonly count: number;
  readonly inFlight: number;
}

interface Listening {
  readonly port: number;
  readonly id: string;
}

export default {
  name: "connects",
  about: "connections a second: connect, prove both keys, both hellos, one echo, close",
  rows: [
    { name: "one by one", unit: "/s", isMoreBetter: true, wanted: 0.85 },
    { name: `${AT_ONCE} at once`, unit: "/s", isMoreBetter: true, wanted: 0.85 },
    { name: "processor time of both, each", unit: "µs", isMoreBetter: false, wanted: 1.18, isSteady: true },
  ],
  contenders: [
    { name: "limit", measure: (scale) => measure("raw", scale) },
    { name: "warren", measure: (scale) => measure("warren", scale) },
  ],
} satisfies Question;

async function measure(kind: "raw" | "warren", scale: Scale): Promise<Record<string, number>> {
  await using listener = start(import.meta.path, `${kind}Listener`);
  await using dialler = start(import.meta.path, `${kind}Dialler`, (await listener.receive()) as Listening);
  await dialler.receive();
  const perSecond = async (load: Load): Promise<number> => {
    dialler.send(load);
    return (load.count / Number(await dialler.receive())) * 1_000;
  };
  const few = Math.max(200, Math.round(ONE_BY_ONE * scale));
  const many = Math.max(400, Math.round(CROWDED * scale));
  await perSecond({ count: Math.ceil(few / 2), inFlight: 1 });
  const one = await perSecond({ count: few, inFlight: 1 });
  await perSecond({ count: Math.ceil(many / 5), inFlight: AT_ONCE });
  const before = (await listener.spent()) + (await dialler.spent());
  const crowd = await perSecond({ count: many, inFlight: AT_ONCE });
  const spent = (await listener.spent()) + (await dialler.spent()) - before;
  return {
    "one by one": one,
    [`${AT_ONCE} at once`]: crowd,
    "processor time of both, each": (spent / many) * 1_000,
  };
}

/** Says in ms how long each load took. `visit` is given the number of an identity, of which `AT_ONCE` are never the same. */
async function visitAll(channel: Channel, visit: (who: number) => Promise<void>): Promise<never> {
  channel.send("ready");
  for (;;) {
    const { count, inFlight } = (await channel.receive()) as Load;
    let begun = 0;
    const began = performance.now();
    const goOn = async (who: number): Promise<void> => {
      while (begun++ < count) await visit(who);
    };
    await Promise.all(Array.from({ length: inFlight }, (_, who) => goOn(who)));
    channel.send(performance.now() - began);
  }
}

export const roles = {
  async warrenListener(channel: Channel) {
    const identity = await createIdentity();
    const board = quietSwitchboard(identity);
    const transport = createTlsTransport({ identity, clock: systemWorld.clock });
    const { port } = await transport.listen({ host: "127.0.0.1", port: 0 }, (link) => board.accept(link));
    channel.send({ port, id: identity.id });
    await channel.receive();
  },

  async warrenDialler(channel: Channel, { port, id }: Listening) {
    const { clock } = systemWorld;
    const identities = await createIdentities(AT_ONCE);
    const transports = identities.map((identity) => createTlsTransport({ identity, clock }));
    const expect = parsePeerId(id);
    const visit = async (who: number): Promise<void> => {
      const address = { host: "127.0.0.1", port };
      const link = await transports[who]?.dial(address, { expect, signal: new AbortController().signal });
      if (!link) return;
      const name = systemWorld.token();
      await new Promise<void>((resolve, reject) => {
        const connection = new Connection(link, name, clock, {
          hello: () => connection.send({ t: "ping" }),
          frame(_, { t }) {
            if (t !== "pong") return;
            connection.drop();
            resolve();
          },
          behind() {},
          drained() {},
          closed: (_, error) => error && reject(error),
        });
        connection.send(helloOf(name));
      });
    };
    await visitAll(channel, visit);
  },

  async rawListener(channel: Channel) {
    const identity = await createIdentity();
    const { port } = listenRaw(identity, {
      values(socket, values) {
        for (const value of values as { t: string }[]) {
          if (value.t === "hello") socket.send(`${JSON.stringify(value)}\n`);
          else socket.send('{"t":"pong"}\n');
        }
      },
    });
    channel.send({ port, id: identity.id });
    await channel.receive();
  },

  async rawDialler(channel: Channel, { port }: Listening) {
    const identities = await createIdentities(AT_ONCE);
    const visit = async (who: number): Promise<void> => {
      const identity = identities[who];
      if (!identity) return;
      const answered = Promise.withResolvers<void>();
      const socket = await connectRaw(identity, port, {
        values(from, values) {
          for (const { t } of values as { t: string }[]) {
            if (t === "hello") from.send('{"t":"ping"}\n');
            else from.end();
            if (t === "pong") answered.resolve();
          }
        },
      });
      socket.send(`${JSON.stringify(helloOf("connection"))}\n`);
      await answered.promise;
    };
    await visitAll(channel, visit);
  },
};

function helloOf(conn: string): Hello {
  return {
    t: "hello",
    v: PROTOCOL_VERSION,
    instance: "benchmark",
    conn,
    holds: null,
    name: "visitor",
    kind: "person",
    port: 0,
  };
}

/**
 * Growth: what a message and a start cost with much on the disk. Here the limit is Warren itself with an empty store, so a ratio
 * is how much more it costs with a full one. The rows of what is old are written past the peer.
 */
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { identityFolder } from "../src/base/home.ts";
import { systemWorld } from "../src/base/world.ts";
import { encodePeerId } from "../src/identity/peer-id.ts";
import { openStore, type Store } from "../src/store/store.ts";
import { openPeer } from "../src/warren.ts";
import { start, temporaryFolder, type Channel } from "./child.ts";
import type { Question, Scale } from "./question.ts";

const HISTORY = 10_000_000; // messages, half of them said and half heard, with 100 peers
const KNOWN = 10_000; // peers
const QUEUED = 1_000_000; // messages for one peer that is not there
const CHUNK = 500_000; // rows in one commit
const MESSAGES = 50_000; // that are measured

type Fill = (store: Store, scale: Scale) => Promise<void>;

const FILLS: Readonly<Record<string, Fill>> = { history, "known peers": knownPeers, queued };

export default {
  name: "growth",
  about: `an empty store (limit) against one with ${HISTORY} messages, ${KNOWN} known peers, ${QUEUED} messages queued`,
  isOnDemand: true,
  rows: Object.keys(FILLS).flatMap((name) => [
    { name: `${name}: a message`, unit: "µs", isMoreBetter: false, wanted: 1.2 },
    { name: `${name}: a start`, unit: "ms", isMoreBetter: false, wanted: 1.2 },
  ]),
  contenders: [
    {
      name: "limit",
      async measure(scale) {
        const all = [];
        for (const name of Object.keys(FILLS)) all.push(await measure(name, undefined, scale));
        return Object.assign({}, ...all) as Record<string, number>;
      },
    },
    {
      name: "warren",
      async measure(scale) {
        const all = [];
        for (const [name, fill] of Object.entries(FILLS)) all.push(await measure(name, fill, scale));
        return Object.assign({}, ...all) as Record<string, number>;
      },
    },
  ],
} satisfies Question;

/** Processor time of both sides, for a message; how long the sender takes to open its peer. */
async function measure(name: string, fill: Fill | undefined, scale: Scale): Promise<Record<string, number>> {
  await using from = await temporaryFolder();
  await using to = await temporaryFolder();
  for (const [home, who] of [
    [from.path, "from"],
    [to.path, "to"],
  ] as const) {
    const folder = identityFolder(home, "person", who);
    await mkdir(folder, { recursive: true });
    using store = openStore(join(folder, "peer.db"), systemWorld.clock);
    store.settings.set("keep", "all"); // measured is a message among many, not how many make room
    await fill?.(store, scale);
    await store.db.committed();
  }
  const startMs = await timeStart(from.path);
  const oneWay = join(import.meta.dir, "one-way.ts");
  await using receiver = start(oneWay, "warrenReceiver", { folder: to.path });
  const address = String(await receiver.receive());
  await using sender = start(oneWay, "warrenSender", { folder: from.path, address });
  await sender.receive();
  let microseconds = Number.NaN;
  for (const count of [Math.ceil(MESSAGES / 5), MESSAGES]) {
    receiver.send(count);
    await receiver.receive();
    const before = (await sender.spent()) + (await receiver.spent());
    sender.send({ count, bytes: 100, isAscii: true });
    await sender.receive();
    await receiver.receive();
    microseconds = (((await sender.spent()) + (await receiver.spent()) - before) / count) * 1_000;
  }
  return { [`${name}: a message`]: microseconds, [`${name}: a start`]: startMs };
}

async function timeStart(folder: string): Promise<number> {
  let ms = Number.NaN;
  for (let n = 0; n < 2; n++) {
    await using child = start(import.meta.path, "starting", { folder }); // the first one makes the key
    ms = Number(await child.receive());
    child.send("close");
    await child.receive();
  }
  return ms;
}

async function history(store: Store, scale: Scale): Promise<void> {
  const each = Math.round((HISTORY * scale) / 2);
  const epoch = store.outgoing.openEpoch("before");
  await inChunks(store, each, (first, last) => {
    store.db.run(
      `WITH RECURSIVE n(k) AS (SELECT ? UNION ALL SELECT k + 1 FROM n WHERE k < ?)
       INSERT INTO incoming (peer, place, id, at, hops, text) SELECT 1000000 + k % 100, -k, 'old.' || k, 0, 0, 'said ' || k || ? FROM n`,
      first,
      last,
      " and so on".repeat(8),
    );
    store.db.run(
      `WITH RECURSIVE n(k) AS (SELECT ? UNION ALL SELECT k + 1 FROM n WHERE k < ?)
       INSERT INTO outgoing (peer, epoch, seq, id, place, at, born, hops, text)
       SELECT 1000000 + k % 100, ?, k, 'old.' || k, -k, 0, 0, 0, 'said ' || k || ? FROM n`,
      first,
      last,
      epoch,
      " and so on".repeat(8),
    );
  });
}

async function knownPeers(store: Store, scale: Scale): Promise<void> {
  const epoch = store.outgoing.openEpoch("before");
  for (let n = 0; n < KNOWN * scale; n++) addKnown(store, epoch);
  await store.db.committed();
}

async function queued(store: Store, scale: Scale): Promise<void> {
  const epoch = store.outgoing.openEpoch("before");
  const peer = addKnown(store, epoch);
  const now = systemWorld.clock.now();
  await inChunks(store, Math.round(QUEUED * scale), (first, last) =>
    store.db.run(
      `WITH RECURSIVE n(k) AS (SELECT ? UNION ALL SELECT k + 1 FROM n WHERE k < ?)
       INSERT INTO outgoing (peer, epoch, seq, id, place, at, born, hops, text)
       SELECT ?, ?, k, 'old.' || k, -k, ?, 0, 0, 'said ' || k || ? FROM n`,
      first,
      last,
      peer,
      epoch,
      now,
      " and so on".repeat(8),
    ),
  );
}

/** Returns the number of its row. */
function addKnown(store: Store, epoch: number): number {
  const id = encodePeerId(crypto.getRandomValues(new Uint8Array(32)));
  const { n } = store.contacts.add(id, "known", "person", epoch);
  store.contacts.markKnown(n);
  return n;
}

async function inChunks(store: Store, count: number, write: (first: number, last: number) => unknown): Promise<void> {
  for (let first = 1; first <= count; first += CHUNK) {
    write(first, Math.min(count, first + CHUNK - 1));
    await store.db.committed();
  }
}

export const roles = {
  async starting(channel: Channel, { folder }: { folder: string }) {
    const began = performance.now();
    const peer = await openPeer({ name: "from", home: folder, host: "127.0.0.1", registry: "none" });
    channel.send(performance.now() - began);
    await channel.receive();
    await peer.close();
    channel.send("closed");
  },
};

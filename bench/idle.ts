/**
 * Idle: what a listener's process holds in memory for each connection that is authenticated and says nothing. Warren's listener is
 * a whole peer: each connection is also somebody in its database, and a session with credit, which messages could come through at once.
 */
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { identityFolder } from "../src/base/home.ts";
import type { PeerId } from "../src/base/ids.ts";
import { systemWorld } from "../src/base/world.ts";
import { createIdentity, type Identity } from "../src/identity/identity.ts";
import { createTlsTransport } from "../src/peer/tls.ts";
import { openStore } from "../src/store/store.ts";
import { openPeer } from "../src/warren.ts";
import { start, temporaryFolder, type Channel, type Child } from "./child.ts";
import type { Question, Scale } from "./question.ts";
import { createIdentities, quietSwitchboard } from "./quiet.ts";
import { connectRaw, listenRaw } from "./raw.ts";

const CONNECTIONS = 2_000;
/** Connections before the first look: what the code itself takes is not the connections'. */
const FIRST = 100;
const AT_ONCE = 50;

export default {
  name: "idle",
  about: `memory of the listener for each of ${CONNECTIONS} idle authenticated connections; wanted of Warren: 14 KiB`,
  rows: [{ name: "resident, each", unit: "KiB", isMoreBetter: false, wanted: 1.6 }],
  contenders: [
    { name: "limit", measure: (scale) => measure("raw", scale) },
    { name: "warren", measure: (scale) => measure("warren", scale) },
  ],
} satisfies Question;

async function measure(kind: "raw" | "warren", scale: Scale): Promise<Record<string, number>> {
  await using folder = await temporaryFolder();
  const count = Math.max(500, Math.round(CONNECTIONS * scale));
  await using dialler = start(import.meta.path, `${kind}Dialler`, { count: FIRST + count });
  const ids = await dialler.receive();
  await using listener = start(import.meta.path, `${kind}Listener`, { folder: folder.path });
  listener.send(ids);
  dialler.send(await listener.receive());
  await dial(dialler, FIRST);
  const before = await settled(listener);
  await dial(dialler, count);
  const after = await settled(listener);
  return { "resident, each": (after - before) / count / 1_024 };
}

async function dial(dialler: Child, count: number): Promise<void> {
  dialler.send(count);
  await dialler.receive();
}

/** The listener has swept up. */
async function settled(listener: Child): Promise<number> {
  listener.send("sweep up");
  await listener.receive();
  return await listener.resident();
}

async function sweepUpWhenAsked(channel: Channel): Promise<never> {
  for (;;) {
    await channel.receive();
    for (let turn = 0; turn < 3; turn++) {
      await Bun.sleep(300); // what was committed, answered and closed is done
      Bun.gc(true);
    }
    channel.send("done");
  }
}

/** Opens as many more connections as it is told, some at a time: a listener's backlog is 512. */
async function dialWhenAsked(
  channel: Channel,
  count: number,
  dialOne: (identity: Identity, port: number) => Promise<unknown>,
): Promise<never> {
  const identities = await createIdentities(count);
  channel.send(identities.map(({ id }) => id));
  const port = Number(await channel.receive());
  for (;;) {
    const group = identities.splice(0, Number(await channel.receive()));
    const goOn = async (): Promise<void> => {
      for (let next = group.pop(); next; next = group.pop()) await dialOne(next, port);
    };
    await Promise.all(Array.from({ length: AT_ONCE }, goOn));
    channel.send("done");
  }
}

/** To be known is to have been written to: idle strangers are sent away when others need their room. */
async function makeKnown(home: string, name: string, ids: readonly PeerId[]): Promise<void> {
  const folder = identityFolder(home, "person", name);
  await mkdir(folder, { recursive: true });
  using store = openStore(join(folder, "peer.db"), systemWorld.clock);
  const epoch = store.outgoing.openEpoch("before");
  for (const id of ids) store.contacts.markKnown(store.contacts.add(id, "quiet", "person", epoch).n);
  await store.db.committed();
}

export const roles = {
  async warrenListener(channel: Channel, { folder }: { folder: string }) {
    await makeKnown(folder, "idle", (await channel.receive()) as PeerId[]);
    const peer = await openPeer({ name: "idle", home: folder, host: "127.0.0.1", registry: "none" });
    channel.send(peer.port);
    await sweepUpWhenAsked(channel);
  },

  async warrenDialler(channel: Channel, { count }: { count: number }) {
    const { clock } = systemWorld;
    await dialWhenAsked(channel, count, async (identity, port) => {
      const transport = createTlsTransport({ identity, clock });
      const signal = new AbortController().signal;
      const link = await transport.dial({ host: "127.0.0.1", port }, { expect: undefined, signal });
      await quietSwitchboard(identity).connect(link);
    });
  },

  async rawListener(channel: Channel) {
    await channel.receive();
    const { port } = listenRaw(await createIdentity(), {
      values: (socket) => socket.send('{"t":"hello","conn":"connection"}\n'),
    });
    channel.send(port);
    await sweepUpWhenAsked(channel);
  },

  async rawDialler(channel: Channel, { count }: { count: number }) {
    await dialWhenAsked(channel, count, async (identity, port) => {
      const answered = Promise.withResolvers<void>();
      const socket = await connectRaw(identity, port, { values: () => answered.resolve() });
      socket.send('{"t":"hello","conn":"connection"}\n');
      await answered.promise;
    });
  },
};

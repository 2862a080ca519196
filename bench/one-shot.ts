/**
 * One shot: `peer send` as a whole process, from its start to its end, with the message on both disks. The limit is a script that
 * does the same for one receiver that it knows (bare-send.ts).
 */
import { join } from "node:path";
import { createIdentity, openIdentity } from "../src/identity/identity.ts";
import { openPeer } from "../src/warren.ts";
import { start, temporaryFolder, type Channel } from "./child.ts";
import { median } from "./measure.ts";
import type { Question, Scale } from "./question.ts";
import { listenRaw, openRawDatabase } from "./raw.ts";

const RUNS = 30;
const PEER = join(import.meta.dir, "../src/cli/peer.ts");
const BARE = join(import.meta.dir, "bare-send.ts");

interface Listening {
  readonly port: number;
  readonly id: string;
}

export default {
  name: "one-shot",
  about: "`peer send` as a whole process: one durable message, delivered",
  rows: [
    { name: "from start to end", unit: "ms", isMoreBetter: false, wanted: 1.6 },
    { name: "processor time", unit: "ms", isMoreBetter: false, wanted: 1.6 },
  ],
  contenders: [
    { name: "limit", measure: measureLimit },
    { name: "warren", measure: measureWarren },
  ],
} satisfies Question;

async function measureLimit(scale: Scale): Promise<Record<string, number>> {
  await using from = await temporaryFolder();
  await using to = await temporaryFolder();
  await openIdentity(from.path); // made once: that takes long
  await using receiver = start(import.meta.path, "rawReceiver", { folder: to.path });
  const { port } = (await receiver.receive()) as Listening;
  return timeRuns(scale, [BARE, from.path, String(port), "hello"]);
}

async function measureWarren(scale: Scale): Promise<Record<string, number>> {
  await using from = await temporaryFolder();
  await using to = await temporaryFolder();
  await using receiver = start(import.meta.path, "warrenReceiver", { folder: to.path });
  const { port, id } = (await receiver.receive()) as Listening;
  const as = ["--home", from.path, "--name", "ann", "--registry", "none"];
  run([PEER, "send", `127.0.0.1:${port}`, "hello", ...as]); // the first one makes a key and learns the address
  run([PEER, "pin", "bob", id, ...as]);
  return timeRuns(scale, [PEER, "send", "bob", "hello", ...as]);
}

function timeRuns(scale: Scale, args: readonly string[]): Record<string, number> {
  const wall: number[] = [];
  const processor: number[] = [];
  for (let n = 0; n < Math.max(5, RUNS * scale); n++) {
    const began = performance.now();
    const microseconds = run(args);
    wall.push(performance.now() - began);
    processor.push(microseconds / 1_000);
  }
  return { "from start to end": median(wall), "processor time": median(processor) };
}

/** Runs a script to its end; returns its processor time in µs. */
function run(args: readonly string[]): number {
  const { exitCode, stderr, resourceUsage } = Bun.spawnSync([process.execPath, ...args], { stdout: "ignore" });
  if (exitCode !== 0) throw new Error(`${args.join(" ")} has failed (${exitCode}): ${stderr.toString()}`);
  return Number(resourceUsage.cpuTime.total);
}

export const roles = {
  async warrenReceiver(channel: Channel, { folder }: { folder: string }) {
    const peer = await openPeer({ name: "bob", home: folder, host: "127.0.0.1", registry: "none" });
    peer.on("message", () => {});
    channel.send({ port: peer.port, id: peer.id });
    await channel.receive();
  },

  async rawReceiver(channel: Channel, { folder }: { folder: string }) {
    const db = openRawDatabase(join(folder, "raw.db"));
    db.run("CREATE TABLE incoming (n INTEGER PRIMARY KEY, text TEXT NOT NULL)");
    const insert = db.query("INSERT INTO incoming (text) VALUES (?)");
    const identity = await createIdentity();
    const { port } = listenRaw(identity, {
      values(socket, values) {
        for (const { n, text } of values as { n: number; text: string }[]) {
          insert.run(text);
          socket.send(`{"t":"ack","n":${n}}\n`);
        }
      },
    });
    channel.send({ port, id: identity.id });
    await channel.receive();
  },
};

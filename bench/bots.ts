/**
 * Bots: a hundred of them in one process, each a peer in a worker of its own, as the supervisor runs them. The limit: workers that
 * hold a TLS listener and a database, and nothing else. All keys were made before.
 */
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { createLog } from "../src/base/log.ts";
import { systemWorld } from "../src/base/world.ts";
import { Supervisor } from "../src/bot/supervisor.ts";
import { workersOf } from "../src/bot/worker-link.ts";
import { openIdentity } from "../src/identity/identity.ts";
import { residentOf, start, temporaryFolder, type Channel } from "./child.ts";
import type { Question, Scale } from "./question.ts";

const BOTS = 100;

interface Options {
  readonly folder: string;
  readonly count: number;
}

interface Ready {
  readonly ms: number;
  readonly processorMs: number;
  readonly bytes: number;
}

export default {
  name: "bots",
  about: `${BOTS} bots in one process: ready time and memory of each; wanted of Warren: 20 ms and 8 MB`,
  rows: [
    { name: "ready, each", unit: "ms", isMoreBetter: false, wanted: 4 },
    { name: "processor time, each", unit: "ms", isMoreBetter: false, wanted: 4, isSteady: true },
    { name: "resident, each", unit: "MB", isMoreBetter: false, wanted: 2.7, isSteady: true },
  ],
  contenders: [
    { name: "limit", measure: (scale) => measure("raw", scale) },
    { name: "warren", measure: (scale) => measure("warren", scale) },
  ],
} satisfies Question;

async function measure(kind: "raw" | "warren", scale: Scale): Promise<Record<string, number>> {
  await using folder = await temporaryFolder();
  const count = Math.max(10, Math.round(BOTS * scale));
  await writeBots(folder.path, count);
  await using process = start(import.meta.path, `${kind}Bots`, { folder: folder.path, count });
  const { ms, processorMs, bytes } = (await process.receive()) as Ready;
  return {
    "ready, each": ms / count,
    "processor time, each": processorMs / count,
    "resident, each": bytes / count / 1e6,
  };
}

/** Bots that answer, with their keys. */
async function writeBots(folder: string, count: number): Promise<void> {
  const warren = JSON.stringify(join(import.meta.dir, "../src/index.ts"));
  await mkdir(join(folder, "code"));
  for (let n = 0; n < count; n++) {
    const text = `import { definePlugin, z } from ${warren};
export default definePlugin({
  name: "bot-${n}",
  about: "answers with what it heard",
  setup(bot) {
    bot.command("shout", { about: "say it louder", args: z.object({ text: z.string() }), run: ({ args, reply }) => reply(args.text) });
    bot.on("message", ({ text, reply }) => reply(text));
  },
});
`;
    await Bun.write(join(folder, "code", `bot-${n}.ts`), text);
    await openIdentity(join(folder, "bots", `bot-${n}`));
  }
}

/** Memory and time from here to what `begin` resolves to. */
async function measured(begin: () => Promise<unknown>): Promise<Ready> {
  Bun.gc(true);
  const before = await residentOf(process.pid);
  const spent = process.cpuUsage();
  const began = performance.now();
  await begin();
  const ms = performance.now() - began;
  const { user, system } = process.cpuUsage(spent);
  await Bun.sleep(1_000); // what the start still has to do is done
  return { ms, processorMs: (user + system) / 1_000, bytes: (await residentOf(process.pid)) - before };
}

export const roles = {
  async warrenBots(channel: Channel, { folder, count }: Options) {
    const files = Array.from({ length: count }, (_, n) => join(folder, "code", `bot-${n}.ts`));
    const online = Promise.withResolvers<void>();
    let left = count;
    const log = createLog("bots", (_, source, text) => {
      if (!/ is online on port /.test(text)) console.error(`  ${source}: ${text}`);
      else if (--left === 0) online.resolve();
    });
    const ready = await measured(() => {
      const about = { home: folder, registry: "none", set: [], record: undefined };
      const spawn = workersOf(new URL("../src/cli/bot-worker.ts", import.meta.url));
      const options = { files: () => files, isWatching: false, memoryBytes: 2 ** 40, spawn, world: systemWorld, log };
      const supervisor = new Supervisor(about, options);
      void supervisor.allEnded().then(() => online.reject(new Error("no bot runs any more")));
      return online.promise;
    });
    channel.send(ready);
    await channel.receive();
  },

  async rawBots(channel: Channel, { folder, count }: Options) {
    const entry = new URL("bare-worker.ts", import.meta.url).href;
    const workers: Worker[] = []; // held: nobody else holds them
    const open = (n: number): Promise<unknown> => {
      const worker = new Worker(entry);
      workers.push(worker);
      worker.postMessage(join(folder, "bots", `bot-${n}`));
      return new Promise((resolve) => worker.addEventListener("message", resolve, { once: true }));
    };
    const ready = await measured(() => Promise.all(Array.from({ length: count }, (_, n) => open(n))));
    channel.send(ready);
    await channel.receive();
  },
};

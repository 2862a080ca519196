/** `bun run reload-test [times]`: a bot is loaded again a thousand times, and must leave nothing behind. */
import { holding, Reloading } from "./reloading.ts";

const WARM_UP = 100;
const MAX_GROWTH_BYTES = 20_000_000;

/**
 * Bun 1.4.5 itself keeps so much of every worker in which a `Bun.serve` ran, and each bot has one for its control socket
 * (measured with workers that do nothing else; 52 to 80 kB). It is no growth of ours, and goes with the process.
 */
const KEPT_BY_BUN_BYTES = 80_000;

const times = Number(process.argv[2] ?? 1_000);
await using bot = new Reloading();
await bot.next(/^hoarder is online/);
await bot.reload(WARM_UP);
const before = holding();
tell(WARM_UP);
for (let done = WARM_UP; done < times; done += WARM_UP) {
  await bot.reload(WARM_UP);
  tell(done + WARM_UP);
}
const after = holding();

bot.save("for (;;);\n");
console.log(await bot.next(/goes on as it was/));

const grownBytes = after.rssBytes - before.rssBytes - (times - WARM_UP) * KEPT_BY_BUN_BYTES;
const areHandlesLeft = (after.handles ?? 0) > (before.handles ?? 0);
if (areHandlesLeft || grownBytes > MAX_GROWTH_BYTES) {
  console.log("failed: something is left behind");
  process.exitCode = 1;
}

function tell(done: number): void {
  const { handles = "unknown", rssBytes } = holding();
  console.log(`${done} reloads: ${handles} file descriptors, ${(rssBytes / 1e6).toFixed(1)} MB resident`);
}

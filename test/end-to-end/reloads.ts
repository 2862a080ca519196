/** `bun run reload-test [times]`: a bot is loaded again a thousand times, and must leave nothing behind. */
import { holding, Reloading } from "./reloading.ts";

const WARM_UP = 100;
/**
 * Most that may stay resident of one reload. Bun 1.4.5 itself keeps 52 to 80 kB of every worker in which a `Bun.serve` ran
 * (measured with workers that do nothing else), and each bot has one for its control socket; it goes with the process.
 */
const MAX_KEPT_BYTES = 110_000;

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

const keptBytes = (after.rssBytes - before.rssBytes) / (times - WARM_UP);
console.log(`${(keptBytes / 1e3).toFixed(0)} kB stay of each reload; ${MAX_KEPT_BYTES / 1e3} kB may`);
const areHandlesLeft = (after.handles ?? 0) > (before.handles ?? 0);
if (areHandlesLeft || keptBytes > MAX_KEPT_BYTES) {
  console.log("failed: something is left behind");
  process.exitCode = 1;
}

function tell(done: number): void {
  const { handles = "unknown", rssBytes } = holding();
  console.log(`${done} reloads: ${handles} file descriptors, ${(rssBytes / 1e6).toFixed(1)} MB resident`);
}

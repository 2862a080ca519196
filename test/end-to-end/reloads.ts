/** `bun run reload-test [times]`: a bot is loaded again a thousand times, and must leave nothing behind. */
import { holding, Reloading, type Holding } from "./reloading.ts";

const WARM_UP = 100;
/** How much more may be resident at any time after that. */
const MAX_GROWTH_BYTES = 20e6;

const times = Number(process.argv[2] ?? 1_000);
await using bot = new Reloading();
await bot.begin();
await bot.reload(WARM_UP);
const before = tell(WARM_UP);
let mostBytes = before.rssBytes;
let after = before;
for (let done = WARM_UP; done < times; done += WARM_UP) {
  await bot.reload(WARM_UP);
  after = tell(done + WARM_UP);
  mostBytes = Math.max(mostBytes, after.rssBytes);
}
await bot.finish();

bot.save("for (;;);\n");
console.log(await bot.told.next(/goes on as it was/));

const grownBytes = mostBytes - before.rssBytes;
console.log(
  `at most ${inMegabytes(grownBytes)} more than after ${WARM_UP} reloads; ${inMegabytes(MAX_GROWTH_BYTES)} may be`,
);
const areHandlesLeft = (after.handles ?? 0) > (before.handles ?? 0);
if (areHandlesLeft || grownBytes > MAX_GROWTH_BYTES) {
  console.log("failed: something is left behind");
  process.exitCode = 1;
}

function tell(done: number): Holding {
  const found = holding();
  const { handles = "unknown", rssBytes } = found;
  console.log(`${done} reloads: ${handles} file descriptors, ${inMegabytes(rssBytes)} resident`);
  return found;
}

function inMegabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}

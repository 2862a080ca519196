/** `bun run fuzz`: feeds mutated inputs to everything that reads a stranger's bytes. See docs/reliability.md. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { EXIT, run } from "../../src/cli/program.ts";
import { BOX_HEADER_BYTES, type CampaignOptions, type Progress, type Score } from "./campaign.ts";
import { TARGETS } from "./targets.ts";

/** A campaign that says nothing for so long is stuck in the input that it runs. */
const STUCK_MS = 60_000;
const CAMPAIGN = join(import.meta.dir, "campaign.ts");

interface Options {
  for?: number;
  executions?: number;
  seed: number;
  target?: string;
}

await run(async () => {
  const { Command, InvalidArgumentError, Option } = await import("commander");
  const count = (text: string): number => {
    if (/^\d{1,9}$/.test(text)) return Number(text);
    throw new InvalidArgumentError("a whole number was expected");
  };
  const names = TARGETS.map(({ name }) => name);
  const options = new Command("fuzz")
    .description(
      "feeds mutated inputs to everything that reads a stranger's bytes; keeps its corpus in test/fuzz/corpus",
    )
    .option("--for <seconds>", "how long", count)
    .option("--executions <n>", "how many inputs", count)
    .option(
      "--seed <n>",
      "of the random choices: the same again gives the same inputs in each turn",
      count,
      Date.now() % 1e9,
    )
    .addOption(new Option("--target <name>", "only one of them").choices(names))
    .parse()
    .opts<Options>();
  return (await fuzz(options)) ? EXIT.done : EXIT.failed;
});

/** Whether nothing was found. */
async function fuzz({ for: seconds, executions, seed, target }: Options): Promise<boolean> {
  const folder = await mkdtemp(join(tmpdir(), "warren-fuzz-"));
  const box = join(folder, "input");
  const isEndless = seconds === undefined && executions === undefined;
  const options: CampaignOptions = {
    seed,
    target,
    box,
    executions: executions ?? Number.MAX_SAFE_INTEGER,
    seconds: seconds ?? (isEndless ? 60 : Number.MAX_SAFE_INTEGER),
  };
  process.on("SIGINT", () => {}); // the campaign gets it too, and ends in order
  const campaign = watch(options);
  const isWhole = await campaign.ended;
  if (!isWhole) await reportDeath(box, folder);
  else await rm(folder, { recursive: true });
  printScores(campaign.scores);
  console.log(`seed ${seed}: ${campaign.found} findings`);
  return isWhole && campaign.found === 0;
}

interface Watched {
  scores: readonly Score[];
  found: number;
  /** Whether the campaign has ended in order. */
  ended: Promise<boolean>;
}

function watch(options: CampaignOptions): Watched {
  let heardAt = performance.now();
  let printedAt = heardAt;
  let isOver = false;
  const watched: Watched = { scores: [], found: 0, ended: Promise.resolve(false) };
  const child = Bun.spawn([process.execPath, CAMPAIGN, JSON.stringify(options)], {
    stdio: ["ignore", "inherit", "inherit"],
    ipc: (message: Progress) => {
      heardAt = performance.now();
      isOver ||= message.isOver;
      watched.scores = message.scores;
      watched.found += message.findings.length;
      for (const { target, what, input, stack } of message.findings) {
        console.log(`FOUND in ${target}: ${what}\n${stack}\ninput: ${JSON.stringify(input).slice(0, 2_000)}`);
        console.log(`kept in test/fuzz/corpus/${target}.found.jsonl; replay: bun test test/fuzz -t ${target}`);
      }
      if (heardAt - printedAt < (process.stdout.isTTY ? 1_000 : 30_000)) return;
      printedAt = heardAt;
      console.log(`${sum(watched.scores).toLocaleString("en")} executions, ${watched.found} findings`);
    },
  });
  const watchdog = setInterval(() => {
    if (performance.now() - heardAt > STUCK_MS) child.kill("SIGKILL");
  }, 1_000);
  watched.ended = child.exited.then(() => {
    clearInterval(watchdog);
    return isOver;
  });
  return watched;
}

/** What ran when the campaign was stuck, or died without a word, is the finding. */
async function reportDeath(box: string, folder: string): Promise<void> {
  const bytes = await Bun.file(box).bytes();
  const header = new DataView(bytes.buffer, bytes.byteOffset);
  const target = TARGETS[header.getUint32(4)]?.name ?? "";
  const input = bytes.subarray(BOX_HEADER_BYTES, BOX_HEADER_BYTES + header.getUint32(0));
  await Bun.write(join(folder, "finding"), input);
  console.log(`FOUND in ${target}: the process died, or did nothing for ${STUCK_MS / 1_000} s`);
  console.log(
    `input: ${JSON.stringify(Buffer.from(input).toString("latin1")).slice(0, 2_000)} (all of it: ${folder}/finding)`,
  );
}

function printScores(scores: readonly Score[]): void {
  const rows = scores.map((score) => ({
    target: score.target,
    executions: score.executions.toLocaleString("en"),
    "a second": Math.round(score.executions / score.seconds).toLocaleString("en"),
    corpus: score.corpus,
    sights: score.sights,
  }));
  console.table(rows);
  console.log(`${sum(scores).toLocaleString("en")} executions in all`);
}

function sum(scores: readonly Score[]): number {
  return scores.reduce((total, { executions }) => total + executions, 0);
}

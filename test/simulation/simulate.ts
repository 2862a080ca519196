/** `bun run simulate`: runs the simulation over many seeds and says what it has seen. */
import { EXIT, run } from "../../src/cli/program.ts";

await run(async () => {
  const { Command, InvalidArgumentError } = await import("commander");
  const { SimulateRun } = await import("./run.ts");
  const count = (text: string): number => {
    if (/^\d{1,9}$/.test(text)) return Number(text);
    throw new InvalidArgumentError("a whole number was expected");
  };
  const { seed, seeds, peers, messages } = new Command("simulate")
    .description("runs peers on a simulated network under drawn faults, and checks that every promise is kept")
    .option("--seed <n>", "the first seed", count, 1)
    .option("--seeds <k>", "how many seeds, one after another", count)
    .option("--peers <n>", "peers in each", count, 4)
    .option("--messages <n>", "messages in each", count, 60)
    .parse()
    .opts<{ seed: number; seeds?: number; peers: number; messages: number }>();
  // A single named seed is there to be looked at.
  const isReplay = seeds === undefined && process.argv.includes("--seed");
  const simulation = new SimulateRun({ first: seed, count: seeds ?? (isReplay ? 1 : 1_000), peers, messages });
  const isGood = isReplay ? await simulation.replay() : await simulation.runAll();
  return isGood ? EXIT.done : EXIT.failed;
});

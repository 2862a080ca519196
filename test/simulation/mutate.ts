/** `bun test/simulation/mutate.ts [--seeds k]`: breaks the code in each known way and counts the seeds until it is found. */
import { cp, mkdtemp, rm, symlink } from "node:fs/promises";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { Command } from "commander";
import { MUTATIONS, type Mutation } from "./mutations.ts";

const ROOT = join(import.meta.dir, "..", "..");
/** So long a mutant may take for a seed: some of them never come to an end. */
const SEED_WITHIN_MS = 20_000;

const { seeds } = new Command("mutate")
  .option("--seeds <k>", "seeds to try before a mutation counts as not found", Number, 200)
  .parse()
  .opts<{ seeds: number }>();

interface Outcome {
  readonly name: string;
  readonly seeds: number | undefined;
  readonly how: string;
}

const outcomes: Outcome[] = [];
const queue = MUTATIONS.values();
await Promise.all(Array.from({ length: availableParallelism() }, work));
for (const { name, seeds: tried, how } of outcomes.toSorted((a, b) => (a.seeds ?? Infinity) - (b.seeds ?? Infinity))) {
  console.log(
    `${tried === undefined ? "NOT FOUND" : `seed ${tried}`.padEnd(9)}  ${name}${how === "" ? "" : `  (${how})`}`,
  );
}
const missed = outcomes.filter((outcome) => outcome.seeds === undefined).length;
console.log(`${outcomes.length - missed} of ${outcomes.length} mutations found within ${seeds} seeds`);
process.exit(missed === 0 ? 0 : 1);

async function work(): Promise<void> {
  for (const mutation of queue) outcomes.push(await hunt(mutation));
}

/** Runs the simulation on a copy of the sources in which one thing is wrong. */
async function hunt(mutation: Mutation): Promise<Outcome> {
  const folder = await mkdtemp(join(tmpdir(), "warren-mutant-"));
  try {
    await cp(join(ROOT, "src"), join(folder, "src"), { recursive: true });
    await cp(join(ROOT, "package.json"), join(folder, "package.json"));
    await symlink(join(ROOT, "node_modules"), join(folder, "node_modules"));
    await mutate(folder, mutation);
    return { name: mutation.name, ...(await simulateUntilFound(folder)) };
  } finally {
    await rm(folder, { recursive: true });
  }
}

async function mutate(folder: string, { name, file, find, replace }: Mutation): Promise<void> {
  const path = join(folder, file);
  const parts = (await Bun.file(path).text()).split(find);
  if (parts.length !== 2)
    throw new Error(`"${name}" does not fit: its text stands ${parts.length - 1} times in ${file}`);
  await Bun.write(path, parts.join(replace));
}

async function simulateUntilFound(folder: string): Promise<{ seeds: number | undefined; how: string }> {
  const program = `
    const { simulate } = await import(${JSON.stringify(join(folder, "src/testing/simulation.ts"))});
    for (let seed = 1; seed <= ${seeds}; seed++) {
      console.log(seed);
      const { complaints } = await simulate({ seed });
      if (complaints.length > 0) { console.log("found " + complaints[0]); process.exit(0); }
    }`;
  const mutant = Bun.spawn([process.execPath, "-e", program], { cwd: folder, stdout: "pipe", stderr: "ignore" });
  let seed = 0;
  let how = "";
  const kill = (): void => {
    how = "it came to no end";
    mutant.kill("SIGKILL");
  };
  let limit = setTimeout(kill, SEED_WITHIN_MS);
  const decoder = new TextDecoder();
  for await (const chunk of mutant.stdout) {
    for (const line of decoder.decode(chunk).trim().split("\n")) {
      if (line.startsWith("found ")) how = line.slice(6);
      else seed = Number(line);
    }
    clearTimeout(limit);
    limit = setTimeout(kill, SEED_WITHIN_MS);
  }
  clearTimeout(limit);
  const code = await mutant.exited;
  if (how === "" && code !== 0) how = "the process ended";
  return { seeds: how === "" ? undefined : seed, how };
}

/** `bun run bots`: the bots of a folder, without a chat. */
import { EXIT, interruption, resolveHome, run } from "./program.ts";

interface Options {
  registry?: string;
  acceptNewRegistry?: true;
  home?: string;
  set?: string[];
  debug?: true;
  /** Given by the peer that started this process: it ends when its standard input does. */
  child?: true;
  /** Only what is wrong: who is online is seen by other means. */
  quiet?: true;
}

await run(async () => {
  const { Option } = await import("commander");
  const { createProgram, registryOption, setOption, ACCEPT_NEW_REGISTRY, SET } = await import("./options.ts");
  const program = createProgram("bots")
    .description("Runs bots, each a peer of its own. Without files: every *.ts in ./bots.")
    .argument("[file...]", "the bots' files")
    .option("-r, --registry <url|none>", "the registry (default: the one on this machine)", registryOption)
    .option("--accept-new-registry", ACCEPT_NEW_REGISTRY)
    .option("--home <dir>", "where the bots keep their keys and data")
    .option("--set <name.key=value>", SET, setOption)
    .option("--debug", "say more")
    .addOption(new Option("--child").hideHelp())
    .addOption(new Option("--quiet").hideHelp());
  program.parse();
  return await runBots(program.args, program.opts<Options>());
});

/** Resolves to the exit code, when the bots have been told to end or none of them is left. */
async function runBots(given: readonly string[], options: Options): Promise<number> {
  const { resolve } = await import("node:path");
  const { createLog, stderrSink } = await import("../base/log.ts");
  const { systemWorld } = await import("../base/world.ts");
  const { Supervisor } = await import("../bot/supervisor.ts");
  const { workersOf } = await import("../bot/worker-link.ts");
  const { localRegistryUrl } = await import("../registry/url.ts");

  const log = createLog("bots", stderrSink(options.debug ? "debug" : options.quiet ? "warn" : "info"));
  const files = given.length > 0 ? given.map((file) => resolve(file)) : await botsOfThisFolder();
  if (files.length === 0) log.info("there is no bot in ./bots; docs/bots.md shows how to write one");
  const ending = options.child ? endOfInput() : interruption();
  await using supervisor = new Supervisor(
    files,
    {
      home: resolveHome(options.home),
      registry: options.registry ?? localRegistryUrl(),
      acceptNewRegistry: options.acceptNewRegistry === true,
      set: options.set ?? [],
    },
    { spawn: workersOf(new URL("bot-worker.ts", import.meta.url)), world: systemWorld, log },
  );
  const told = new Promise<"told">((end) => ending.addEventListener("abort", () => end("told"), { once: true }));
  const end = await Promise.race([told, supervisor.allEnded()]);
  // A child says that all is well: its parent need not start it again to hear the same.
  return end === "told" || options.child ? EXIT.done : EXIT.failed;
}

async function botsOfThisFolder(): Promise<string[]> {
  const { readdir } = await import("node:fs/promises");
  const { resolve } = await import("node:path");
  const names = await readdir("bots").catch(() => []); // no such folder: no bots
  const files = names.filter((name) => name.endsWith(".ts") && !name.endsWith(".test.ts") && !name.endsWith(".d.ts"));
  return files.sort().map((name) => resolve("bots", name));
}

/** Ctrl-C in the terminal goes to the whole family; the parent decides what it means. */
function endOfInput(): AbortSignal {
  const controller = new AbortController();
  process.on("SIGINT", () => {});
  for (const signal of ["SIGTERM", "SIGHUP"] as const) process.once(signal, () => controller.abort(signal));
  void drain(Bun.stdin.stream()).finally(() => controller.abort());
  return controller.signal;
}

async function drain(stream: ReadableStream<Uint8Array>): Promise<void> {
  try {
    for await (const _ of stream);
  } catch {
    // an input that breaks has ended too
  }
}

/** `bun run bots`: the bots of a folder, without a chat. */
import { existsSync, readdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { EXIT, interruption, resolveHome, run } from "./program.ts";

const DEFAULT_MEMORY_MIB = 512;

interface Options {
  registry?: string;
  acceptNewRegistry?: true;
  registryCa?: string;
  invite?: string;
  home?: string;
  set?: string[];
  record?: string;
  watch: boolean;
  memory?: number;
  debug?: true;
  /** Given by the peer that started this process: it ends when its standard input does. */
  child?: true;
  /** Only what is wrong, and in one line for each reason which bots are off: who is online is seen by other means. */
  quiet?: true;
}

await run(async () => {
  const { Option } = await import("commander");
  const { addRegistryOptions, countOption, createProgram, setOption, RECORD, SET } = await import("./options.ts");
  const program = addRegistryOptions(createProgram("bots"))
    .description("Runs bots, each a peer of its own. Without files: every *.ts in ./bots.")
    .argument("[file...]", "the bots' files")
    .option("--home <dir>", "where the bots keep their keys and data")
    .option("--set <name.key=value>", SET, setOption)
    .option("--record <folder>", RECORD)
    .option("--no-watch", "do not load bots again when their files change")
    .option("--memory <MiB>", `how much the bots may use together (default: ${DEFAULT_MEMORY_MIB})`, countOption)
    .option("--debug", "say more")
    .addOption(new Option("--child").hideHelp())
    .addOption(new Option("--quiet").hideHelp());
  program.parse();
  return await runBots(program.args, program.opts<Options>());
});

/** Resolves to the exit code, when the bots have been told to end or none of them is left. */
async function runBots(given: readonly string[], options: Options): Promise<number> {
  const { createLog, stderrSink } = await import("../base/log.ts");
  const { systemWorld } = await import("../base/world.ts");
  const { configFiles } = await import("../bot/config-file.ts");
  const { Supervisor } = await import("../bot/supervisor.ts");
  const { workersOf } = await import("../bot/worker-link.ts");
  const { localRegistryUrl } = await import("../registry/url.ts");
  const { BotsOff } = await import("./bots-off.ts");
  const { BOTS_FOLDER } = await import("./bots-process.ts");

  const log = createLog("bots", stderrSink(options.debug ? "debug" : options.quiet ? "warn" : "info"));
  const folder = given.length > 0 ? undefined : resolve(BOTS_FOLDER);
  const files = (): string[] => (folder === undefined ? given.map((file) => resolve(file)) : botsOf(folder));
  if (files().length === 0) log.info("there is no bot in ./bots; docs/bots.md shows how to write one");
  const warn = (line: string): void => log.warn(line);
  using unconfigured = new BotsOff(systemWorld.clock, "off until configured: see docs/bots.md", warn);
  using elsewhere = new BotsOff(systemWorld.clock, "not started: they are already online elsewhere", warn);
  const off = { CONFIG_MISSING: unconfigured, NAME_TAKEN: elsewhere };
  const isWatching = options.watch && (folder === undefined || existsSync(folder));
  const ending = options.child ? endOfInput() : interruption();
  const home = resolveHome(options.home);
  await using supervisor = new Supervisor(
    {
      home,
      registry: options.registry ?? localRegistryUrl(),
      ...(options.acceptNewRegistry && { acceptNewRegistry: true }),
      ...(options.registryCa !== undefined && { registryCa: options.registryCa }),
      ...(options.invite !== undefined && { invite: options.invite }),
      set: options.set ?? [],
      record: options.record === undefined ? undefined : resolve(options.record),
    },
    {
      files,
      folder,
      configFiles: configFiles(process.cwd(), home),
      isWatching,
      memoryBytes: (options.memory ?? DEFAULT_MEMORY_MIB) * 2 ** 20,
      spawn: workersOf(new URL("bot-worker.ts", import.meta.url)),
      world: systemWorld,
      log,
      onOff: options.quiet && ((why, name, reason) => off[why].add(name, reason)),
    },
  );
  const told = new Promise<"told">((end) => ending.addEventListener("abort", () => end("told"), { once: true }));
  // Whoever watches stays: a file that cannot be loaded may be mended, and another one may come.
  const end = await (isWatching ? told : Promise.race([told, supervisor.allEnded()]));
  // A child says that all is well: its parent need not start it again to hear the same.
  return end === "told" || options.child ? EXIT.done : EXIT.failed;
}

function botsOf(folder: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter((name) => /(?<!\.test|\.d)\.ts$/.test(name))
    .sort()
    .map((name) => join(folder, name));
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

/** The command line of `bun run registry`. What a command needs is loaded when it runs. */
import { join } from "node:path";
import { DEFAULT_REGISTRY_PORT } from "../registry/url.ts";
import { choiceOption, createProgram, portOption, secondsOption, urlsOption } from "./options.ts";
import { EXIT, resolveHome } from "./program.ts";
import { LOG_FORMS, METRICS_READERS, runRegistry, type LogForm, type MetricsReaders } from "./run-registry.ts";

interface Flags {
  port: number;
  host: string;
  url: string[];
  home?: string;
  metrics: MetricsReaders;
  log: LogForm;
  drain: number;
  debug?: true;
}

/** Runs what `argv` says and resolves to the exit code. */
export async function registryProgram(argv: readonly string[]): Promise<number> {
  const program = createProgram("registry");
  let code: number = EXIT.done;
  program
    .description("Says who is online, where, and what each bot can do.")
    .option("-p, --port <port>", "port to listen on; 0 is any free one", portOption, DEFAULT_REGISTRY_PORT)
    .option("--host <address>", "address to listen on; 0.0.0.0 is every one of this machine", "127.0.0.1")
    .option("--url <url>", "another URL under which peers reach it, as behind a proxy (repeatable)", urlsOption, [])
    .option("--home <dir>", "where its key and names are kept")
    .option("--metrics <who>", "who may read /metrics: loopback or everyone", choiceOption(METRICS_READERS), "loopback")
    .option("--log <form>", "how the log is written, on standard error: text or json", choiceOption(LOG_FORMS), "text")
    .option("--drain <seconds>", "for how long /readyz says that it ends before it does", secondsOption, 0)
    .option("--debug", "say what happens, on standard error")
    .allowExcessArguments(false)
    .action(async () => {
      const { port, host, url: urls, home, metrics: metricsFor, log: logForm, drain, debug } = program.opts<Flags>();
      const folder = join(resolveHome(home), "registry");
      const how = { logForm, drainMs: drain * 1_000, isDebugging: debug === true };
      code = await runRegistry({ port, host, urls, folder, metricsFor, ...how });
    });
  await program.parseAsync(argv);
  return code;
}

/** The command line of `bun run registry`. What a command needs is loaded when it runs. */
import { join } from "node:path";
import { readIdentity } from "../identity/identity.ts";
import { DEFAULT_REGISTRY_PORT, localRegistryUrl } from "../registry/url.ts";
import {
  choiceOption,
  countOption,
  createProgram,
  leaseOption,
  nameOption,
  portOption,
  registryOption,
  secondsOption,
  storeOption,
  urlsOption,
} from "./options.ts";
import { print } from "./output.ts";
import { EXIT, resolveHome } from "./program.ts";
import { LOG_FORMS, METRICS_READERS, runRegistry } from "./run-registry.ts";
import type { LogForm, MetricsReaders, StoreOptions } from "./run-registry.ts";

interface Flags {
  port: number;
  host: string;
  url: string[];
  home?: string;
  key?: string;
  store?: string;
  storeName: string;
  storeReplicas?: number;
  storeLease?: number;
  metrics: MetricsReaders;
  log: LogForm;
  drain: number;
  dialBack: boolean;
  debug?: true;
  registry?: string;
  json?: true;
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
    .option("--key <file>", "its key, where it is not in its home")
    .option("--store <servers>", "share peers and names with other processes: nats://host:4222[,…]", storeOption)
    .option("--store-name <name>", "tells registries apart that use one store", nameOption, "warren")
    .option("--store-replicas <count>", "copies of everything (default: 3 on a cluster, else 1)", countOption)
    .option("--store-lease <seconds>", "how long a process may be silent (default: 20)", leaseOption)
    .option("--metrics <who>", "who may read /metrics: loopback or everyone", choiceOption(METRICS_READERS), "loopback")
    .option("--log <form>", "how the log is written, on standard error: text or json", choiceOption(LOG_FORMS), "text")
    .option("--drain <seconds>", "for how long /readyz says that it ends before it does", secondsOption, 0)
    .option("--no-dial-back", "do not look whether peers can be dialled where they are seen, as behind a proxy")
    .option("-r, --registry <url>", "status: of which registry (default: that of this machine)", registryOption)
    .option("--json", "status: as JSON")
    .option("--debug", "say what happens, on standard error")
    .allowExcessArguments(false)
    .configureHelp({ showGlobalOptions: true })
    .action(async () => {
      const flags = program.opts<Flags>();
      const { port, host, url: urls, metrics: metricsFor, log: logForm, drain, dialBack: dialsBack, debug } = flags;
      const folder = folderOf(flags);
      const identity = flags.key === undefined ? undefined : await readIdentity(flags.key);
      const how = { logForm, drainMs: drain * 1_000, isDebugging: debug === true, dialsBack };
      code = await runRegistry({ port, host, urls, folder, identity, store: storeOf(flags), metricsFor, ...how });
    });
  program
    .command("status")
    .description("who is there, what it counts, and whether it is well")
    .action(async () => {
      const { registryStatus } = await import("./registry-status.ts");
      const { registry = localRegistryUrl(), json } = program.opts<Flags>();
      code = await registryStatus(registry, json === true);
    });
  program
    .command("backup <file>")
    .description("copy its key and its names to one file; also while it runs")
    .action(async (file: string) => {
      const { backUpRegistry } = await import("./registry-backup.ts");
      print(await backUpRegistry(folderOf(program.opts<Flags>()), file));
    });
  program
    .command("restore <file>")
    .description("put a backup in place, while it does not run")
    .option("--force", "replace what is there")
    .action(async (file: string, { force }: { force?: true }) => {
      const { restoreRegistry } = await import("./registry-backup.ts");
      print(await restoreRegistry(folderOf(program.opts<Flags>()), file, force === true));
    });
  await program.parseAsync(argv);
  return code;
}

function folderOf({ home }: Flags): string {
  return join(resolveHome(home), "registry");
}

function storeOf({ store, storeName, storeReplicas, storeLease }: Flags): StoreOptions | undefined {
  if (store === undefined) return undefined;
  const leaseMs = storeLease === undefined ? undefined : storeLease * 1_000;
  return { servers: store, name: storeName, replicas: storeReplicas, leaseMs };
}

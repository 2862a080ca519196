/** The command line of `bun run registry`. What a command needs is loaded when it runs. */
import { join } from "node:path";
import { WarrenError } from "../base/errors.ts";
import type { PeerId } from "../base/ids.ts";
import { readIdentity } from "../identity/identity.ts";
import { durationMs, type Duration } from "../bot/duration.ts";
import { DEFAULT_STORE_NAME } from "../registry/nats-address.ts";
import { DEFAULT_REGISTRY_PORT, localRegistryUrl } from "../registry/url.ts";
import {
  choiceOption,
  countOption,
  createProgram,
  durationOption,
  leaseOption,
  nameOption,
  peerIdOption,
  portOption,
  proxiesOption,
  registryCaOption,
  registryOption,
  secondsOption,
  storeOption,
  urlsOption,
} from "./options.ts";
import { print } from "./output.ts";
import type { DoorPlace } from "./registry-door.ts";
import { EXIT, resolveHome } from "./program.ts";
import { LOG_FORMS, METRICS_READERS, READERS, runRegistry } from "./run-registry.ts";
import type { LogForm, MetricsReaders, Readers, RunRegistryOptions, StoreOptions } from "./run-registry.ts";

interface Flags {
  port: number;
  host: string;
  url?: string[];
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
  tlsCert?: string;
  tlsKey?: string;
  behindProxy?: string[];
  closed?: true;
  readers: Readers;
  debug?: true;
  registry?: string;
  registryCa?: string;
  json?: true;
}

interface InviteFlags {
  uses: number;
  expires: Duration;
  revoke?: string;
}

/** Runs what `argv` says and resolves to the exit code. */
export async function registryProgram(argv: readonly string[]): Promise<number> {
  const program = createProgram("registry");
  let code: number = EXIT.done;
  program
    .description("Says who is online, where, and what each bot can do.")
    .helpCommand("help [command]", "what a command does, and its options")
    .option("-p, --port <port>", "port to listen on; 0 is any free one", portOption, DEFAULT_REGISTRY_PORT)
    .option("--host <address>", "address to listen on; 0.0.0.0 is every one of this machine", "127.0.0.1")
    .option("--url <url>", "another URL under which peers reach it, as behind a proxy (repeatable)", urlsOption)
    .option("--home <dir>", "where its key and names are kept")
    .option("--key <file>", "its key, where it is not in its home")
    .addOption(storeOption())
    .option("--store-name <name>", "tells registries apart that use one store", nameOption, DEFAULT_STORE_NAME)
    .option("--store-replicas <count>", "copies of everything (default: 3 on a cluster, else 1)", countOption)
    .option("--store-lease <seconds>", "how long a process may be silent (default: 20)", leaseOption)
    .option("--metrics <who>", "who may read /metrics: loopback or everyone", choiceOption(METRICS_READERS), "loopback")
    .option("--log <form>", "how the log is written, on standard error: text or json", choiceOption(LOG_FORMS), "text")
    .option("--drain <seconds>", "for how long /readyz says that it ends before it does", secondsOption, 0)
    .option("--no-dial-back", "do not look whether peers can be dialled where they are seen")
    .option("--tls-cert <file>", "serve https and wss with this certificate (PEM, with its chain)")
    .option("--tls-key <file>", "and its private key (PEM)")
    .option("--behind-proxy <address>", "believe this proxy's X-Forwarded-For (repeatable)", proxiesOption)
    .option("--closed", "let new keys in with an invite only; that is kept (open undoes it)")
    .option("--readers <who>", "who may read a closed one: members or everyone", choiceOption(READERS), "members")
    .option("-r, --registry <url>", "status: of which registry (default: that of this machine)", registryOption)
    .addOption(registryCaOption("status: "))
    .option("--json", "as JSON: status, and what is said of invites and keys")
    .option("--debug", "say what happens, on standard error")
    .allowExcessArguments(false)
    .configureHelp({ showGlobalOptions: true })
    .action(async () => {
      const flags = program.opts<Flags>();
      const { port, host, metrics: metricsFor, log: logForm, drain, dialBack: dialsBack, debug } = flags;
      const { url: urls = [], closed: isClosed = false, readers, behindProxy: proxies = [] } = flags;
      const folder = folderOf(flags);
      const identity = flags.key === undefined ? undefined : await readIdentity(flags.key);
      const how = {
        logForm,
        drainMs: drain * 1_000,
        isDebugging: debug === true,
        dialsBack,
        isClosed,
        readers,
        proxies,
        tls: tlsOf(flags),
      };
      code = await runRegistry({ port, host, urls, folder, identity, store: storeOf(flags), metricsFor, ...how });
    });
  program
    .command("status")
    .description("who is there, what it counts, and whether it is well")
    .action(async () => {
      const { registryStatus } = await import("./registry-status.ts");
      const { registry = localRegistryUrl(), registryCa, json } = program.opts<Flags>();
      code = await registryStatus(registry, registryCa, json === true);
    });
  program
    .command("backup <file>")
    .description("copy its key and its names to one file; also while it runs")
    .action(async (file: string) => {
      const { backUpRegistry } = await import("./registry-backup.ts");
      print(await backUpRegistry(diskOf(program.opts<Flags>(), "backup"), file));
    });
  program
    .command("restore <file>")
    .description("put a backup in place, while it does not run")
    .option("--force", "replace what is there")
    .action(async (file: string, { force }: { force?: true }) => {
      const { restoreRegistry } = await import("./registry-backup.ts");
      print(await restoreRegistry(diskOf(program.opts<Flags>(), "restore"), file, force === true));
    });
  addDoorCommands(program);
  await program.parseAsync(argv);
  return code;
}

/** They work while the registry runs, and while it does not. */
function addDoorCommands(program: ReturnType<typeof createProgram>): void {
  const at = async (
    act: (door: typeof import("./registry-door.ts"), place: DoorPlace) => Promise<void>,
  ): Promise<void> => {
    const flags = program.opts<Flags>();
    const identity = flags.key === undefined ? undefined : await readIdentity(flags.key);
    const place = { folder: folderOf(flags), identity, store: storeOf(flags), json: flags.json === true };
    await act(await import("./registry-door.ts"), place);
  };
  program
    .command("invite [label]")
    .description("make an invite, which is shown once")
    .option("--uses <count>", "how many keys it lets in", countOption, 1)
    .option("--expires <duration>", "for how long it is good, as in 12h or 7d", durationOption, "7d")
    .option("--revoke <id>", "take one back instead")
    .action((label: string | undefined, { uses, expires, revoke }: InviteFlags) =>
      at(async (door, place) => {
        if (revoke !== undefined) return await door.revokeInvite(place, revoke);
        await door.makeInvite(place, { label: label ?? "", uses, validMs: durationMs(expires) });
      }),
    );
  program
    .command("invites")
    .description("list the invites that were made")
    .action(() => at((door, place) => door.listInvites(place)));
  program
    .command("close")
    .description("let new keys in with an invite only")
    .action(() => at((door, place) => door.closeDoor(place)));
  program
    .command("open")
    .description("let everybody in, but who is blocked")
    .action(() => at((door, place) => door.openDoor(place)));
  program
    .command("allow")
    .argument("[id]", "a peer's id, as whoami shows it", peerIdOption)
    .description("let a key in without an invite; without an id: who is let in")
    .option("--remove", "take it off the list: it needs an invite from now on")
    .action((id: PeerId | undefined, { remove }: { remove?: true }) =>
      at((door, place) => {
        if (id === undefined) return door.listMembers(place);
        return remove ? door.disallow(place, id) : door.allow(place, id);
      }),
    );
  program
    .command("block")
    .argument("[id]", "a peer's id", peerIdOption)
    .description("send a key away, and show it to nobody; without an id: who is blocked")
    .action((id: PeerId | undefined) =>
      at((door, place) => (id === undefined ? door.listBlocked(place) : door.block(place, id))),
    );
  program
    .command("unblock")
    .argument("<id>", "a peer's id", peerIdOption)
    .description("let it come again")
    .action((id: PeerId) => at((door, place) => door.unblock(place, id)));
}

function folderOf({ home }: Flags): string {
  return join(resolveHome(home), "registry");
}

/** @throws {WarrenError} `USAGE` where its names are in a shared store: a copy of this disk would have none of them */
function diskOf(flags: Flags, command: "backup" | "restore"): string {
  if (flags.store === undefined) return folderOf(flags);
  const streams = `KV_${flags.storeName}-names and KV_${flags.storeName}-door`;
  const way = `use nats stream ${command} for ${streams}, and keep its key yourself`;
  throw new WarrenError("USAGE", `${command} is for a registry on a disk, without --store (or WARREN_STORE): ${way}`);
}

function tlsOf({ tlsCert: certFile, tlsKey: keyFile }: Flags): RunRegistryOptions["tls"] {
  if (certFile !== undefined && keyFile !== undefined) return { certFile, keyFile };
  if (certFile === keyFile) return undefined;
  throw new WarrenError("USAGE", "--tls-cert and --tls-key go together: give both");
}

function storeOf({ store, storeName, storeReplicas, storeLease }: Flags): StoreOptions | undefined {
  if (store === undefined) return undefined;
  const leaseMs = storeLease === undefined ? undefined : storeLease * 1_000;
  return { servers: store, name: storeName, replicas: storeReplicas, leaseMs };
}

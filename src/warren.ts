/** The composition root: an identity, a store, a transport and a registry become a peer. Adds no behaviour. */
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { describeError, WarrenError } from "./base/errors.ts";
import { identityFolder, resolveHome } from "./base/home.ts";
import { parseName, type PeerKind } from "./base/ids.ts";
import { silentLog, type Log } from "./base/log.ts";
import { systemWorld, type World } from "./base/world.ts";
import type { AttachedPlugin } from "./bot/host.ts";
import type { Plugin } from "./bot/plugin.ts";
import { openIdentity } from "./identity/identity.ts";
import { Peer } from "./peer/peer.ts";
import { checkKeep } from "./peer/retention.ts";
import { createTlsTransport } from "./peer/tls.ts";
import { LateClient } from "./registry/late-client.ts";
import { keepInvite } from "./registry/memory.ts";
import { isLoopbackUrl, localRegistryUrl } from "./registry/url.ts";
import { openStore } from "./store/store.ts";

export interface OpenPeerOptions {
  name: string;
  /** Default "person". */
  kind?: PeerKind;
  /** The data folder; default: see `resolveHome`. */
  home?: string;
  /** The address to listen on; default: all interfaces. */
  host?: string;
  /** Default 0: any free port. */
  port?: number;
  /**
   * URL of a registry, or "none"; default: the one on this machine. It need not be there. Of several, with commas between, the
   * first that takes the peer is used, and the next when it is gone.
   */
  registry?: string;
  /**
   * Go on with a registry whose key is another one than last time, and only say so. Default: on this machine alone, where
   * another home's registry may have taken the place of the one before.
   */
  acceptNewRegistry?: boolean;
  /**
   * A file of certificate authorities (PEM), for registries behind https: who must have signed their certificates, instead of
   * whom Bun believes.
   */
  registryCa?: string;
  /** An invite of a closed registry. It is remembered until that registry has let this peer in. */
  invite?: string;
  /**
   * For a peer that is opened for a moment: after how many ms it registers, if the registry knows its name already. Gone
   * by then, it was not seen to come and go. Default 0.
   */
  registerAfterMs?: number;
  /** How large its database may become, as in "500 MiB", or "all". It is remembered. Default: what it was, at first "1 GiB". */
  keepHistory?: string;
  log?: Log;
  world?: World;
}

export interface OpenedPeer extends Peer {
  /**
   * Lets a plugin react to what this peer hears; dispose of the result to end it.
   *
   * @throws {WarrenError} `PLUGIN_INVALID`, `PLUGIN_LOAD_FAILED`, `CONFIG_MISSING`, `CONFIG_INVALID`
   */
  use(plugin: Plugin, options?: { config?: Readonly<Record<string, unknown>> }): Promise<AttachedPlugin>;
}

/**
 * Opens the identity `name` of a home, or makes it, and puts it online.
 *
 * @throws {WarrenError} `BAD_NAME`, `IDENTITY_IN_USE`, `PORT_IN_USE`, `HOST_UNAVAILABLE`, `HOME_UNWRITABLE`, `KEY_CORRUPT`,
 *   `STORE_CORRUPT`, `STORE_NEWER`, `USAGE` (the registry is no URL, `keepHistory` no size), `INVITE_INVALID` (it is none),
 *   `CERTIFICATE_INVALID` (in `registryCa`)
 */
export async function openPeer(options: OpenPeerOptions): Promise<OpenedPeer> {
  const {
    kind = "person",
    home,
    host = "::",
    port = 0,
    registry = localRegistryUrl(),
    log = silentLog,
    world = systemWorld,
  } = options;
  const name = parseName(options.name);
  if (options.keepHistory !== undefined) checkKeep(options.keepHistory);
  const { registryCa } = options;
  const authority = registryCa === undefined ? undefined : await authorityIn(registryCa, registry);
  const folder = identityFolder(resolveHome(home), kind, name);
  await makeFolder(folder);
  const store = openStore(join(folder, "peer.db"), world.clock); // first: its lock says that the folder is ours
  let isOpen = false;
  try {
    const identity = await openIdentity(folder);
    const { acceptNewRegistry: acceptNewKey = isLoopbackUrl, registerAfterMs = 0 } = options;
    const memory = store.settings; // what the client remembers is committed with the peer's own turns
    if (options.invite !== undefined) keepInvite(memory, options.invite);
    const about = { url: registry, identity, memory, acceptNewKey, authority, registerAfterMs, world };
    const directory = registry === "none" ? undefined : new LateClient({ ...about, log: log.named("registry") });
    const info = { id: identity.id, name, kind };
    const transport = createTlsTransport({ identity, clock: world.clock });
    const peer = await Peer.open({ info, store, transport, world, log, host, port });
    isOpen = true;
    if (options.keepHistory !== undefined) await peer.retention.keep(options.keepHistory);
    await peer.setDirectory(directory);
    return Object.assign(peer, {
      // Loaded only where it is used: most peers are no bots, and zod takes its time.
      async use(plugin: Plugin, { config = {} }: { config?: Readonly<Record<string, unknown>> } = {}) {
        const [{ attachPlugin }, { givenInCode, parseConfig }] = await Promise.all([
          import("./bot/host.ts"),
          import("./bot/config.ts"),
        ]);
        return await attachPlugin(plugin, peer, { fetch, config: await parseConfig(plugin, givenInCode(config)) });
      },
    });
  } finally {
    if (!isOpen) store[Symbol.dispose]();
  }
}

async function authorityIn(file: string, registry: string): Promise<string | undefined> {
  const { readAuthority } = await import("./registry/authority.ts"); // nearly nobody needs it
  return await readAuthority(file, registry);
}

async function makeFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
  } catch (error) {
    const message = `${folder} cannot be made (${describeError(error)}): give another folder with --home`;
    throw new WarrenError("HOME_UNWRITABLE", message, { cause: error });
  }
}

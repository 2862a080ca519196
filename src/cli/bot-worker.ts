/** Entry of the worker that one bot lives in: its own peer, with its own key, listener and store. */
import { isWarrenError, WarrenError } from "../base/errors.ts";
import { identityFolder } from "../base/home.ts";
import { formatAddress } from "../base/ids.ts";
import { createLog } from "../base/log.ts";
import { Scope } from "../base/scope.ts";
import { systemClock } from "../base/world.ts";
import type { BotConfig } from "../bot/config.ts";
import { readConfig } from "../bot/config-sources.ts";
import { declare } from "../bot/declaration.ts";
import { attachPlugin, type HostPeer } from "../bot/host.ts";
import { loadPlugin } from "../bot/load.ts";
import type { Fetch } from "../bot/network.ts";
import { describeWithPlace } from "../bot/place.ts";
import type { Plugin } from "../bot/plugin.ts";
import type { BotStart, FromWorker, ToWorker } from "../bot/worker-link.ts";
import type { Peer } from "../peer/peer.ts";
import { isLoopbackUrl } from "../registry/url.ts";
import { openPeer, type OpenPeerOptions } from "../warren.ts";
import { serveControl } from "./control.ts";
import { careOf } from "./reach-bot.ts";
import { registryWord } from "./registry-word.ts";

declare const self: Worker;

interface Loaded {
  readonly plugin: Plugin;
  readonly start: BotStart;
}

/** A registry that says nothing for so long is not waited for. */
const ANSWER_WITHIN_MS = 3_000;

let conceal = (text: string): string => text; // covers the secrets of the bot, once they are known
const scope = new Scope(); // what is closed when the supervisor says stop
let loaded: Loaded | undefined;
let isComingBack = false;

process.on("uncaughtException", crash);
process.on("unhandledRejection", crash);

self.addEventListener("message", ({ data }: MessageEvent<ToWorker>) => {
  switch (data.t) {
    case "ping":
      return post({ t: "pong", heapBytes: process.memoryUsage().heapUsed });
    case "load":
      return void load(data.bot).catch(fail);
    case "declare":
      return void rehearse().catch(fail);
    case "open":
      return void open(data.port).catch(fail);
    case "stop":
      isComingBack = data.isComingBack;
      return void stop().catch(crash);
  }
});

async function load(start: BotStart): Promise<void> {
  const plugin = await loadPlugin(start.file);
  loaded = { plugin, start };
  post({ t: "loaded", name: plugin.name });
}

async function rehearse(): Promise<void> {
  if (loaded) await declare(loaded.plugin, await configOf(loaded, () => {}));
  post({ t: "declared" });
}

async function open(port: number): Promise<void> {
  if (!loaded) return;
  const { plugin, start } = loaded;
  const { home, registry, acceptNewRegistry, registryCa, invite } = start;
  const log = createLog(plugin.name, (level, source, text) => post({ t: "log", level, source, text }));
  const config = await configOf(loaded, (text) => log.warn(text));
  const accepts = acceptNewRegistry ?? registry.split(",").every(isLoopbackUrl);
  const about = {
    name: plugin.name,
    kind: "bot" as const,
    home,
    registry,
    log,
    ...(registryCa !== undefined && { registryCa }),
    ...(invite !== undefined && { invite }),
  };
  const peer = await openAt(port, acceptNewRegistry === undefined ? about : { ...about, acceptNewRegistry });
  scope.defer(() => peer.close({ isComingBack }));
  const refusal = nameRefused(peer, accepts);
  const refused = await Promise.race([refusal, registryWord(peer.directory, systemClock, ANSWER_WITHIN_MS)]);
  if (refused) throw await whereItIs(peer, refused); // before it has answered anybody under that name
  const on = start.record === undefined ? { peer, fetch } : await recorded(peer, start.record, config);
  scope.use(await attachPlugin(plugin, on.peer, { config, fetch: on.fetch, describe: describeWithPlace }));
  scope.use(serveControl(identityFolder(home, "bot", peer.name), careOf(peer)));
  post({ t: "ready", id: peer.id, name: peer.name, port: peer.port });
  throw await whereItIs(peer, await refusal); // a registry that comes later may know of another, too
}

async function recorded(peer: Peer, folder: string, config: BotConfig): Promise<{ peer: HostPeer; fetch: Fetch }> {
  const { recordBot } = await import("./record-bot.ts"); // few bots are recorded, and each worker would load it
  return recordBot(peer, { folder, config, scope, conceal });
}

async function configOf({ plugin, start }: Loaded, warn: (text: string) => void): Promise<BotConfig> {
  const { home, set = [] } = start;
  const config = await readConfig(plugin, { folder: process.cwd(), home, environment: process.env, set, warn });
  conceal = (text) => config.conceal(text);
  return config;
}

/** Where it was before, others look for it first; when that is in use by now, anywhere. */
async function openAt(port: number, options: OpenPeerOptions): Promise<Peer> {
  try {
    return await openPeer({ ...options, port });
  } catch (error) {
    if (port === 0 || !isWarrenError(error, "PORT_IN_USE")) throw error;
    return await openPeer({ ...options, port: 0 });
  }
}

/** Resolves with the registry's word that another key has the name. Other notices go to the log. */
function nameRefused(peer: Peer, acceptsNewRegistry: boolean): Promise<WarrenError> {
  return new Promise((resolve) => {
    peer.on("notice", (notice) => {
      if (notice.code === "NAME_TAKEN") resolve(notice);
      else if (notice.code === "REGISTRY_CHANGED" && acceptsNewRegistry) peer.log.info(notice.message);
      else if (notice.code === "NOT_REACHABLE")
        peer.log.info(notice.message); // a person beside it is told that once
      else peer.log.warn(notice.message);
    });
  });
}

async function whereItIs(peer: Peer, notice: WarrenError): Promise<WarrenError> {
  const known = await peer.find({ name: peer.name });
  const holder = known.find((entry) => entry.online && entry.id !== peer.id);
  const address = holder?.addresses[0];
  if (!address) return notice;
  return new WarrenError("NAME_TAKEN", `${peer.name} is already online at ${formatAddress(address)}`, {
    cause: notice,
  });
}

async function stop(): Promise<void> {
  await scope.close();
  post({ t: "stopped" });
}

/** It cannot run; once the reason is told, the supervisor ends this worker. */
async function fail(error: unknown): Promise<void> {
  try {
    await scope.close();
  } catch {
    // what went wrong first is what is told
  }
  post({ t: "failed", code: isWarrenError(error) ? error.code : "BOT_CRASHED", message: describeWithPlace(error) });
}

/** An error that nobody caught may have left anything half done: a new worker is the way back to a known state. */
function crash(error: unknown): void {
  post({ t: "crashed", message: describeWithPlace(error) });
  process.exit(1);
}

function post(message: FromWorker): void {
  const covered =
    message.t === "log"
      ? { ...message, text: conceal(message.text) }
      : "message" in message
        ? { ...message, message: conceal(message.message) }
        : message;
  self.postMessage(covered);
}

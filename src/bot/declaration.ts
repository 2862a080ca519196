/** Declaration: whether a plugin's setup goes through, found out without a peer. */
import { isPeerId, type PeerInfo } from "../base/ids.ts";
import { silentLog } from "../base/log.ts";
import { systemWorld } from "../base/world.ts";
import type { Table } from "../peer/tables.ts";
import type { BotConfig } from "./config.ts";
import { attachPlugin, type HostPeer } from "./host.ts";
import type { Plugin } from "./plugin.ts";

const NOBODY = "a".repeat(52);

/**
 * Runs `setup` as far as it goes with a bot that is nowhere. What it would need a real one for (to read its store, to send)
 * ends the look: all before that is fine. What setup has opened stays open; it ends with the worker that this is called in.
 *
 * @throws {WarrenError} `PLUGIN_INVALID`, `PLUGIN_LOAD_FAILED`
 */
export async function declare(plugin: Plugin, config?: BotConfig): Promise<void> {
  const needed = Promise.withResolvers<"needed">();
  const state = { isNeeded: false };
  const need = (): void => {
    state.isNeeded = true;
    needed.resolve("needed");
  };
  try {
    const options = { fetch: () => (need(), new Promise<never>(() => {})), ...(config && { config }) };
    await Promise.race([attachPlugin(plugin, inertPeer(plugin.name, need), options), needed.promise]);
  } catch (error) {
    if (!state.isNeeded && !isHeldByTheOther(error)) throw error;
  }
}

/** A port that setup opens is still in use: by the bot that is to be replaced. */
function isHeldByTheOther(error: unknown): boolean {
  const cause = error instanceof Error ? error.cause : undefined;
  return cause instanceof Error && "code" in cause && cause.code === "EADDRINUSE";
}

function inertPeer(name: string, need: () => void): HostPeer {
  const never = <Result>(): Promise<Result> => {
    need();
    return new Promise(() => {});
  };
  const now = (): never => {
    need();
    throw new Error("there is no peer yet");
  };
  const table = { get: now, has: now, keys: now, entries: now, set: never, update: never, delete: never };
  return {
    info: self(name),
    world: systemWorld,
    log: silentLog,
    directory: undefined,
    on: () => () => {},
    send: never,
    find: never,
    resolve: never,
    effect: never,
    tasks: { perform: never, forget: now },
    table: <Value>(): Table<Value> => table,
    calls: { ask: never },
    traces: { keep: () => {} },
    setCard: () => {},
  };
}

function self(name: string): PeerInfo {
  if (!isPeerId(NOBODY)) throw new Error("no id");
  return { id: NOBODY, name, kind: "bot" };
}

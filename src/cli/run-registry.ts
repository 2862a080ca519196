/** A registry that runs until it is told to end. */
import { describeError, isWarrenError } from "../base/errors.ts";
import { createLog, jsonSink, stderrSink, type Log } from "../base/log.ts";
import { sleep, systemClock } from "../base/world.ts";
import type { NatsOptions } from "../registry/nats.ts";
import type { RegistryOptions } from "../registry/server.ts";
import type { StoreOpener } from "../registry/store.ts";
import { urlsOfMachine } from "../registry/url.ts";
import { print } from "./output.ts";
import { EXIT, interruption } from "./program.ts";

export const LOG_FORMS = ["text", "json"] as const;
export type LogForm = (typeof LOG_FORMS)[number];
export const METRICS_READERS = ["loopback", "everyone"] as const;
export type MetricsReaders = (typeof METRICS_READERS)[number];

export const READERS = ["members", "everyone"] as const;
export type Readers = (typeof READERS)[number];

export type StoreOptions = Omit<NatsOptions, "onReady">;

export interface RunRegistryOptions extends Omit<RegistryOptions, "log" | "openStore"> {
  /** Where it keeps peers and names, if not in its folder. */
  readonly store: StoreOptions | undefined;
  readonly host: string;
  readonly logForm: LogForm;
  readonly isDebugging: boolean;
  /** For how long it says that it will end before it does. */
  readonly drainMs: number;
}

/** Resolves to the exit code when it has ended. @throws {WarrenError} what `startRegistry` throws, where the log is text */
export async function runRegistry(options: RunRegistryOptions): Promise<number> {
  const { logForm, isDebugging, drainMs, host } = options;
  const ended = interruption();
  const isJson = logForm === "json";
  const log = isJson
    ? createLog("registry", jsonSink(isDebugging ? "debug" : "info", systemClock))
    : createLog("registry", stderrSink(isDebugging ? "debug" : "warn"));
  const { startRegistry } = await import("../registry/server.ts");
  try {
    const say = isJson ? (line: string) => log.info(line) : print;
    const openStore = options.store && (await openerOf(options.store, say));
    await using registry = await startRegistry({ ...options, openStore, log });
    say(`registry ready at ${registry.url}`);
    const [elsewhere] = urlsOfMachine(host, registry.port, options.tls ? "https:" : "http:");
    if (elsewhere) say(`on other machines: bun run peer -r ${elsewhere}`);
    if (registry.isClosed)
      say(`closed: new keys need an invite (bun run registry${openStore ? " --store …" : ""} invite)`);
    await untilAborted(ended);
    registry.drain();
    if (drainMs > 0) log.info(`ending in ${drainMs} ms`);
    await sleep(systemClock, drainMs);
  } catch (error) {
    if (!isJson) throw error;
    return tell(log, error); // whoever reads the log as JSON must find this in it, too
  }
  log.info("ended");
  return EXIT.done;
}

async function openerOf(store: StoreOptions, say: (line: string) => void): Promise<StoreOpener> {
  const { natsStore } = await import("../registry/nats.ts"); // 60 ms that a registry with its own disk does not need
  return natsStore({ ...store, onReady: (text) => say(`store ready: ${text}`) });
}

function tell(log: Log, error: unknown): number {
  log.error(isWarrenError(error) ? `${error.code}: ${error.message}` : `unexpected: ${describeError(error)}`);
  return EXIT.failed;
}

async function untilAborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
}

/** The registry of this machine, run by the first peer of a home where there is none. */
import { describeError, isWarrenError } from "../base/errors.ts";
import { isPeerId } from "../base/ids.ts";
import type { Log } from "../base/log.ts";
import type { Registry } from "../registry/server.ts";
import { localRegistryUrl } from "../registry/url.ts";

const PROBE_LIMIT_MS = 1_000; // it is on this machine: whoever needs longer is no registry

export interface LocalRegistryOptions {
  readonly folder: string;
  readonly port: number;
  readonly log: Log;
  /** Called when the registry runs in this process from now on. */
  readonly onStart: () => void;
}

/** Runs the registry in this process, unless one is there already. */
export class LocalRegistry implements AsyncDisposable {
  readonly #options: LocalRegistryOptions;
  #own: Registry | undefined;
  #hasComplained = false;

  constructor(options: LocalRegistryOptions) {
    this.#options = options;
  }

  get isOwn(): boolean {
    return this.#own !== undefined;
  }

  /** Resolves to whether a registry answers, ours or another's. */
  async ensure(): Promise<boolean> {
    const { folder, port, log, onStart } = this.#options;
    const url = localRegistryUrl(port);
    if (this.#own || (await isRegistry(url))) return true;
    try {
      const { startRegistry } = await import("../registry/server.ts"); // most peers find a registry and never need it
      this.#own = await startRegistry({ folder, port, log });
    } catch (error) {
      if (await isRegistry(url)) return true; // another home's peer was faster
      this.#complain(error);
      return false;
    }
    onStart();
    return true;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#own?.[Symbol.asyncDispose]();
  }

  /** Once: it is tried again every second. */
  #complain(error: unknown): void {
    if (this.#hasComplained) return;
    this.#hasComplained = true;
    const { port, log } = this.#options;
    const isOccupied = isWarrenError(error, "PORT_IN_USE");
    const why = isOccupied ? `port ${port} is used by something that is no registry` : describeError(error);
    log.warn(`none on this machine: ${why}. Going on without; WARREN_REGISTRY_PORT moves it to another port`);
  }
}

async function isRegistry(url: string): Promise<boolean> {
  try {
    const response = await fetch(`${url}/v1/registry`, {
      signal: AbortSignal.timeout(PROBE_LIMIT_MS),
      redirect: "error",
    });
    const about: unknown = await response.json();
    return typeof about === "object" && about !== null && "registry" in about && isPeerId(String(about.registry));
  } catch {
    return false; // nothing there, or something that does not speak like one
  }
}

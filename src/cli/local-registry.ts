/** The registry of this machine: where it is expected, and how the first peer of a home runs it. */
import { describeError, isWarrenError, WarrenError } from "../base/errors.ts";
import { isPeerId } from "../base/ids.ts";
import type { Log } from "../base/log.ts";
import { DEFAULT_REGISTRY_PORT } from "../registry/url.ts";
import type { Registry } from "../registry/server.ts";

const PROBE_LIMIT_MS = 1_000; // it is on this machine: whoever needs longer is no registry

/** WARREN_REGISTRY_PORT moves the registry of this machine, and where its peers look for it, to another port. */
export function localRegistryPort(environment: Readonly<Record<string, string | undefined>> = process.env): number {
  const text = environment["WARREN_REGISTRY_PORT"];
  if (!text) return DEFAULT_REGISTRY_PORT;
  const port = Number(text);
  if (Number.isSafeInteger(port) && port >= 1 && port <= 65_535) return port;
  throw new WarrenError("USAGE", `WARREN_REGISTRY_PORT is "${text.slice(0, 20)}": a port from 1 to 65535 was expected`);
}

export function localRegistryUrl(port = localRegistryPort()): string {
  return `http://127.0.0.1:${port}`;
}

/** Runs the registry in this process, unless one is there already. */
export class LocalRegistry implements AsyncDisposable {
  readonly #folder: string;
  readonly #port: number;
  readonly #log: Log;
  readonly #notice: (text: string) => void;
  #own: Registry | undefined;
  #hasComplained = false;

  /** `notice` is told, once, why there is none. */
  constructor(options: { folder: string; port: number; log: Log; notice: (text: string) => void }) {
    this.#folder = options.folder;
    this.#port = options.port;
    this.#log = options.log;
    this.#notice = options.notice;
  }

  get isOwn(): boolean {
    return this.#own !== undefined;
  }

  /** Resolves to whether a registry answers, ours or another's. */
  async ensure(): Promise<boolean> {
    if (this.#own || (await isRegistry(localRegistryUrl(this.#port)))) return true;
    try {
      const { startRegistry } = await import("../registry/server.ts"); // most peers find a registry and never need it
      this.#own = await startRegistry({ folder: this.#folder, port: this.#port, log: this.#log });
      return true;
    } catch (error) {
      this.#complain(error);
      return false;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#own?.[Symbol.asyncDispose]();
  }

  #complain(error: unknown): void {
    if (this.#hasComplained) return;
    this.#hasComplained = true;
    const isOccupied = isWarrenError(error, "PORT_IN_USE");
    const why = isOccupied ? `port ${this.#port} is used by something that is no registry` : describeError(error);
    this.#notice(`no registry on this machine: ${why}; going on without it (peers you know are still reached)`);
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

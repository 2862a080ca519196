/** Where a registry is: what people type, and by which origins a registry knows itself. */
import { hostname, networkInterfaces } from "node:os";
import { WarrenError } from "../base/errors.ts";

export const DEFAULT_REGISTRY_PORT = 9_277;
const MAX_REGISTRIES = 8;

/** WARREN_REGISTRY_PORT moves the registry of this machine, and where its peers look for it. @throws {WarrenError} `USAGE` */
export function localRegistryPort(environment: Readonly<Record<string, string | undefined>> = process.env): number {
  const text = environment["WARREN_REGISTRY_PORT"];
  if (!text) return DEFAULT_REGISTRY_PORT;
  const port = Number(text);
  if (Number.isSafeInteger(port) && port >= 1 && port <= 65_535) return port;
  throw new WarrenError("USAGE", `WARREN_REGISTRY_PORT is "${text.slice(0, 20)}": a port from 1 to 65535 was expected`);
}

/** Where the registry of this machine is, if it runs. */
export function localRegistryUrl(port = localRegistryPort()): string {
  return `http://127.0.0.1:${port}`;
}

/**
 * The origin meant by a URL, `host:port` or a bare host (then with the usual port).
 *
 * @throws {WarrenError} `USAGE`
 */
export function parseRegistryUrl(text: string): string {
  const isUrl = /^https?:\/\//i.test(text);
  const url = URL.canParse(isUrl ? text : `http://${text}`) ? new URL(isUrl ? text : `http://${text}`) : undefined;
  if (!url || url.hostname === "" || url.username !== "" || url.pathname !== "/" || url.search !== "") {
    throw new WarrenError(
      "USAGE",
      `"${text.slice(0, 80)}" is not a registry: give http://host:${DEFAULT_REGISTRY_PORT}`,
    );
  }
  if (!isUrl && !/:\d+\/?$/.test(text)) url.port = String(DEFAULT_REGISTRY_PORT);
  return url.origin;
}

/**
 * Several of them, with commas between: the first one goes first. "none" is for the caller to see to.
 *
 * @throws {WarrenError} `USAGE`
 */
export function parseRegistryUrls(text: string): string[] {
  const urls = [...new Set(text.split(",").map((part) => parseRegistryUrl(part.trim())))];
  if (urls.length <= MAX_REGISTRIES) return urls;
  throw new WarrenError("USAGE", `${urls.length} registries were given: at most ${MAX_REGISTRIES} are tried in turn`);
}

/**
 * Whether a registry that listens on `port`, with or without TLS, is known as `origin`: under an address or a name of its own machine, or
 * under what its operator said (`declared`). The Host header is no proof: whoever passes a login on writes it.
 */
export function isOwnOrigin(
  origin: string,
  port: number,
  declared: readonly string[],
  protocol = "http:",
  hosts: () => ReadonlySet<string> = ownHosts,
): boolean {
  if (declared.includes(origin)) return true;
  const url = URL.canParse(origin) ? new URL(origin) : undefined;
  const usual = protocol === "https:" ? 443 : 80;
  if (url?.origin !== origin || url.protocol !== protocol || Number(url.port || usual) !== port) return false;
  const host = url.hostname.replace(/^\[|\]$/g, "");
  return isLoopbackAddress(host) || hosts().has(host);
}

/** Whether a registry's URL can only mean this machine. */
export function isLoopbackUrl(text: string): boolean {
  const origin = URL.canParse(text) ? text : `http://${text}`;
  if (!URL.canParse(origin)) return false;
  const host = new URL(origin).hostname;
  return host === "localhost" || host === "[::1]" || isLoopbackAddress(host);
}

/** An address as a socket says it, or as it stands in a URL. */
export function isLoopbackAddress(host: string): boolean {
  return /^127(\.\d+){3}$/.test(host) || host === "::1";
}

/** Where other machines find a registry that listens on every address of this one; nothing for any other `host`. */
export function urlsOfMachine(host: string, port: number, protocol = "http:"): string[] {
  if (host !== "0.0.0.0" && host !== "::") return [];
  const all = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
  return all
    .filter(({ internal, family }) => !internal && family === "IPv4")
    .map(({ address }) => `${protocol}//${address}:${port}`);
}

/** The addresses and the names of this machine as they are now. To ask costs 0.2 ms. */
export function ownHosts(): Set<string> {
  const name = hostname().toLowerCase();
  const hosts = new Set(["localhost", "::1", "0.0.0.0", name, `${name}.local`]);
  for (const addresses of Object.values(networkInterfaces())) {
    for (const { address } of addresses ?? []) hosts.add(address);
  }
  return hosts;
}

/** NATS address: the servers of a shared store, as a command line gives them. */
import { WarrenError } from "../base/errors.ts";

/** Tells the registries apart that use one store. */
export const DEFAULT_STORE_NAME = "warren";

export interface NatsAddress {
  /** `host:port` each. */
  readonly servers: readonly string[];
  readonly usesTls: boolean;
  readonly user?: string;
  readonly pass?: string;
  readonly token?: string;
}

/** @throws {WarrenError} `USAGE` */
export function parseNatsServers(text: string): NatsAddress {
  const urls = text.split(",").map((part) => {
    const url = URL.parse(part.includes("://") ? part.trim() : `nats://${part.trim()}`);
    if (!url || !["nats:", "tls:"].includes(url.protocol) || url.hostname === "" || !["", "/"].includes(url.pathname)) {
      throw new WarrenError("USAGE", "a store is nats://host:4222, several with commas between, or tls:// for TLS");
    }
    return url;
  });
  const known = urls.find(({ username }) => username !== "");
  const user = decodeURIComponent(known?.username ?? "");
  const pass = decodeURIComponent(known?.password ?? "");
  const secrets = pass !== "" ? { user, pass } : user !== "" ? { token: user } : {};
  const servers = urls.map(({ hostname, port }) => `${hostname}:${port || "4222"}`);
  return { servers, usesTls: urls.some(({ protocol }) => protocol === "tls:"), ...secrets };
}

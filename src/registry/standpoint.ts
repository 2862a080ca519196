/** Standpoint: where a registry sees its peer, and whether it can be dialled there. What it says is a hint and no more. */
import { WarrenError } from "../base/errors.ts";
import { formatAddress, type Address } from "../base/ids.ts";
import { reachOf } from "../base/reach.ts";
import type { Reachability } from "./frames.ts";

export class Standpoint {
  #host: string | undefined; // where we are seen
  #port: number | undefined; // that was tried there
  #reachable: Reachability = "unknown";

  get reachable(): Reachability {
    return this.#reachable;
  }

  /** Where the peer answers, as far as the registry could find out. */
  get address(): Address | undefined {
    if (this.#reachable !== "yes" || this.#host === undefined || this.#port === undefined) return undefined;
    return { host: this.#host, port: this.#port };
  }

  /** The registry has told where it sees the peer. What it had found out holds as long as that is the same. */
  seenAt(text: string): void {
    const isPlace = ["world", "site"].includes(reachOf(text)); // it may say anything; of our own machine it is no news
    const host = isPlace ? text : undefined;
    if (host !== this.#host) this.#reachable = "unknown";
    this.#host = host;
  }

  /** The registry has dialled back. Returns what a person should read, if it has not been told. */
  found({ reachable, port }: { reachable: Reachability; port: number }): WarrenError | undefined {
    if (this.#host === undefined) return undefined; // it did not say where
    const isNews = reachable === "no" && (this.#reachable !== "no" || this.#port !== port);
    if (reachable !== "unknown") [this.#reachable, this.#port] = [reachable, port];
    return isNews ? unreachable({ host: this.#host, port }) : undefined;
  }
}

function unreachable(address: Address): WarrenError {
  const { port } = address;
  const way = `let port ${port} through your firewall or router, and keep it with --port ${port}; you still reach them`;
  return new WarrenError("NOT_REACHABLE", `others cannot dial you at ${formatAddress(address)}: ${way}`);
}

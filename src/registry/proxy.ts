/** Proxy: whose address counts where a proxy stands in front. What a stranger says of itself there is believed of nobody else. */
import { WarrenError } from "../base/errors.ts";
import { plainAddress } from "../base/rate.ts";

const IP_ADDRESS = /^(?:\d{1,3}(?:\.\d{1,3}){3}|[\da-f:]*:[\da-f:.]*)$/i;

/**
 * The address of whoever asks. A proxy adds whom it saw to the end of `X-Forwarded-For`; everything before that may be made
 * up, so it is read from the end, as far as it names proxies that are trusted.
 */
export function callerAddress(socket: string, forwarded: string | null, proxies: ReadonlySet<string>): string {
  let caller = plainAddress(socket);
  const hops = forwarded?.split(",") ?? [];
  while (proxies.has(caller)) {
    const hop = bare(hops.pop() ?? "");
    if (!IP_ADDRESS.test(hop)) break; // it did not say: then it is the proxy's own
    caller = hop;
  }
  return caller;
}

/** Addresses of proxies, with commas between. @throws {WarrenError} `USAGE` */
export function parseProxies(text: string): string[] {
  const addresses = text.split(",").map(bare);
  const bad = addresses.find((address) => !IP_ADDRESS.test(address));
  if (bad === undefined) return addresses;
  throw new WarrenError("USAGE", `"${bad.slice(0, 60)}" is no IP address: give the proxy's, as in 127.0.0.1`);
}

/** Some proxies write a port behind it, and brackets around an IPv6 one. */
function bare(text: string): string {
  const trimmed = text.trim();
  const [, inBrackets] = /^\[([^\]]*)\](?::\d+)?$/.exec(trimmed) ?? [];
  return plainAddress(inBrackets ?? trimmed.replace(/^(\d+(?:\.\d+){3}):\d+$/, "$1"));
}

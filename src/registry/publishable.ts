/** Publishable: of the addresses that a peer listens at, those that are of use to whoever reads its record. */
import { formatAddress, type Address } from "../base/ids.ts";
import { reachOf } from "../base/reach.ts";
import { MAX_ADDRESSES } from "./record.ts";

export interface Place {
  /** Whether the registry is on this machine, and so perhaps all of its readers. */
  readonly isRegistryHere: boolean;
  /** Where the registry sees the peer, and has found that it answers. */
  readonly seen?: Address | undefined;
}

export const HERE: Place = { isRegistryHere: true };

/**
 * Those that nobody can dial, or only on the same wire, are left out; loopback too, where readers are on other machines and
 * there is something better. Where the peer is seen to answer comes last: whoever is nearer has a better way.
 */
export function publishable(addresses: readonly Address[], { isRegistryHere, seen }: Place): Address[] {
  const usable = addresses.filter(({ host, port }) => port > 0 && !["nowhere", "link"].includes(reachOf(host)));
  const remote = usable.filter(({ host }) => reachOf(host) !== "machine");
  const own = isRegistryHere || (remote.length === 0 && !seen) ? usable : remote;
  const isKnown = seen === undefined || own.some((one) => formatAddress(one) === formatAddress(seen));
  return isKnown ? own.slice(0, MAX_ADDRESSES) : [...own.slice(0, MAX_ADDRESSES - 1), seen];
}

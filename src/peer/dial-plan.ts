/** Dial plan: which of a peer's addresses are dialled, and in which order. What a record says is a wish, and may be malice. */
import { networkInterfaces, type NetworkInterfaceInfo } from "node:os";
import type { Address } from "../base/ids.ts";
import { ownerOf, plainAddress } from "../base/rate.ts";
import { isIPv6, reachOf } from "../base/reach.ts";

/** Of one host (IPv6: of one /64): a record cannot turn its readers against somebody else's machine. */
export const MAX_DIALS_PER_HOST = 3;

export type Interfaces = Readonly<Record<string, readonly NetworkInterfaceInfo[] | undefined>>;

/**
 * Those on a network of this machine first; then the others, IPv6 and IPv4 in turn (RFC 8305 §4), IPv6 first where this
 * machine has it; last those that can only mean the machine or the wire of whoever reads them. Within each group the peer's
 * own order holds. Addresses that nobody can dial are left out.
 */
export function dialPlan(
  addresses: readonly Address[],
  { interfaces = networkInterfaces() }: { interfaces?: Interfaces } = {},
): Address[] {
  const own = Object.values(interfaces).flatMap((list) => list ?? []);
  const {
    near = [],
    far = [],
    here = [],
  } = Object.groupBy(withoutCrowds(addresses), ({ host }) => {
    const reach = reachOf(host);
    if (reach === "machine" || reach === "link") return "here";
    return reach !== "name" && own.some((one) => !one.internal && sharesNetwork(one, host)) ? "near" : "far";
  });
  const { six = [], four = [] } = Object.groupBy(far, ({ host }) => (isIPv6(host) ? "six" : "four"));
  const hasIPv6 = own.some(({ address, family }) => family === "IPv6" && reachOf(address) === "world");
  return [...near, ...(hasIPv6 ? inTurn(six, four) : inTurn(four, six)), ...here];
}

function withoutCrowds(addresses: readonly Address[]): Address[] {
  const counts = new Map<string, number>();
  return addresses.filter(({ host }) => {
    if (reachOf(host) === "nowhere") return false;
    const owner = ownerOf(plainAddress(host.toLowerCase()));
    const count = (counts.get(owner) ?? 0) + 1;
    counts.set(owner, count);
    return count <= MAX_DIALS_PER_HOST;
  });
}

function sharesNetwork({ address, netmask, family }: NetworkInterfaceInfo, host: string): boolean {
  if (isIPv6(host) !== (family === "IPv6")) return false;
  if (isIPv6(host)) return ownerOf(host.toLowerCase()) === ownerOf(address);
  const mask = bitsOf(netmask);
  return (bitsOf(address) & mask) === (bitsOf(host) & mask);
}

function bitsOf(address: string): number {
  return address.split(".").reduce((bits, byte) => (bits << 8) | Number(byte), 0);
}

function inTurn<Item>(first: readonly Item[], second: readonly Item[]): Item[] {
  const length = Math.max(first.length, second.length);
  return Array.from({ length }, (_, i) => [...first.slice(i, i + 1), ...second.slice(i, i + 1)]).flat();
}

/** Reach: from how far an IP address can be dialled. What is no IP address is a name, and a name can mean anything. */
import { plainAddress } from "./rate.ts";

/**
 * `nowhere`: it is no place to dial (unspecified, multicast, reserved). `machine`: loopback. `link`: of one wire, and only
 * with the right interface. `site`: of a private network, a carrier's too. `world`: of the internet.
 */
export type Reach = "nowhere" | "machine" | "link" | "site" | "world" | "name";

export function reachOf(host: string): Reach {
  const plain = plainAddress(host.replace(/%.*$/, ""));
  if (plain === "localhost") return "machine";
  const bytes = bytesOfIPv4(plain);
  if (bytes) return reachOfIPv4(bytes);
  const groups = groupsOfIPv6(plain);
  return groups ? reachOfIPv6(groups) : "name";
}

export function isIPv6(host: string): boolean {
  return host.includes(":");
}

function reachOfIPv4([a = 0, b = 0]: readonly number[]): Reach {
  if (a === 0 || a >= 224) return "nowhere";
  if (a === 127) return "machine";
  if (a === 169 && b === 254) return "link";
  const isPrivate = a === 10 || (a === 172 && b >> 4 === 1) || (a === 192 && b === 168);
  return isPrivate || (a === 100 && b >> 6 === 1) ? "site" : "world";
}

function reachOfIPv6(groups: readonly number[]): Reach {
  const [first = 0] = groups;
  const [high = 0, low = 0] = groups.slice(6);
  const isLow = groups.slice(0, 5).every((group) => group === 0);
  if (isLow && groups[5] === 0xffff) return reachOfIPv4([high >> 8, high & 255]); // an IPv4 address in other clothes
  if (isLow && groups[5] === 0 && high === 0) return low === 1 ? "machine" : "nowhere";
  if (first >> 8 === 0xff) return "nowhere";
  if (first >> 6 === 0xfe80 >> 6) return "link";
  return first >> 9 === 0xfc00 >> 9 ? "site" : "world";
}

function bytesOfIPv4(text: string): number[] | undefined {
  const bytes = /^\d{1,3}(?:\.\d{1,3}){3}$/.test(text) ? text.split(".").map(Number) : undefined;
  return bytes?.every((byte) => byte <= 255) ? bytes : undefined;
}

/** Its eight groups; undefined where it is no IPv6 address. */
function groupsOfIPv6(text: string): number[] | undefined {
  const [head = "", tail, more] = text.split("::");
  if (more !== undefined || !text.includes(":")) return undefined;
  const [before, after] = [partsOf(head), partsOf(tail ?? "")];
  const missing = 8 - before.length - after.length;
  if (tail === undefined ? missing !== 0 : missing < 1) return undefined;
  const parts = [...before, ...Array.from({ length: missing }, () => "0"), ...after];
  return parts.every((part) => /^[\da-f]{1,4}$/i.test(part)) ? parts.map((part) => parseInt(part, 16)) : undefined;
}

/** The last part may be an IPv4 address: it stands for two groups. */
function partsOf(text: string): string[] {
  const parts = text === "" ? [] : text.split(":");
  const [a = 0, b = 0, c = 0, d = 0] = bytesOfIPv4(parts.at(-1) ?? "") ?? [];
  if (!parts.at(-1)?.includes(".")) return parts;
  return [...parts.slice(0, -1), ((a << 8) | b).toString(16), ((c << 8) | d).toString(16)];
}

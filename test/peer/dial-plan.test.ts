import { expect, test } from "bun:test";
import { parseAddress, formatAddress } from "../../src/base/ids.ts";
import { dialPlan, MAX_DIALS_PER_HOST, type Interfaces } from "../../src/peer/dial-plan.ts";

const rest = { netmask: "", cidr: null, mac: "", internal: false };
const LOOPBACK = { ...rest, address: "127.0.0.1", netmask: "255.0.0.0", family: "IPv4" as const, internal: true };
const IPV4 = { ...rest, address: "192.168.1.5", netmask: "255.255.255.0", family: "IPv4" as const };
const IPV6 = { ...rest, address: "2001:db8:1:2::5", family: "IPv6" as const, scopeid: 0 };
const V4_ONLY: Interfaces = { lo: [LOOPBACK], eth0: [IPV4] };
const BOTH: Interfaces = { lo: [LOOPBACK], eth0: [IPV4, IPV6] };

function plan(interfaces: Interfaces, ...texts: string[]): string[] {
  const addresses = texts.map(parseAddress).filter((address) => address !== undefined);
  return dialPlan(addresses, { interfaces }).map(formatAddress);
}

test("what is on a network of this machine comes first, what can only mean the reader's own machine last", () => {
  expect(plan(V4_ONLY, "127.0.0.1:1", "8.8.8.8:1", "10.0.0.9:1", "192.168.1.77:1")).toEqual([
    "192.168.1.77:1",
    "8.8.8.8:1",
    "10.0.0.9:1",
    "127.0.0.1:1",
  ]);
  expect(plan(BOTH, "8.8.8.8:1", "[2001:db8:1:2::99]:1")).toEqual(["[2001:db8:1:2::99]:1", "8.8.8.8:1"]);
  expect(plan(V4_ONLY, "127.0.0.1:1")).toEqual(["127.0.0.1:1"]);
});

test("IPv6 and IPv4 take turns, IPv6 first where this machine has it; among equals the peer's order holds", () => {
  const all = ["8.8.8.8:1", "a.example:1", "[2001:db8:9::1]:1", "9.9.9.9:1", "[2001:db8:8::1]:1"];
  expect(plan(BOTH, ...all)).toEqual([
    "[2001:db8:9::1]:1",
    "8.8.8.8:1",
    "[2001:db8:8::1]:1",
    "a.example:1",
    "9.9.9.9:1",
  ]);
  expect(plan(V4_ONLY, ...all)[0]).toBe("8.8.8.8:1");
});

test("an address that nobody can dial is left out", () => {
  expect(plan(BOTH, "0.0.0.0:1", "[::]:1", "224.0.0.1:1", "[ff02::1]:1", "8.8.8.8:1")).toEqual(["8.8.8.8:1"]);
});

test("one host is dialled at most three times, whatever its ports, and an IPv6 network counts as one host", () => {
  const ports = Array.from({ length: 16 }, (_, n) => `203.0.113.9:${n + 1}`);
  expect(plan(BOTH, ...ports, "8.8.8.8:1")).toEqual([...ports.slice(0, MAX_DIALS_PER_HOST), "8.8.8.8:1"]);
  const hosts = Array.from({ length: 16 }, (_, n) => `[2001:db8:7::${n + 1}]:1`);
  expect(plan(BOTH, ...hosts)).toEqual(hosts.slice(0, MAX_DIALS_PER_HOST));
});

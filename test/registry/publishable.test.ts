import { expect, test } from "bun:test";
import { formatAddress, parseAddress } from "../../src/base/ids.ts";
import { publishable, type Place } from "../../src/registry/publishable.ts";

function published(place: Place, ...texts: string[]): string[] {
  const addresses = texts.map(parseAddress).filter((address) => address !== undefined);
  return publishable(addresses, place).map(formatAddress);
}

const AWAY = { isRegistryHere: false };
const SEEN = { host: "198.51.100.7", port: 9_278 };

test("what nobody can dial, or only on the same wire, is not published", () => {
  const useless = [
    "0.0.0.0:1",
    "[::]:1",
    "224.0.0.1:1",
    "[ff02::1]:1",
    "169.254.1.1:1",
    "[fe80::1]:1",
    "[fe80::1%eth0]:1",
  ];
  expect(published(AWAY, ...useless, "10.0.0.1:1")).toEqual(["10.0.0.1:1"]);
  expect(publishable([{ host: "10.0.0.1", port: 0 }], AWAY)).toEqual([]);
});

test("loopback is for readers on the same machine, or where there is nothing else", () => {
  expect(published(AWAY, "127.0.0.1:1", "10.0.0.1:1")).toEqual(["10.0.0.1:1"]);
  expect(published({ isRegistryHere: true }, "127.0.0.1:1", "10.0.0.1:1")).toEqual(["127.0.0.1:1", "10.0.0.1:1"]);
  expect(published(AWAY, "127.0.0.1:1")).toEqual(["127.0.0.1:1"]);
});

test("where the peer is seen to answer comes last, once, also when there are sixteen others", () => {
  expect(published({ ...AWAY, seen: SEEN }, "10.0.0.1:9278")).toEqual(["10.0.0.1:9278", "198.51.100.7:9278"]);
  expect(published({ ...AWAY, seen: SEEN }, "198.51.100.7:9278")).toEqual(["198.51.100.7:9278"]);
  expect(published({ ...AWAY, seen: SEEN }, "127.0.0.1:9278")).toEqual(["198.51.100.7:9278"]);
  const many = Array.from({ length: 20 }, (_, n) => `10.0.0.${n + 1}:1`);
  expect(published({ ...AWAY, seen: SEEN }, ...many)).toEqual([...many.slice(0, 15), "198.51.100.7:9278"]);
});

import { expect, test } from "bun:test";
import * as fc from "fast-check";
import { reachOf, type Reach } from "../../src/base/reach.ts";

test("every kind of address is known for what it is, however it is written", () => {
  const known: Record<Reach, string[]> = {
    nowhere: ["0.0.0.0", "0.1.2.3", "224.0.0.1", "239.1.1.1", "255.255.255.255", "::", "0:0:0:0:0:0:0:0", "ff02::1"],
    machine: ["127.0.0.1", "127.8.8.8", "::1", "0:0:0:0:0:0:0:1", "::ffff:127.0.0.1", "::ffff:7f00:1", "localhost"],
    link: ["169.254.1.1", "fe80::1", "fe80::1%eth0", "febf::1"],
    site: ["10.0.0.1", "172.16.0.1", "172.31.0.1", "192.168.1.1", "100.64.0.1", "fc00::1", "fd12:3456::1"],
    world: ["8.8.8.8", "172.32.0.1", "100.128.0.1", "192.0.2.7", "2001:db8::1", "2001:db8::", "64:ff9b::8.8.8.8"],
    name: ["ann.example", "8.8.8", "1.2.3.256", "1::2::3", "12345::", "a:b", "1:2:3:4:5:6:7:8:9", "::g", ""],
  };
  for (const [reach, hosts] of Object.entries(known)) {
    expect(hosts.map((host) => [host, reachOf(host)])).toEqual(hosts.map((host) => [host, reach]));
  }
});

test("an IPv4 address has the same reach within an IPv6 one", () => {
  fc.assert(fc.property(fc.ipV4(), (host) => expect(reachOf(`::ffff:${host}`)).toBe(reachOf(host))));
});

test("every IP address is one, and no text makes it fail", () => {
  fc.assert(fc.property(fc.oneof(fc.ipV4(), fc.ipV6()), (host) => expect(reachOf(host)).not.toBe("name")));
  fc.assert(fc.property(fc.string(), (text) => expect(reachOf(text)).toBeString()));
});

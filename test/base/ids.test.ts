import { expect, test } from "bun:test";
import * as fc from "fast-check";
import {
  formatAddress,
  isName,
  isPeerId,
  nameFrom,
  parseAddress,
  parseName,
  shortId,
  type PeerId,
} from "../../src/base/ids.ts";
import { encodePeerId } from "../../src/identity/peer-id.ts";

test("names are 1 to 32 of a-z, 0-9 and -, and do not begin with -", () => {
  for (const name of ["a", "0", "ann", "r2-d2", "a-", "x".repeat(32)])
    expect([name, isName(name)]).toEqual([name, true]);
  for (const text of ["", "-a", "Ann", "a b", "a_b", "ä", "a\n", "x".repeat(33)]) {
    expect([text, isName(text)]).toEqual([text, false]);
  }
});

test("what cannot be a name is refused with what could", () => {
  expect(parseName("ann")).toBe("ann");
  expect(() => parseName("Ann Müller")).toThrow('"Ann Müller" cannot be a name: use 1 to 32 of a-z, 0-9 and "-"');
});

test("a name is found in almost any text", () => {
  const names = ["Ann Müller", "ANN", "  ann  ", "ann@host.example", "--ann--", "Ünïcödé", "x".repeat(40)].map(
    nameFrom,
  );
  expect(names).toEqual(["ann-muller", "ann", "ann", "ann-host-example", "ann", "unicode", "x".repeat(32)]);
  expect(["", "---", "漢字", "🐇"].map(nameFrom)).toEqual([undefined, undefined, undefined, undefined]);
});

test("whatever nameFrom gives is a name", () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 0x10_ffff }), { maxLength: 80 }), (points) => {
      const name = nameFrom(String.fromCodePoint(...points));
      expect(name === undefined || isName(name)).toBe(true);
    }),
  );
});

test("every key has an id, and an id is no name", () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), (key) => {
      const id = encodePeerId(key);
      expect([isPeerId(id), isName(id)]).toEqual([true, false]);
    }),
  );
});

test("an id has 52 characters of its alphabet, and nothing beyond the last bit", () => {
  const id = "a".repeat(52);
  expect(isPeerId(id)).toBe(true);
  for (const text of [id.slice(1), `${id}a`, `${id.slice(1)}b`, `1${id.slice(1)}`, id.toUpperCase()]) {
    expect(isPeerId(text)).toBe(false);
  }
  expect(shortId(id as PeerId)).toBe("aaaaaaaa");
});

test("addresses are read and written with the brackets that IPv6 needs", () => {
  const texts = ["localhost:1", "10.0.0.1:65535", "[::1]:9277", "[fe80::1%eth0]:80", "a.b-c.example:9277"];
  expect(texts.map(parseAddress)).toEqual([
    { host: "localhost", port: 1 },
    { host: "10.0.0.1", port: 65_535 },
    { host: "::1", port: 9_277 },
    { host: "fe80::1%eth0", port: 80 },
    { host: "a.b-c.example", port: 9_277 },
  ]);
  for (const text of texts) expect(formatAddress(parseAddress(text) ?? { host: "none", port: 0 })).toBe(text);
});

test("what is no address is none", () => {
  for (const text of [
    "",
    "ann",
    ":80",
    "h:",
    "h:0",
    "h:65536",
    "h:1e3",
    "::1:80",
    "[::1]",
    "[::1]80",
    "a b:1",
    "http://h:1",
  ]) {
    expect([text, parseAddress(text)]).toEqual([text, undefined]);
  }
});

import { expect, test } from "bun:test";
import * as fc from "fast-check";
import { isPeerId } from "../../src/base/ids.ts";
import { decodePeerId, encodePeerId, parsePeerId } from "../../src/identity/peer-id.ts";

const keys = fc.uint8Array({ minLength: 32, maxLength: 32 });

test("a key and its id stand for each other", () => {
  fc.assert(
    fc.property(keys, (key) => {
      const id = encodePeerId(key);
      expect(isPeerId(id)).toBe(true);
      expect(decodePeerId(id)).toEqual(new Uint8Array(key));
    }),
  );
});

test("no key has two ids: what does not come back from its key is no id", () => {
  fc.assert(
    fc.property(fc.stringMatching(/^[a-z2-7]{52}$/), (text) => {
      if (isPeerId(text)) expect(encodePeerId(decodePeerId(text))).toBe(text);
    }),
  );
});

test("the alphabet is that of RFC 4648", () => {
  expect(String(encodePeerId(new Uint8Array(32)))).toBe("a".repeat(52));
  expect(encodePeerId(new Uint8Array(32).fill(255))).toEndWith("777q");
  expect(encodePeerId(Buffer.from("foobar".padEnd(32, "\0")))).toStartWith("mzxw6ytboi");
});

test("what is no id is refused with what was expected", () => {
  expect(() => parsePeerId("ann")).toThrow('"ann" is not a peer id: 52 characters of a-z and 2-7 were expected');
  expect(() => encodePeerId(new Uint8Array(31))).toThrow("31 bytes");
});

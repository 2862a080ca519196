import { expect, test } from "bun:test";
import { createIdentity } from "../../src/identity/identity.ts";
import { peerText, withJson } from "../../src/registry/peer-text.ts";
import type { Listed } from "../../src/registry/roster.ts";
import { describeSelf } from "./setting.ts";

const ann = await createIdentity();
const body = { ...describeSelf(ann, "ann"), seq: 1, ttl: 100 };
const listed: Listed = { body, record: "record", grant: "grant", since: 7, stay: 1, notAfter: 0 };

function tell(what: Listed, online: boolean, age: number): unknown {
  return JSON.parse(peerText({ listed: what, online, age }));
}

test("what is told of a peer is all that its record says but the key after this one, and what proves it", () => {
  const next = "n".repeat(43);
  expect(tell({ ...listed, body: { ...body, next } }, true, 3)).toEqual({
    ...body,
    online: true,
    age: 3,
    since: 7,
    record: "record",
    grant: "grant",
  });
});

test("an age, an end and a new record are told at once", () => {
  tell(listed, true, 0);
  expect(tell(listed, true, 1)).toMatchObject({ online: true, age: 1, record: "record" });
  expect(tell(listed, false, 2)).toMatchObject({ online: false, age: 2, record: "record" });
  expect(tell({ ...listed, record: "another" }, true, 0)).toMatchObject({ age: 0, record: "another" });
});

test("what is JSON already becomes the last part of an object", () => {
  expect(JSON.parse(withJson({ registry: "r", stale: undefined }, "peers", "[1]"))).toEqual({
    registry: "r",
    peers: [1],
  });
});

import { expect, test } from "bun:test";
import * as fc from "fast-check";
import { createIdentity } from "../../src/identity/identity.ts";
import { openGrant, signGrant } from "../../src/registry/grant.ts";
import { makeRecord } from "./setting.ts";

const registry = await createIdentity();
const other = await createIdentity();
const ann = await createIdentity();

const body = { registry: registry.id, name: "ann", id: ann.id, since: 1_000, notAfter: 9_000 };
const expected = { registry: registry.id, name: "ann", id: ann.id };
const grant = await signGrant(body, registry.privateKey);

test("a grant tells since when a key has its name", async () => {
  expect(await openGrant(grant, { ...expected, now: 9_000 })).toEqual(body);
});

test("a grant of another registry, for another name or for another key is worth nothing", async () => {
  expect(openGrant(grant, { ...expected, registry: other.id })).rejects.toThrow("another registry");
  expect(openGrant(grant, { ...expected, name: "ben" })).rejects.toThrow("another name");
  expect(openGrant(grant, { ...expected, id: other.id })).rejects.toThrow("another key");
});

test("a grant that has run out is refused by whoever has a clock to judge it", async () => {
  expect(openGrant(grant, { ...expected, now: 9_001 })).rejects.toThrow("run out");
  expect(await openGrant(grant, expected)).toEqual(body);
});

test("nobody grants in a registry's name", async () => {
  const forged = await signGrant(body, other.privateKey);
  expect(openGrant(forged, expected)).rejects.toThrow("signature");
});

test("a record is no grant", async () => {
  const record = await makeRecord(registry, { name: "ann" });
  expect(openGrant(record, expected)).rejects.toMatchObject({ code: "RECORD_INVALID" });
});

test("a grant with any one bit changed is refused", async () => {
  const sample = fc.asyncProperty(fc.nat(grant.length - 1), fc.nat(7), async (at, bit) => {
    const changed = Buffer.from(grant);
    changed[at] = (changed[at] ?? 0) ^ (1 << bit);
    expect(openGrant(changed.toString("latin1"), expected)).rejects.toMatchObject({ code: "RECORD_INVALID" });
  });
  await fc.assert(sample, { numRuns: 200 });
});

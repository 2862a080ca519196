import { expect, test } from "bun:test";
import * as fc from "fast-check";
import { createIdentity } from "../../src/identity/identity.ts";
import { signGrant } from "../../src/registry/grant.ts";
import {
  MAX_CARD_BYTES,
  MAX_RECORD_BYTES,
  openRecord,
  readKeptRecord,
  signRecord,
  type RecordBody,
} from "../../src/registry/record.ts";
import { describeSelf } from "./setting.ts";

const ann = await createIdentity();
const ben = await createIdentity();

function body(more: Partial<RecordBody> = {}): RecordBody {
  return { ...describeSelf(ann, "ann"), seq: 1, ttl: 3_600, ...more };
}

const bodies = fc.record({
  name: fc.stringMatching(/^[a-z0-9][a-z0-9-]{0,31}$/),
  kind: fc.constantFrom("person" as const, "bot" as const),
  addresses: fc.array(
    fc.record({ host: fc.oneof(fc.ipV4(), fc.ipV6(), fc.domain()), port: fc.integer({ min: 1, max: 65_535 }) }),
    { maxLength: 16 },
  ),
  card: fc.record({
    about: fc.string({ unit: "grapheme", maxLength: 100 }),
    commands: fc.array(
      fc.record({
        name: fc.stringMatching(/^[a-z][a-z0-9-]{0,10}$/),
        about: fc.string({ maxLength: 40 }),
        args: fc.dictionary(fc.string({ maxLength: 8 }), fc.jsonValue({ maxDepth: 2 }), {
          maxKeys: 3,
          noNullPrototype: true,
        }),
      }),
      { maxLength: 5 },
    ),
  }),
  seq: fc.integer({ min: 1 }),
  ttl: fc.integer({ min: 60, max: 604_800 }),
});

test("a record says what its peer said", async () => {
  const sample = fc.asyncProperty(bodies, async (more) => {
    const said = JSON.parse(JSON.stringify(body(more)));
    expect(await openRecord(await signRecord(body(more), ann.privateKey))).toEqual(said);
  });
  await fc.assert(sample, { numRuns: 50 });
});

test("a record with any one bit changed is refused", async () => {
  const record = Buffer.from(await signRecord(body(), ann.privateKey));
  const sample = fc.asyncProperty(fc.nat(record.length - 1), fc.nat(7), async (at, bit) => {
    const changed = Buffer.from(record);
    changed[at] = (changed[at] ?? 0) ^ (1 << bit);
    expect(openRecord(changed.toString("latin1"))).rejects.toMatchObject({ code: "RECORD_INVALID" });
  });
  await fc.assert(sample, { numRuns: 300 });
});

test("whatever a key has signed as its record is one, or is refused", async () => {
  const { CompactSign } = await import("jose/jws/compact/sign");
  const odd = fc.oneof(fc.jsonValue({ maxDepth: 3 }), fc.constantFrom(1e300, -0, 2 ** 53, "__proto__"));
  const sample = fc.asyncProperty(
    bodies,
    fc.dictionary(fc.constantFrom(...Object.keys(body()), "next", "rooms", "x"), odd),
    async (more, changes) => {
      const text = JSON.stringify({ ...body(more), ...changes });
      const record = await new CompactSign(new TextEncoder().encode(text))
        .setProtectedHeader({ alg: "EdDSA", typ: "warren-record+jwt" })
        .sign(ann.privateKey);
      const opened = await openRecord(record).catch((error: unknown) => error);
      // What is taken can be signed again: it is within every bound.
      if (opened instanceof Error) expect(opened).toMatchObject({ code: "RECORD_INVALID" });
      else expect(await signRecord(opened as RecordBody, ann.privateKey)).toBeString();
    },
  );
  await fc.assert(sample, { numRuns: 100 });
});

test("any text at all is a record or is refused, and nothing else happens", async () => {
  const part = fc.oneof(
    fc.string(),
    fc.base64String().map((text) => text.replace(/[+/=]/g, "")),
  );
  const text = fc.oneof(
    fc.string(),
    fc.tuple(part, part, part).map((parts) => parts.join(".")),
  );
  const sample = fc.asyncProperty(text, async (record) => {
    expect(openRecord(record)).rejects.toMatchObject({ code: "RECORD_INVALID" });
  });
  await fc.assert(sample, { numRuns: 200 });
});

test("a record signed by somebody else is refused", async () => {
  const forged = await signRecord(body(), ben.privateKey);
  expect(openRecord(forged)).rejects.toThrow("signature is not by the key that it names");
});

test("a statement of another kind is no record, though the same key signed it", async () => {
  const grant = { registry: ann.id, name: "ann", id: ann.id, since: 0, notAfter: 1 };
  const other = await signGrant(grant, ann.privateKey);
  expect(openRecord(other)).rejects.toMatchObject({ code: "RECORD_INVALID" });
  // The type counts, not only the shape: this one has a record's body under another type.
  const { CompactSign } = await import("jose/jws/compact/sign");
  const disguised = await new CompactSign(new TextEncoder().encode(JSON.stringify(body())))
    .setProtectedHeader({ alg: "EdDSA", typ: "warren-grant+jwt" })
    .sign(ann.privateKey);
  expect(openRecord(disguised)).rejects.toThrow("its type is not warren-record+jwt");
});

test("a record that was kept is read without a look at its signature, and a damaged one is none", async () => {
  const record = await signRecord(body(), ann.privateKey);
  expect(readKeptRecord(record)).toEqual(await openRecord(record));
  for (const damaged of ["", record.slice(0, 40), record.replace(/\..*\./, ".e30.")]) {
    expect(readKeptRecord(damaged)).toBeUndefined();
  }
});

test("a header may be written in other ways, but not so that it changes what is signed", async () => {
  const { CompactSign } = await import("jose/jws/compact/sign");
  const signed = async (header: object): Promise<string> => {
    const plain = new CompactSign(new TextEncoder().encode(JSON.stringify(body())));
    const typed = { ...header, alg: "EdDSA", typ: "warren-record+jwt" };
    return await plain.setProtectedHeader(typed).sign(ann.privateKey, { crit: { b64: true, exp: true } });
  };
  expect(await openRecord(await signed({ kid: "one", typ: "", cty: "json" }))).toMatchObject({ name: "ann" });
  for (const header of [
    { crit: ["exp"], exp: 1 },
    { b64: true, crit: ["b64"] },
  ]) {
    expect(await openRecord(await signed(header)).catch((error: unknown) => error)).toMatchObject({
      code: "RECORD_INVALID",
    });
  }
  const [, payload, signature] = (await signed({})).split(".");
  for (const header of [{ alg: "none", typ: "warren-record+jwt" }, { typ: "warren-record+jwt" }, []]) {
    const forged = [Buffer.from(JSON.stringify(header)).toString("base64url"), payload, signature].join(".");
    expect(await openRecord(forged).catch((error: unknown) => error)).toMatchObject({ code: "RECORD_INVALID" });
  }
});

test("every field has its bound, on the signing side too", async () => {
  const address = { host: "127.0.0.1", port: 1 };
  const command = { name: "roll", about: "", args: {} };
  const bad: Partial<RecordBody>[] = [
    { name: "Ann" },
    { addresses: Array.from({ length: 17 }, () => address) },
    { addresses: [{ host: "a b", port: 1 }] },
    { addresses: [{ host: "a", port: 65_536 }] },
    { card: { about: "x".repeat(501), commands: [] } },
    { card: { about: "", commands: Array.from({ length: 65 }, () => command) } },
    { card: { about: "", commands: [{ ...command, args: { x: "y".repeat(MAX_CARD_BYTES) } }] } },
    { card: { about: "", commands: [{ ...command, name: "two  spaces" }] } },
    { card: { about: "", commands: [{ ...command, name: "one two three four" }] } },
    { rooms: Array.from({ length: 65 }, () => "den") },
    { seq: 0 },
    { seq: 1.5 },
    { ttl: 59 },
    { ttl: 604_801 },
    { next: "short" },
  ];
  const words = { card: { about: "", commands: [{ ...command, name: "list all items" }] } };
  expect(await openRecord(await signRecord(body(words), ann.privateKey))).toMatchObject(words);
  for (const more of bad) {
    expect(signRecord(body(more), ann.privateKey)).rejects.toMatchObject({ code: "RECORD_INVALID" });
  }
});

test("a text over the limit is refused before it is read", async () => {
  expect(openRecord("x".repeat(MAX_RECORD_BYTES + 1))).rejects.toThrow(`the limit is ${MAX_RECORD_BYTES}`);
});

test("arguments nested as deep as fits do no harm", async () => {
  const deep = `${"[".repeat(7_000)}${"]".repeat(7_000)}`;
  const json = JSON.stringify(body({ card: { about: "", commands: [{ name: "x", about: "", args: { x: 1 } }] } }));
  const { CompactSign } = await import("jose/jws/compact/sign");
  const record = await new CompactSign(new TextEncoder().encode(json.replace('{"x":1}', `{"x":${deep}}`)))
    .setProtectedHeader({ alg: "EdDSA", typ: "warren-record+jwt" })
    .sign(ann.privateKey);
  const outcome = await openRecord(record).then(
    () => "taken",
    (error: { code: string }) => error.code,
  );
  expect(["taken", "RECORD_INVALID"]).toContain(outcome);
});

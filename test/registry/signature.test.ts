import { expect, test } from "bun:test";
import { createIdentity } from "../../src/identity/identity.ts";
import { parsePeerId } from "../../src/identity/peer-id.ts";
import { isSigned } from "../../src/registry/signature.ts";
import { someTurns } from "./setting.ts";

const [ann, ben] = [await createIdentity(), await createIdentity()];
const text = "grüß dich";
const bytes = await crypto.subtle.sign("Ed25519", ann.privateKey, new TextEncoder().encode(text));
const signature = Buffer.from(bytes).toString("base64url");
const damaged = `${signature.startsWith("A") ? "B" : "A"}${signature.slice(1)}`;
const nobody = parsePeerId("a".repeat(52)); // of small order, and nobody's

const CASES = [
  { signer: ann.id, said: text, by: signature, passes: true },
  { signer: ann.id, said: `${text}!`, by: signature, passes: false },
  { signer: ben.id, said: text, by: signature, passes: false },
  { signer: ann.id, said: text, by: damaged, passes: false },
  { signer: ann.id, said: text, by: "", passes: false },
  { signer: nobody, said: text, by: signature, passes: false },
];

test("only what was signed, by whom, passes: the first check of a turn, made at once, and all others alike", async () => {
  for (const first of CASES) {
    await someTurns(2);
    const checked = [first, ...CASES];
    const passed = await Promise.all(checked.map(({ signer, said, by }) => isSigned(signer, said, by)));
    expect(passed).toEqual(checked.map(({ passes }) => passes));
  }
});

test("one check of a turn is made at once, and no more: a crowd does not keep everybody else waiting", async () => {
  await someTurns(2);
  const checks = CASES.map(({ signer, said, by }) => isSigned(signer, said, by));
  await Promise.resolve();
  expect(checks.map((check) => Bun.peek.status(check))).toEqual(["fulfilled", ...Array(5).fill("pending")]);
  await Promise.all(checks);
});

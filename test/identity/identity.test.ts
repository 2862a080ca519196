import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createIdentity, openIdentity } from "../../src/identity/identity.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "warren-identity-"));
});
afterEach(() => rm(folder, { recursive: true }));

test("an identity is made once and comes back", async () => {
  const made = await openIdentity(join(folder, "new"));
  const again = await openIdentity(join(folder, "new"));
  expect(again.id).toBe(made.id);
  expect(again.certificatePem).toBe(made.certificatePem);
});

test("the private key is for its owner's eyes only", async () => {
  await openIdentity(folder);
  expect((await stat(join(folder, "key.pem"))).mode & 0o777).toBe(0o600);
});

test("the certificate holds the key that the id is", async () => {
  const { id, publicKey, privateKey } = await createIdentity();
  const signature = await crypto.subtle.sign("Ed25519", privateKey, Buffer.from(id));
  expect(await crypto.subtle.verify("Ed25519", publicKey, signature, Buffer.from(id))).toBe(true);
});

test("a corrupt key file is reported and left as it is", async () => {
  const path = join(folder, "key.pem");
  for (const text of ["", "nonsense", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"]) {
    await writeFile(path, text);
    await openIdentity(folder).then(
      () => expect.unreachable(),
      (error: unknown) => expect(error).toMatchObject({ code: "KEY_CORRUPT", message: expect.stringContaining(path) }),
    );
    expect(await readFile(path, "utf8")).toBe(text);
  }
});

test("a lost certificate is made again from the key", async () => {
  const { id } = await openIdentity(folder);
  await rm(join(folder, "certificate.pem"));
  expect((await openIdentity(folder)).id).toBe(id);
});

test("a folder that cannot be made is reported with the way out", async () => {
  await writeFile(join(folder, "file"), "");
  await openIdentity(join(folder, "file", "below")).then(
    () => expect.unreachable(),
    (error: unknown) =>
      expect(error).toMatchObject({ code: "HOME_UNWRITABLE", message: expect.stringContaining("--home") }),
  );
});

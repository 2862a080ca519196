import { expect, test } from "bun:test";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { WarrenError } from "../../src/base/errors.ts";
import { createIdentity } from "../../src/identity/identity.ts";
import { systemWorld } from "../../src/base/world.ts";
import { readAuthority } from "../../src/registry/authority.ts";
import { lookUp } from "../../src/registry/lookup.ts";
import { releaseName } from "../../src/registry/release.ts";
import { openRegistry, temporaryFolder, watchedClient } from "./setting.ts";
import { authority, withOpenssl } from "./test-authority.ts";

const errorOf = (promise: Promise<unknown>): Promise<unknown> => promise.catch((error: unknown) => error);

withOpenssl(
  "a registry whose authority is named is used: sessions, look-ups and releases, and no other connection",
  async () => {
    await using own = await authority();
    await own.issue("registry");
    await using registry = await openRegistry({ tls: own });
    const { url } = registry;
    const trusted = await readAuthority(own.caFile, url);
    const ann = await watchedClient({ url, name: "ann", authority: trusted });
    await ann.until("connected");
    expect(await ann.client.find({ name: "ann" })).toMatchObject([{ name: "ann", online: true }]);
    await ann.client[Symbol.asyncDispose]();
    const { identity, memory } = ann;
    await releaseName({ url, name: "ann", identity, memory, world: systemWorld, authority: trusted });
    expect((await lookUp(url, {}, { authority: trusted })).entries).toEqual([]);
    expect(await errorOf(lookUp(url))).toMatchObject({ code: "REGISTRY_UNTRUSTED" });
  },
);

withOpenssl("one whose authority is not named is told to a person, with what to do", async () => {
  await using own = await authority();
  await own.issue("registry");
  await using registry = await openRegistry({ tls: own });
  const { url } = registry;
  await using ann = await watchedClient({ url, name: "ann" });
  await ann.until("notice REGISTRY_UNTRUSTED");
  const told = await errorOf(ann.client.find({ name: "ben" }));
  expect(told).toMatchObject({
    message: expect.stringMatching(/authority .* not trusted here: .*--registry-ca <file>$/),
  });
  const identity = await createIdentity();
  const release = releaseName({ url, name: "ann", identity, memory: new Map(), world: systemWorld });
  expect(await errorOf(release)).toMatchObject({ code: "REGISTRY_UNTRUSTED" });
});

withOpenssl("what else is wrong with a certificate is said as it is", async () => {
  await using own = await authority();
  await using other = await authority();
  for (const [issue, file, words] of [
    [{}, other.caFile, "authority of your own"],
    [{ days: -1 }, own.caFile, "has expired: who runs it has to renew it"],
    [{ address: "192.0.2.7" }, own.caFile, "is for another name: dial it by a name"],
  ] as const) {
    await own.issue("registry", issue);
    await using registry = await openRegistry({ tls: own });
    const told = await errorOf(lookUp(registry.url, {}, { authority: await readAuthority(file, registry.url) }));
    expect(told).toMatchObject({ code: "REGISTRY_UNTRUSTED", message: expect.stringContaining(words) });
  }
});

withOpenssl("several authorities may be in one file, with words between them", async () => {
  await using own = await authority();
  await using other = await authority();
  const both = join(own.path, "both.pem");
  await writeFile(both, `# the old one\n${other.ca}\n# the new one\n${own.ca}`);
  for (const one of [own, other]) {
    await one.issue("registry");
    await using registry = await openRegistry({ tls: one });
    const trusted = await readAuthority(both, registry.url);
    expect((await lookUp(registry.url, {}, { authority: trusted })).entries).toEqual([]);
  }
});

test("a file that holds no authority is refused, with its name", async () => {
  await using folder = await temporaryFolder();
  const file = join(folder.path, "ca.pem");
  const url = "https://registry.example";
  const refused = async (text: string, words: string): Promise<void> => {
    await writeFile(file, text);
    const { code, message } = (await errorOf(readAuthority(file, url))) as WarrenError;
    expect([code, message.startsWith(file)]).toEqual(["CERTIFICATE_INVALID", true]);
    expect(message).toContain(words);
  };
  expect(await errorOf(readAuthority(file, url))).toMatchObject({ code: "CERTIFICATE_INVALID" }); // there is none
  await refused("", "the certificate of the authority that signed the registry's");
  await refused("-----BEGIN PRIVATE KEY-----\nMC4=\n-----END PRIVATE KEY-----\n", "no certificate in PEM");
  await refused("-----BEGIN CERTIFICATE-----\nMIIBhalfofone\n-----END CERTIFICATE-----\n", "no certificate in PEM");
});

test("an authority for registries that are dialled without TLS is a mistake, but on this machine", async () => {
  const file = "/nowhere/ca.pem";
  const codeOf = async (urls: string): Promise<unknown> => await errorOf(readAuthority(file, urls));
  expect(await codeOf("registry.example:9277")).toMatchObject({
    code: "USAGE",
    message: expect.stringContaining("http://registry.example:9277 is not: say https://"),
  });
  for (const urls of ["https://registry.example", "a.example,https://b.example", "http://127.0.0.1:9277", "none"]) {
    expect(await codeOf(urls)).toMatchObject({ code: "CERTIFICATE_INVALID" }); // it was looked for
  }
  expect(await readAuthority(undefined, "registry.example")).toBeUndefined();
});

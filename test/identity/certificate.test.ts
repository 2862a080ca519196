import "reflect-metadata"; // @peculiar/x509 needs it to be there first
import { X509Certificate as PeculiarCertificate } from "@peculiar/x509";
import { expect, test } from "bun:test";
import { X509Certificate } from "node:crypto";
import { createIdentity } from "../../src/identity/identity.ts";

const { certificatePem, publicKey } = await createIdentity();

test("OpenSSL's reading of the certificate: signed with the key that it shows, for ever, by nobody", async () => {
  const certificate = new X509Certificate(certificatePem);
  expect(certificate.verify(certificate.publicKey)).toBe(true);
  expect(certificate.publicKey.export({ format: "der", type: "spki" })).toEqual(
    Buffer.from(await crypto.subtle.exportKey("spki", publicKey)),
  );
  expect([certificate.subject, certificate.issuer, certificate.serialNumber]).toEqual(["CN=warren", "CN=warren", "01"]);
  expect([certificate.validFrom, certificate.validTo]).toEqual([
    "Jan  1 00:00:00 2000 GMT",
    "Dec 31 23:59:59 9999 GMT",
  ]);
});

test("a library that has nothing to do with OpenSSL reads the same, and finds no extensions", async () => {
  const certificate = new PeculiarCertificate(certificatePem);
  expect(await certificate.isSelfSigned()).toBe(true);
  expect(await certificate.verify({ date: new Date("2026-01-01") })).toBe(true);
  expect(certificate.notAfter.toISOString()).toBe("9999-12-31T23:59:59.000Z");
  expect(certificate.extensions).toEqual([]);
});

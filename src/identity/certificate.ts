/** The one place that makes X.509: a self-signed certificate whose only meaning is the key inside. */
import "reflect-metadata"; // @peculiar/x509 needs it to be there first
import { X509CertificateGenerator } from "@peculiar/x509";

/** PEM of a certificate that names nobody and never ends: a peer is its key, and nothing else is ever read from it. */
export async function makeCertificate(keys: CryptoKeyPair): Promise<string> {
  const certificate = await X509CertificateGenerator.createSelfSigned({
    serialNumber: "01",
    name: "CN=warren",
    notBefore: new Date("2000-01-01T00:00:00Z"), // a machine without a battery clock may believe any date
    notAfter: new Date("9999-12-31T23:59:59Z"), // RFC 5280 §4.1.2.5: no well-defined expiration date
    signingAlgorithm: "Ed25519",
    keys,
  });
  return certificate.toString("pem");
}

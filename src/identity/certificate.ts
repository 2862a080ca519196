/** The one place that makes X.509: a self-signed certificate whose only meaning is the key inside. */

/** DER (ITU-T X.690) in hexadecimal: the algorithm Ed25519 (RFC 8410, section 3), and the name CN=warren. */
const ED25519 = "300506032b6570";
const WARREN = "3011310f300d0603550403130677617272656e";

/**
 * What is signed (RFC 5280, section 4.1), up to the key, which is the end of it. Nothing else differs from peer to peer; so there
 * is nothing to encode, and no library to load for it.
 */
const BEFORE_KEY = Buffer.from(
  "308183" + // 131 bytes: a certificate to be signed
    "a003020102" + // version 3
    "020101" + // serial number 1
    ED25519 +
    WARREN + // the issuer
    "3020" + // valid
    "170d3030303130313030303030305a" + // from 2000-01-01: a machine without a battery clock may believe any date
    "180f39393939313233313233353935395a" + // until 9999-12-31 23:59:59, which means no end (section 4.1.2.5)
    WARREN + // the subject
    `302a${ED25519}032100`, // a key of 32 bytes
  "hex",
);
const BEFORE_ALL = Buffer.from("3081d0", "hex"); // 208 bytes: a certificate
const BEFORE_SIGNATURE = Buffer.from(`${ED25519}034100`, "hex"); // of 64 bytes

/** PEM of a certificate that names nobody and never ends: a peer is its key, and nothing else is ever read from it. */
export async function makeCertificate({ publicKey, privateKey }: CryptoKeyPair): Promise<string> {
  const key = Buffer.from(await crypto.subtle.exportKey("raw", publicKey));
  const signed = Buffer.concat([BEFORE_KEY, key]);
  const signature = Buffer.from(await crypto.subtle.sign("Ed25519", privateKey, signed));
  const base64 = Buffer.concat([BEFORE_ALL, signed, BEFORE_SIGNATURE, signature]).toString("base64");
  return `-----BEGIN CERTIFICATE-----\n${base64.replace(/.{64}/g, "$&\n")}\n-----END CERTIFICATE-----\n`;
}

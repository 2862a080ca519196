/** Identity: the key pair that a peer is, and the certificate that shows it in a TLS handshake. */
import { mkdir, open, readFile, rename } from "node:fs/promises";
import { join } from "node:path";
import { describeError, WarrenError } from "../base/errors.ts";
import type { PeerId } from "../base/ids.ts";
import { makeCertificate } from "./certificate.ts";
import { encodePeerId } from "./peer-id.ts";

const KEY_FILE = "key.pem"; // PKCS #8; mode 600
const CERTIFICATE_FILE = "certificate.pem"; // public; made once from the key

export interface Identity {
  readonly id: PeerId;
  readonly publicKey: CryptoKey;
  readonly privateKey: CryptoKey;
  /** PKCS #8 in PEM, for the TLS listener and dialler alone. */
  readonly keyPem: string;
  /** The self-signed X.509 certificate in PEM. */
  readonly certificatePem: string;
}

/**
 * Reads the identity kept in `folder`, or makes one there.
 *
 * @throws {WarrenError} `KEY_CORRUPT` when a file is there and is not an Ed25519 key (it is left as it is);
 *   `HOME_UNWRITABLE` when the folder cannot be made or written.
 */
export async function openIdentity(folder: string): Promise<Identity> {
  const path = join(folder, KEY_FILE);
  const keyPem = await readIfThere(path);
  if (keyPem === undefined) return await makeIdentity(folder);
  const certificatePem = await readIfThere(join(folder, CERTIFICATE_FILE));
  const identity = await identityAt(path, keyPem, certificatePem);
  if (certificatePem === undefined) await writeSecret(folder, CERTIFICATE_FILE, identity.certificatePem);
  return identity;
}

/** The identity of a key that is given as a file; nothing is written. @throws {WarrenError} `KEY_CORRUPT`, `HOME_UNWRITABLE` */
export async function readIdentity(path: string): Promise<Identity> {
  const keyPem = await readIfThere(path);
  if (keyPem === undefined) throw new WarrenError("KEY_CORRUPT", `there is no key at ${path}`);
  return await identityAt(path, keyPem, undefined);
}

/** An identity that is kept nowhere. */
export async function createIdentity(): Promise<Identity> {
  const keys = (await crypto.subtle.generateKey("Ed25519", true, ["sign", "verify"])) as CryptoKeyPair;
  return await identityFrom(await exportPem(keys.privateKey), undefined);
}

async function identityAt(path: string, keyPem: string, certificatePem: string | undefined): Promise<Identity> {
  try {
    return await identityFrom(keyPem, certificatePem);
  } catch (error) {
    if (error instanceof WarrenError) throw error;
    throw new WarrenError(
      "KEY_CORRUPT",
      `${path} does not hold an Ed25519 private key (${describeError(error)}): restore it from a backup, or move it away to begin as a new peer`,
      { cause: error },
    );
  }
}

async function makeIdentity(folder: string): Promise<Identity> {
  const identity = await createIdentity();
  await mkdir(folder, { recursive: true, mode: 0o700 }).catch((error: unknown) => {
    throw unwritable(folder, error);
  });
  // The certificate first: whoever finds a key finds a whole identity.
  await writeSecret(folder, CERTIFICATE_FILE, identity.certificatePem);
  await writeSecret(folder, KEY_FILE, identity.keyPem);
  return identity;
}

async function identityFrom(keyPem: string, certificatePem: string | undefined): Promise<Identity> {
  const pkcs8 = Buffer.from(keyPem.replace(/-----[^-]*-----/g, ""), "base64");
  const privateKey = await crypto.subtle.importKey("pkcs8", pkcs8, "Ed25519", true, ["sign"]);
  const { x } = await crypto.subtle.exportKey("jwk", privateKey);
  const raw = Buffer.from(x ?? "", "base64url");
  const publicKey = await crypto.subtle.importKey("raw", raw, "Ed25519", true, ["verify"]);
  return {
    id: encodePeerId(raw),
    publicKey,
    privateKey,
    keyPem,
    certificatePem: certificatePem ?? (await makeCertificate({ publicKey, privateKey })),
  };
}

async function exportPem(key: CryptoKey): Promise<string> {
  const base64 = Buffer.from(await crypto.subtle.exportKey("pkcs8", key)).toString("base64");
  return `-----BEGIN PRIVATE KEY-----\n${base64}\n-----END PRIVATE KEY-----\n`;
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw new WarrenError(
      "HOME_UNWRITABLE",
      `${path} cannot be read (${describeError(error)}): give another folder with --home`,
      { cause: error },
    );
  }
}

/** Writes all or nothing: a crash in the middle leaves the old file, or none. */
async function writeSecret(folder: string, name: string, text: string): Promise<void> {
  const path = join(folder, name);
  try {
    const file = await open(`${path}.new`, "w", 0o600);
    try {
      await file.writeFile(text);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(`${path}.new`, path);
  } catch (error) {
    throw unwritable(folder, error);
  }
}

function unwritable(folder: string, error: unknown): WarrenError {
  const message = `${folder} cannot be written (${describeError(error)}): give another folder with --home`;
  return new WarrenError("HOME_UNWRITABLE", message, { cause: error });
}

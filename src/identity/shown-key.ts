/** Shown key: whose certificate it is that the other side of a TLS connection has shown. Only its key counts. */
import type { X509Certificate } from "node:crypto";
import type { PeerId } from "../base/ids.ts";
import { encodePeerId } from "./peer-id.ts";

/** Undefined where there is no certificate, whatever the types of Bun 1.4.5 say, or none of an Ed25519 key. */
export function idShownBy(certificate: X509Certificate | undefined): PeerId | undefined {
  const key = certificate?.publicKey;
  if (key?.asymmetricKeyType !== "ed25519") return undefined;
  return encodePeerId(Buffer.from(key.export({ format: "jwk" }).x ?? "", "base64url"));
}

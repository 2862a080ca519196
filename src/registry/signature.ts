/** Signature: whether a key has signed a text (Ed25519). */
import { createPublicKey, verify } from "node:crypto";
import type { PeerId } from "../base/ids.ts";
import { systemClock } from "../base/world.ts";
import { decodePeerId } from "../identity/peer-id.ts";

const utf8 = new TextEncoder();
let isTaken = false; // the one check that is made on this thread within a turn of the event loop

/**
 * A check takes 50 µs. One alone is made at once: to hand it to another thread and back would take as long again. Where there
 * are more in a turn, the others are for those threads.
 */
export async function isSigned(signer: PeerId, text: string, signature: string): Promise<boolean> {
  const signed = utf8.encode(text);
  const bytes = Buffer.from(signature, "base64url");
  try {
    const x = Buffer.from(decodePeerId(signer)).toString("base64url");
    const key = createPublicKey({ key: { kty: "OKP", crv: "Ed25519", x }, format: "jwk" });
    if (!isTaken) {
      isTaken = true;
      systemClock.soon(() => (isTaken = false));
      return verify(undefined, signed, key, bytes);
    }
    return await new Promise((resolve) => verify(undefined, signed, key, bytes, (_, isGood) => resolve(isGood)));
  } catch {
    return false; // no key at all
  }
}

/** Unanswered: why a registry that was dialled did not answer. */
import { WarrenError } from "../base/errors.ts";

const RENEW = "who runs it has to renew it, if this machine's clock is right";
const AUTHORITY = "if that is an authority of your own, give its certificate with --registry-ca <file>";

/** What Bun's TLS says of a certificate, and what to do. */
const UNTRUSTED: Readonly<Record<string, readonly [what: string, advice: string]>> = {
  CERT_HAS_EXPIRED: ["has expired", RENEW],
  CERT_NOT_YET_VALID: ["is not valid yet", RENEW],
  ERR_TLS_CERT_ALTNAME_INVALID: ["is for another name", "dial it by a name or an address that its certificate has"],
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: ["is of an authority that is not trusted here", AUTHORITY],
  UNABLE_TO_GET_ISSUER_CERT: ["is of an authority that is not trusted here", AUTHORITY],
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: ["is of an authority that is not trusted here", AUTHORITY],
  SELF_SIGNED_CERT_IN_CHAIN: ["is of an authority that is not trusted here", AUTHORITY],
  DEPTH_ZERO_SELF_SIGNED_CERT: ["is its own authority, which is not trusted here", AUTHORITY],
  CERT_SIGNATURE_FAILURE: ["is not signed by the authority that it names", AUTHORITY],
};

/** `REGISTRY_UNTRUSTED`, or `REGISTRY_UNREACHABLE`. */
export function unanswered(origin: string, cause: unknown): WarrenError {
  const code = cause instanceof Error && "code" in cause ? String(cause.code) : "";
  const untrusted = Object.hasOwn(UNTRUSTED, code) ? UNTRUSTED[code] : undefined;
  if (!untrusted) {
    return new WarrenError("REGISTRY_UNREACHABLE", `the registry at ${origin} does not answer`, { cause });
  }
  const [what, advice] = untrusted;
  return new WarrenError("REGISTRY_UNTRUSTED", `the certificate of the registry at ${origin} ${what}: ${advice}`, {
    cause,
  });
}

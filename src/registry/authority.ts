/** Authority: certificates by which a registry behind https is believed, instead of those that Bun brings along. */
import { WarrenError } from "../base/errors.ts";
import { certificateIn, readPem } from "./pem.ts";
import { isLoopbackUrl, parseRegistryUrls } from "./url.ts";

/** What stands before, between and after certificates is for people. */
const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g;

/**
 * The certificates in `file`, if there is one, for a peer of `registries` ("none", or what `parseRegistryUrls` takes).
 *
 * @throws {WarrenError} `CERTIFICATE_INVALID`; `USAGE` where it would be of no use, as a registry is dialled without TLS
 */
export async function readAuthority(file: string | undefined, registries: string): Promise<string | undefined> {
  if (file === undefined) return undefined;
  const urls = registries === "none" ? [] : parseRegistryUrls(registries);
  const isInVain = urls.every((url) => url.startsWith("http:")) && !urls.every(isLoopbackUrl);
  if (isInVain) {
    throw new WarrenError("USAGE", `a certificate authority is for https, and ${urls.join()} is not: say https://`);
  }
  const text = await readPem(file);
  const certificates = text.match(CERTIFICATE) ?? [];
  if (certificates.length === 0) {
    const wanted = "the certificate of the authority that signed the registry's was expected";
    throw new WarrenError("CERTIFICATE_INVALID", `${file} holds no certificate in PEM: ${wanted}`);
  }
  for (const certificate of certificates) certificateIn(file, certificate);
  return certificates.join("\n");
}

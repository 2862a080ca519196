/** Certificate authorities for tests, and what they sign, made with openssl. */
import { test } from "bun:test";
import { temporaryFolder } from "./setting.ts";

const OPENSSL = Bun.which("openssl");
if (!OPENSSL) console.log("openssl is not installed: TLS of the registry is not tested");
export const withOpenssl = test.skipIf(!OPENSSL);

/** A certificate authority of its own, and certificates for this machine that it signs. */
export async function authority() {
  const folder = await temporaryFolder();
  const run = (...args: string[]): void => {
    const { success, stderr } = Bun.spawnSync([OPENSSL ?? "openssl", ...args], { cwd: folder.path, stderr: "pipe" });
    if (!success) throw new Error(stderr.toString());
  };
  const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
  run("req", "-x509", ...key, "-keyout", "ca.key", "-out", "ca.pem", "-days", "2", "-subj", "/CN=test authority");
  return {
    path: folder.path,
    ca: await Bun.file(`${folder.path}/ca.pem`).text(),
    caFile: `${folder.path}/ca.pem`,
    certFile: `${folder.path}/cert.pem`,
    keyFile: `${folder.path}/key.pem`,
    /** For this machine, unless another address is said; valid for two days, or for as many as that from now back. */
    async issue(name: string, { address = "127.0.0.1", days = 2 } = {}): Promise<void> {
      await Bun.write(`${folder.path}/names`, `subjectAltName=IP:${address}`);
      run("req", ...key, "-keyout", "key.pem", "-out", "request", "-subj", `/CN=${name}`);
      const signing = [
        "-CA",
        "ca.pem",
        "-CAkey",
        "ca.key",
        "-CAcreateserial",
        "-days",
        String(days),
        "-extfile",
        "names",
      ];
      run("x509", "-req", "-in", "request", "-out", "cert.pem", ...signing);
    },
    [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
  };
}

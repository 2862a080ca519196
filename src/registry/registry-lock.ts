/** The lock of a registry's folder: of two processes on one disk, each would show its own peers and hide the others. */
import { WarrenError } from "../base/errors.ts";
import { takeLock } from "../base/file-lock.ts";

/** @throws {WarrenError} `IDENTITY_IN_USE` while another process runs that registry, `HOME_UNWRITABLE` */
export function lockRegistry(folder: string): Disposable {
  const lock = takeLock(folder, "registry.lock");
  if (lock) return lock;
  const ways = "use that one, or give another --home; several processes share a registry by --store";
  throw new WarrenError("IDENTITY_IN_USE", `the registry in ${folder} runs already, perhaps with a peer: ${ways}`);
}

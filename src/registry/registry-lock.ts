/** The lock of a registry's folder: of two processes on one disk, each would show its own peers and hide the others. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { describeError, WarrenError } from "../base/errors.ts";
import { lockFile } from "../base/file-lock.ts";

/** @throws {WarrenError} `IDENTITY_IN_USE` while another process runs that registry, `HOME_UNWRITABLE` */
export function lockRegistry(folder: string): Disposable {
  let lock: Disposable | undefined;
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    lock = lockFile(join(folder, "registry.lock"));
  } catch (error) {
    const message = `${folder} cannot be written (${describeError(error)}): give another --home`;
    throw new WarrenError("HOME_UNWRITABLE", message, { cause: error });
  }
  if (lock) return lock;
  const ways = "use that one, or give another --home; several processes share a registry by --store";
  throw new WarrenError("IDENTITY_IN_USE", `the registry in ${folder} runs already, perhaps with a peer: ${ways}`);
}

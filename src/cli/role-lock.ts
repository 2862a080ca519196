/** The lock of a home: who holds it runs what a machine needs once. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { describeError, WarrenError } from "../base/errors.ts";
import { lockFile } from "../base/file-lock.ts";

/** Takes the lock, or returns undefined where another process holds it. @throws {WarrenError} `HOME_UNWRITABLE` */
export function takeRoleLock(home: string): Disposable | undefined {
  try {
    mkdirSync(home, { recursive: true, mode: 0o700 });
    return lockFile(join(home, "role.lock"));
  } catch (error) {
    const message = `${home} cannot be written (${describeError(error)}): give another folder with --home`;
    throw new WarrenError("HOME_UNWRITABLE", message, { cause: error });
  }
}

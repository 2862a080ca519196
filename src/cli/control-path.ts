/** Control path: where the control socket of an identity is. */
import { lstatSync, mkdirSync } from "node:fs";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { WarrenError } from "../base/errors.ts";

// A unix socket's path fits in 104 bytes on macOS and 108 on Linux, the final zero included; it is bound four characters
// deeper than here.
const MAX_PATH_BYTES = 99;

/** In the identity's folder, or where that is too long in a private folder for such sockets, which is made if `make`. */
export function controlPath(folder: string, make: boolean): string {
  const path = join(folder, "control.sock");
  if (Buffer.byteLength(path) <= MAX_PATH_BYTES) return path;
  const { uid } = userInfo();
  const shared = join(tmpdir(), `warren-${uid}`);
  if (make) mkdirSync(shared, { recursive: true, mode: 0o700 });
  const found = lstatSync(shared, { throwIfNoEntry: false });
  // Anybody can make a folder of that name first, and would then hear and say what goes through it.
  if (found && (!found.isDirectory() || found.uid !== uid || (found.mode & 0o077) !== 0)) {
    const message = `${shared} is not a private folder of yours: remove it, or use a shorter --home`;
    throw new WarrenError("HOME_UNWRITABLE", message);
  }
  return join(shared, `${Bun.SHA256.hash(folder, "hex").slice(0, 16)}.sock`);
}

/**
 * Quick disk: tests keep their files in memory where the machine has a folder for that, as most of them would else wait for
 * a disk to be sure of what they write. A process that is killed loses nothing that it gave to the kernel, there as on a disk.
 */
import { statfsSync } from "node:fs";

const MEMORY = "/dev/shm";
/** What all tests together keep at a time, and much more. */
const ENOUGH_BYTES = 2 ** 30;

if (freeBytes(MEMORY) > ENOUGH_BYTES) process.env["TMPDIR"] ??= MEMORY;

function freeBytes(folder: string): number {
  try {
    const { bavail, bsize } = statfsSync(folder);
    return bavail * bsize;
  } catch {
    return 0; // there is no such folder on this machine
  }
}

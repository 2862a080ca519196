/** Backup and restore of a registry: its key and its names, in one file. */
import { mkdir, readFile, rename, rm } from "node:fs/promises";
import { join, resolve } from "node:path";
import { WarrenError } from "../base/errors.ts";
import { systemClock } from "../base/world.ts";
import { STORE_FILE } from "../registry/registry-database.ts";
import { copyDatabase, isInUse } from "../registry/store-copy.ts";
import { decodeBackup, encodeBackup } from "./backup-file.ts";
import { readBackup, readIfThere, writeNew } from "./backup.ts";

/** Writes the backup, also while the registry runs. Resolves to what is told. @throws {WarrenError} */
export async function backUpRegistry(folder: string, file: string): Promise<string> {
  const keyPem = await readIfThere(join(folder, "key.pem"));
  if (keyPem === undefined || !(await Bun.file(join(folder, STORE_FILE)).exists())) {
    throw new WarrenError("USAGE", `no registry has run in ${folder}: --home says where to look`);
  }
  const copy = join(folder, `snapshot-${process.pid}.sqlite`);
  await rm(copy, { force: true }); // of a process before us that had our number
  try {
    copyDatabase(join(folder, STORE_FILE), copy);
    const head = { kind: "registry", name: "registry", at: systemClock.now(), keyPem } as const;
    const path = resolve(file);
    const size = await writeNew(path, encodeBackup(head, await readFile(copy)));
    return `${path}: ${size} bytes, with the key of the registry: whoever has the file can be this registry`;
  } finally {
    await rm(copy, { force: true });
  }
}

/** Puts a backup in place. Resolves to what is told. @throws {WarrenError} `BACKUP_INVALID`, `BACKUP_UNWANTED` */
export async function restoreRegistry(folder: string, file: string, force: boolean): Promise<string> {
  const { kind, at, keyPem, database } = decodeBackup(file, await readBackup(file));
  if (kind !== "registry") {
    throw new WarrenError("BACKUP_UNWANTED", `${file} is of a ${kind}: restore it with bun run peer restore`);
  }
  const path = join(folder, STORE_FILE);
  const madeAt = new Date(at).toISOString();
  const known = await readIfThere(join(folder, "key.pem"));
  const isThere = known !== undefined || (await Bun.file(path).exists());
  if (isThere && isInUse(path)) {
    throw new WarrenError("BACKUP_UNWANTED", `the registry in ${folder} is running: stop it, then restore`);
  }
  if (isThere && !force) {
    const key = known === undefined || known === keyPem ? "" : "the other key that it has now, for good, and ";
    const loss = `${key}the names that were given since ${madeAt} to peers that do not come back and show their grants`;
    throw new WarrenError("BACKUP_UNWANTED", `a registry is here already; --force replaces it, and loses ${loss}`);
  }
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const parts: [file: string, content: string | Blob][] = [
    [STORE_FILE, new Blob([database.slice()])],
    ["key.pem", keyPem],
  ];
  for (const [part, content] of parts) {
    await rm(join(folder, `${part}.restored`), { force: true });
    await writeNew(join(folder, `${part}.restored`), new Blob([content]));
  }
  for (const log of ["-wal", "-shm"]) await rm(path + log, { force: true });
  for (const [part] of parts) await rename(join(folder, `${part}.restored`), join(folder, part));
  await rm(join(folder, "certificate.pem"), { force: true }); // made again from the key
  return `the registry is as it was at ${madeAt}`;
}

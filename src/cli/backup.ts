/** Backup and restore of one identity: `peer backup`, `peer restore`, and with `--for-bot` those of a bot. */
import { mkdir, open, readFile, rename, rm } from "node:fs/promises";
import { join, resolve } from "node:path";
import { describeError, isWarrenError, WarrenError } from "../base/errors.ts";
import { identityFolder } from "../base/home.ts";
import type { PeerKind } from "../base/ids.ts";
import { sleep, systemClock } from "../base/world.ts";
import { openStore } from "../store/store.ts";
import { decodeBackup, encodeBackup } from "./backup-file.ts";
import { errorFrom, type FaceEvent } from "./events.ts";
import { keepLastName, lastName } from "./identities.ts";
import { findRunning } from "./running.ts";

const LOOK_AGAIN_MS = 50;
const PATIENCE_MS = 3_000; // one that is starting takes commands within that time

export interface Whose {
  readonly home: string;
  /** A bot of this home; else an identity of the user's: the one named, or the one used last. */
  readonly bot?: string | undefined;
  readonly name?: string | undefined;
}

/** Writes the backup, also while the identity runs. Resolves to what is told. @throws {WarrenError} */
export async function backUp(whose: Whose, file?: string): Promise<string> {
  const { home, bot } = whose;
  const kind = bot === undefined ? "person" : "bot";
  const name = bot ?? whose.name ?? (await lastName(home));
  const folder = name === undefined ? undefined : identityFolder(home, kind, name);
  const keyPem = folder === undefined ? undefined : await readIfThere(join(folder, "key.pem"));
  if (name === undefined || folder === undefined || keyPem === undefined) {
    throw new WarrenError("PEER_UNKNOWN", `${calledNobody(kind, name)} has run here: --home says where to look`);
  }
  const at = systemClock.now();
  const path = resolve(file ?? `${name}-${new Date(at).toISOString().slice(0, 19).replaceAll(":", "")}.backup`);
  const settings = await readIfThere(join(folder, "settings.json"));
  const copy = join(folder, `snapshot-${process.pid}.db`);
  await rm(copy, { force: true }); // of a process before us that had our number
  try {
    await copyDatabase(folder, copy);
    const head = { kind, name, at, keyPem, ...(settings !== undefined && { settings }) } as const;
    const size = await writeNew(path, encodeBackup(head, await readFile(copy)));
    return `${path}: ${size} bytes, with the key of ${name}: whoever has the file can be ${name}`;
  } finally {
    await rm(copy, { force: true });
  }
}

/** Puts a backup in place. Resolves to what is told. @throws {WarrenError} `BACKUP_INVALID`, `BACKUP_UNWANTED`, `IDENTITY_IN_USE` */
export async function restore(whose: Whose, file: string, force: boolean): Promise<string> {
  const { home, bot } = whose;
  const bytes = await readBackup(file);
  const { kind, name, at, keyPem, settings, database } = decodeBackup(file, bytes);
  if (kind === "registry") {
    throw new WarrenError("BACKUP_UNWANTED", `${file} is of a registry: restore it with bun run registry restore`);
  }
  const isWanted =
    bot === undefined ? kind === "person" && (whose.name ?? name) === name : kind === "bot" && bot === name;
  if (!isWanted) {
    const way = kind === "bot" ? `--for-bot ${name}` : `--name ${name}, or no name`;
    throw new WarrenError("BACKUP_UNWANTED", `${file} is of the ${kind} ${name}: restore it with ${way}`);
  }
  const folder = identityFolder(home, kind, name);
  const path = join(folder, "peer.db");
  const madeAt = new Date(at).toISOString();
  const known = await readIfThere(join(folder, "key.pem"));
  const isThere = known !== undefined || (await Bun.file(path).exists());
  if (isThere) {
    await refuseWhileRunning(name, path);
    const loss = known === undefined || known === keyPem ? "" : `the other key that ${name} has now, for good, and `;
    const lost = `${loss}all that was received, sent and stored since ${madeAt}, and what waits for others`;
    if (!force)
      throw new WarrenError("BACKUP_UNWANTED", `${name} is here already; --force replaces it, and loses ${lost}`);
  }
  await mkdir(folder, { recursive: true, mode: 0o700 });
  // Written beside what is there, and put in place last: the database goes first, as it may not be an older key's.
  const parts: [file: string, content: Blob | string][] = [
    ["peer.db", new Blob([database.slice()])],
    ["key.pem", keyPem],
  ];
  if (settings !== undefined) parts.push(["settings.json", settings]);
  for (const [part] of parts) await rm(join(folder, `${part}.restored`), { force: true });
  for (const [part, content] of parts) await writeNew(join(folder, `${part}.restored`), new Blob([content]));
  await rm(`${path}-wal`, { force: true });
  for (const [part] of parts) await rename(join(folder, `${part}.restored`), join(folder, part));
  await rm(join(folder, "certificate.pem"), { force: true }); // made again from the key
  if (kind === "person" && (await lastName(home)) === undefined) await keepLastName(home, name);
  const since = isThere ? "; what came after that is lost here" : "";
  return `${name} is as it was at ${madeAt}${since}`;
}

/** By the process that runs the identity, or alone. */
async function copyDatabase(folder: string, copy: string): Promise<void> {
  for (let waitedMs = 0; ; waitedMs += LOOK_AGAIN_MS) {
    const running = await findRunning(folder);
    if (running) {
      const answers: FaceEvent[] = [];
      await running.perform({ do: "snapshot", file: copy }, (event) => answers.push(event));
      for (const answer of answers) if (answer.event === "error") throw errorFrom(answer);
      return;
    }
    try {
      using store = openStore(join(folder, "peer.db"), systemClock);
      return store.db.copyTo(copy);
    } catch (error) {
      if (!isWarrenError(error, "IDENTITY_IN_USE") || waitedMs >= PATIENCE_MS) throw error;
      await sleep(systemClock, LOOK_AGAIN_MS);
    }
  }
}

/** A damaged database is no hindrance: it may be why there is something to restore. @throws {WarrenError} `IDENTITY_IN_USE` */
async function refuseWhileRunning(name: string, path: string): Promise<void> {
  if (!(await Bun.file(path).exists())) return;
  try {
    openStore(path, systemClock)[Symbol.dispose](); // closed in order, it leaves nothing in its log
  } catch (error) {
    if (!isWarrenError(error, "IDENTITY_IN_USE")) return;
    throw new WarrenError("IDENTITY_IN_USE", `${name} is running: stop it, then restore`, { cause: error });
  }
}

/** The bytes of a file that should be a backup. @throws {WarrenError} `BACKUP_INVALID` */
export async function readBackup(file: string): Promise<Uint8Array> {
  return await readFile(file).catch((error: unknown) => {
    throw new WarrenError("BACKUP_INVALID", `${file} cannot be read: ${describeError(error)}`, { cause: error });
  });
}

/** Mode 600, and never over a file that is there. Resolves to its size. */
export async function writeNew(path: string, content: Blob): Promise<number> {
  try {
    await using file = await open(path, "wx", 0o600);
    await file.writeFile(new Uint8Array(await content.arrayBuffer()));
    await file.sync();
    return content.size;
  } catch (error) {
    const isThere = error instanceof Error && "code" in error && error.code === "EEXIST";
    const what = isThere ? "is there already: give another name" : `cannot be written: ${describeError(error)}`;
    throw new WarrenError("BACKUP_UNWANTED", `${path} ${what}`, { cause: error });
  }
}

export async function readIfThere(path: string): Promise<string | undefined> {
  const file = Bun.file(path);
  return (await file.exists()) ? await file.text() : undefined;
}

function calledNobody(kind: PeerKind, name: string | undefined): string {
  if (name === undefined) return "nobody";
  return kind === "bot" ? `no bot named ${name}` : `nobody named ${name}`;
}

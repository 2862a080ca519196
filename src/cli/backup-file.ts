/** Backup file: all that an identity or a registry is, in one file. A line of JSON with the key, a line feed, and the bytes of its database. */
import { WarrenError } from "../base/errors.ts";
import { isName, type PeerKind } from "../base/ids.ts";

const VERSION = 1;

export interface BackupHead {
  readonly kind: PeerKind | "registry";
  readonly name: string;
  /** When it was made, in epoch ms. */
  readonly at: number;
  readonly keyPem: string;
  /** What `settings.json` holds, if there is one. */
  readonly settings?: string;
}

export function encodeBackup(head: BackupHead, database: Uint8Array): Blob {
  const fields = { warrenBackup: VERSION, ...head };
  const line = JSON.stringify({ ...fields, sha256: sumOf(fields, database) });
  return new Blob([`${line}\n`, database.slice()]);
}

/** @throws {WarrenError} `BACKUP_INVALID` saying what is wrong with the file called `file` */
export function decodeBackup(file: string, bytes: Uint8Array): BackupHead & { readonly database: Uint8Array } {
  const end = bytes.indexOf(0x0a);
  let head: unknown;
  try {
    head = JSON.parse(new TextDecoder().decode(bytes.subarray(0, Math.max(end, 0))));
  } catch {
    throw invalid(file, "is no backup made by Warren"); // not even a line of JSON
  }
  const fields: Record<string, unknown> = typeof head === "object" && head !== null ? { ...head } : {};
  const { sha256, ...summed } = fields;
  const { warrenBackup, kind, name, at, keyPem, settings } = summed;
  if (typeof warrenBackup !== "number") throw invalid(file, "is no backup made by Warren");
  if (warrenBackup > VERSION) throw invalid(file, "was made by a newer Warren: update Warren");
  const isKind = kind === "person" || kind === "bot" || kind === "registry";
  if (!isKind || typeof name !== "string" || !isName(name) || typeof at !== "number" || typeof keyPem !== "string") {
    throw invalid(file, "is damaged: its first line does not say whose it is");
  }
  const database = bytes.subarray(end + 1);
  if (sumOf(summed, database) !== sha256) throw invalid(file, "is damaged or cut short: take another copy");
  return { kind, name, at, keyPem, database, ...(typeof settings === "string" && { settings }) };
}

/** Over all of it: a key with one letter changed would be another peer. */
function sumOf(fields: Record<string, unknown>, database: Uint8Array): string {
  return new Bun.SHA256()
    .update(`${JSON.stringify(fields)}\n`)
    .update(database)
    .digest("hex");
}

function invalid(file: string, what: string): WarrenError {
  return new WarrenError("BACKUP_INVALID", `${file} ${what}`);
}

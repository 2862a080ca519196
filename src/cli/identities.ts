/** The identities of a home: their folders, what each of them keeps, and which was used last. */
import { mkdir, readdir, readFile, rename, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { describeError, WarrenError } from "../base/errors.ts";
import { identityFolder } from "../base/home.ts";
import { isName } from "../base/ids.ts";

/** What an identity was told at its first start and is never asked again. */
export interface Settings {
  /** 0 is any free port. */
  readonly port: number;
}

export function personFolder(home: string, name: string): string {
  return identityFolder(home, "person", name);
}

/** The names that have an identity here, sorted. */
export async function identityNames(home: string): Promise<string[]> {
  const names = await readdir(dirname(personFolder(home, "any"))).catch(ifMissing<string[]>([]));
  const kept = await Promise.all(names.map((name) => Bun.file(join(personFolder(home, name), "key.pem")).exists()));
  return names.filter((name, index) => isName(name) && kept[index]).sort();
}

/** The name that was used last, or undefined in a new home. */
export async function lastName(home: string): Promise<string | undefined> {
  const name = (await readFile(join(home, "last"), "utf8").catch(ifMissing(""))).trim();
  return isName(name) ? name : undefined;
}

export async function keepLastName(home: string, name: string): Promise<void> {
  await writeWhole(home, "last", `${name}\n`);
}

/** Undefined for an identity that was never asked; a damaged file counts as none, because all of it can be asked again. */
export async function readSettings(home: string, name: string): Promise<Settings | undefined> {
  const text = await readFile(join(personFolder(home, name), "settings.json"), "utf8").catch(ifMissing("{}"));
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined; // nothing is lost: the file holds a port, and the next start writes it anew
  }
  const port: unknown = typeof value === "object" && value !== null && "port" in value ? value.port : undefined;
  return typeof port === "number" && isPort(port) ? { port } : undefined;
}

export async function keepSettings(home: string, name: string, settings: Settings): Promise<void> {
  await writeWhole(personFolder(home, name), "settings.json", `${JSON.stringify(settings)}\n`);
}

export function isPort(port: number): boolean {
  return Number.isSafeInteger(port) && port >= 0 && port <= 65_535;
}

/** The first free one of `name-2`, `name-3` … */
export function nextName(name: string, taken: readonly string[]): string {
  for (let n = 2; ; n++) {
    const next = `${name.slice(0, 28)}-${n}`;
    if (!taken.includes(next)) return next;
  }
}

/** Writes all or nothing. */
async function writeWhole(folder: string, file: string, text: string): Promise<void> {
  const path = join(folder, file);
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    await writeFile(`${path}.${process.pid}`, text, { mode: 0o600 });
    await rename(`${path}.${process.pid}`, path);
  } catch (error) {
    const message = `${folder} cannot be written (${describeError(error)}): give another folder with --home`;
    throw new WarrenError("HOME_UNWRITABLE", message, { cause: error });
  }
}

/** For a read that is no failure when nothing is there. */
function ifMissing<Value>(instead: Value): (error: unknown) => Value {
  return (error) => {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return instead;
    const message = `the data folder cannot be read (${describeError(error)}): give another one with --home`;
    throw new WarrenError("HOME_UNWRITABLE", message, { cause: error });
  };
}

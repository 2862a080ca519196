/** Sources: the files that a bot is made of, and a fingerprint of what is in them. */
import { readFileSync, realpathSync } from "node:fs";
import { dirname, join, sep } from "node:path";
import { fileURLToPath } from "node:url";

/** Not a bot's own: they do not change while it runs. */
const WARREN = fileURLToPath(new URL("..", import.meta.url));
const PACKAGES = `${sep}node_modules${sep}`;

const transpiler = new Bun.Transpiler({ loader: "tsx" });
const plainTranspiler = new Bun.Transpiler({ loader: "ts" }); // in it, <T>value is no element

export interface Sources {
  /** Changes when a file changes, comes or goes, and not when it is only touched. */
  readonly hash: string;
  /** Where a change is to be looked for, absolute. */
  readonly folders: ReadonlySet<string>;
  /** One of them is not there: it does not exist, or is just being saved. */
  readonly isIncomplete: boolean;
}

/** Reads a bot's file, and the files of the project that it imports, directly or not. Packages and Warren are not among them. */
export function readSources(file: string): Sources {
  const hash = new Bun.CryptoHasher("sha256");
  const folders = new Set<string>([dirname(file)]);
  const seen = new Set([file]);
  let isIncomplete = false;
  for (const path of seen) {
    const source = read(path);
    isIncomplete ||= source === undefined;
    hash.update(`${path}\0${source?.length ?? "none"}\0`).update(source ?? "");
    folders.add(dirname(path)).add(dirname(real(path)));
    if (source && /\.[cm]?[jt]sx?$/.test(path)) for (const target of imports(path, source.toString())) seen.add(target);
  }
  return { hash: hash.digest("hex"), folders, isIncomplete };
}

function read(path: string): Buffer | undefined {
  try {
    return readFileSync(path);
  } catch {
    return undefined; // whoever loads it will say what is wrong with it
  }
}

function real(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}

function imports(path: string, source: string): string[] {
  const folder = dirname(path);
  try {
    const found = (path.endsWith("x") ? transpiler : plainTranspiler).scanImports(source);
    return found.flatMap((one) => resolve(one.path, folder)).filter(isOwn);
  } catch {
    return []; // it cannot be parsed: until it can, nothing below it matters
  }
}

function resolve(target: string, folder: string): string[] {
  try {
    return [Bun.resolveSync(target, folder)];
  } catch {
    return target.startsWith(".") ? [join(folder, target)] : []; // it may come
  }
}

/** What comes with Bun has no path at all. */
function isOwn(path: string): boolean {
  return path.startsWith(sep) && !path.includes(PACKAGES) && !path.startsWith(WARREN);
}

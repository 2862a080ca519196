/** Quarantine: which bots stay off because they kept crashing. It is on disk, so that no restart begins the crashes again. */
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { z } from "zod";
import { identityFolder } from "../base/home.ts";
import { nameFrom } from "../base/ids.ts";

const FILE_NAME = "quarantine.json";

const shape = z.object({
  /** The bot's file, absolute. */
  file: z.string(),
  /** Fingerprint of its sources: with others it is another bot. */
  hash: z.string(),
  cause: z.string(),
  /** Epoch ms. */
  at: z.number(),
});

export type Confinement = z.infer<typeof shape>;

export class Quarantine {
  readonly #home: string;

  constructor(home: string) {
    this.#home = home;
  }

  /** Why the bot of a file stays off, if it does, and where that is written. */
  find(file: string): (Confinement & { path: string }) | undefined {
    for (const folder of readFolder(join(this.#home, "bots"))) {
      const path = join(this.#home, "bots", folder, FILE_NAME);
      const confinement = readConfinement(path);
      if (confinement?.file === file) return { ...confinement, path };
    }
    return undefined;
  }

  /** Returns where it is written. */
  add(name: string, confinement: Confinement): string {
    const path = join(identityFolder(this.#home, "bot", nameFrom(name) ?? "bot"), FILE_NAME);
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    writeFileSync(path, `${JSON.stringify(confinement, undefined, 2)}\n`, { mode: 0o600 });
    return path;
  }

  lift(file: string): void {
    const found = this.find(file);
    if (found) rmSync(found.path, { force: true });
  }
}

function readFolder(path: string): string[] {
  try {
    return readdirSync(path);
  } catch {
    return []; // no bot ever ran here
  }
}

function readConfinement(path: string): Confinement | undefined {
  try {
    return shape.safeParse(JSON.parse(readFileSync(path, "utf8"))).data;
  } catch {
    return undefined; // there is none, or it is unreadable: then the bot runs, and is confined anew if it must be
  }
}

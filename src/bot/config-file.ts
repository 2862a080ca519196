/** Config file: where the users of bots write down what they set. */
import { readFileSync } from "node:fs";
import { join } from "node:path";

export const CONFIG_FILE = "warren.toml";

/** Where it may be: beside the bots, and in the home. The first that is there is the one that counts. */
export function configFiles(folder: string, home: string): string[] {
  return [folder, home].map((place) => join(place, CONFIG_FILE));
}

/** Changes when one of the files changes, comes or goes. */
export function configHash(files: readonly string[]): string {
  const hash = new Bun.CryptoHasher("sha256");
  for (const file of files) {
    try {
      hash.update(readFileSync(file)).update("\0there\0");
    } catch {
      hash.update("\0none\0"); // whoever needs it will say what is wrong with it
    }
  }
  return hash.digest("hex");
}

/** Place: where in somebody's own code an error came from, for the one line that a log has for it. */
import { basename, dirname } from "node:path";
import { describeError } from "../base/errors.ts";

const WARREN = `${dirname(import.meta.dir)}/`;

/** `dice.ts:3:7`: the innermost line of the stack that is neither Warren's nor of a package; if there is none, that of its cause. */
export function placeOf(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  for (const line of error.stack?.split("\n") ?? []) {
    const [, file, place] = /(\/[^()]+?)(:\d+:\d+)\)?$/.exec(line) ?? [];
    if (file && !file.startsWith(WARREN) && !file.includes("/node_modules/")) return `${basename(file)}${place}`;
  }
  return placeOf(error.cause);
}

/** What `describeError` says, and the place where it is known: `no dice (dice.ts:3:7)`. */
export function describeWithPlace(error: unknown): string {
  const place = placeOf(error);
  return place === undefined ? describeError(error) : `${describeError(error)} (${place})`;
}

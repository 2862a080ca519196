/**
 * Several at once: `bun test` without another word becomes `bun run test`, which runs more than one file at a time, as many of
 * them wait for processes. Bun has flags for that and no setting. With any word more it does just what it is told.
 */
import { readFileSync } from "node:fs";

if (isBare()) {
  const { exitCode } = Bun.spawnSync([process.execPath, "run", "test"], { stdio: ["inherit", "inherit", "inherit"] });
  process.exit(exitCode);
}

/** What comes after `bun test` is nowhere in `process.argv`; where the system does not tell it, all goes one after another. */
function isBare(): boolean {
  try {
    const [, ...words] = readFileSync("/proc/self/cmdline", "utf8").split("\0");
    return words.join(" ").trim() === "test";
  } catch {
    return false;
  }
}

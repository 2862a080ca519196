/**
 * What every program of Warren has in common: where its data lives, and how it ends. An entry file imports this file
 * alone and loads the rest inside `run`, because what an older Bun cannot even load must come after the check.
 */
import { describeError, isWarrenError, WarrenError } from "../base/errors.ts";
import { isNobodyReading, printed } from "./output.ts";

export { resolveHome } from "../base/home.ts";

/** `engines` in package.json says the same; the test compares them. */
export const OLDEST_BUN = "1.4.5";

/** What the shell is told. */
export const EXIT = { done: 0, failed: 1, usage: 2, notYet: 3 } as const;

/**
 * Runs a program to its end and leaves the process: with the code that `main` resolves to (0 for none), 1 after a
 * failure, 2 after wrong usage. A failure is one line on standard error; `--debug` adds where it came from.
 *
 * An error that nobody caught is the end too: it may have left anything half done, and what is on disk is whole. Bun
 * itself would print it and go on, as long as the entry file awaits.
 */
export async function run(main: () => Promise<number | void>): Promise<never> {
  const uncaught = Promise.withResolvers<never>();
  const onUncaught = (error: unknown): void => {
    if (!isNobodyReading(error)) uncaught.reject(error); // whoever has closed our standard error ends no registry by that
  };
  for (const event of ["uncaughtException", "unhandledRejection"]) process.on(event, onUncaught);
  let code: number;
  try {
    checkBun(Bun.version);
    code = (await Promise.race([main(), uncaught.promise])) ?? EXIT.done;
  } catch (error) {
    code = await report(error);
  }
  await printed();
  process.exit(code);
}

/** Aborted when the user or the system asks the program to end; asked again, it ends at once. */
export function interruption(): AbortSignal {
  const controller = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.once(signal, () => controller.abort(signal));
  return controller.signal;
}

/** @throws {WarrenError} `BUN_TOO_OLD` */
export function checkBun(version: string): void {
  if (Bun.semver.order(version, OLDEST_BUN) >= 0) return;
  throw new WarrenError(
    "BUN_TOO_OLD",
    `this is Bun ${version}; Warren needs ${OLDEST_BUN} or newer: run "bun upgrade"`,
  );
}

async function report(error: unknown): Promise<number> {
  const debug = process.argv.includes("--debug");
  if (isWarrenError(error)) {
    process.stderr.write(`warren: ${error.message}\n${debug ? `${Bun.inspect(error)}\n` : ""}`);
    return error.code === "USAGE" ? EXIT.usage : EXIT.failed;
  }
  const { CommanderError } = await import("commander");
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.done : EXIT.usage; // it has said what is wrong
  const more = debug ? `\n${Bun.inspect(error)}` : " (--debug shows where)";
  process.stderr.write(`warren: unexpected: ${describeError(error)}${more}\n`);
  return EXIT.failed;
}

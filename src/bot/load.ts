/** Load: a bot's file becomes its plugin, or one line about what is wrong with it. */
import { existsSync } from "node:fs";
import { basename } from "node:path";
import { pathToFileURL } from "node:url";
import { describeError, WarrenError } from "../base/errors.ts";
import { placeOf } from "./place.ts";
import { checkPlugin, type Plugin } from "./plugin.ts";

/** @throws {WarrenError} `PLUGIN_LOAD_FAILED` with file, line and reason; `PLUGIN_INVALID` when it exports no plugin */
export async function loadPlugin(file: string): Promise<Plugin> {
  if (!existsSync(file)) throw new WarrenError("PLUGIN_LOAD_FAILED", `there is no file ${file}`);
  let module: { default?: unknown };
  try {
    module = await import(pathToFileURL(file).href);
  } catch (error) {
    throw new WarrenError("PLUGIN_LOAD_FAILED", `${place(file, error)}: ${describeError(firstOf(error))}`, {
      cause: error,
    });
  }
  if (module.default === undefined) {
    throw new WarrenError("PLUGIN_INVALID", `${basename(file)}: write "export default definePlugin({ … })"`);
  }
  try {
    checkPlugin(module.default);
  } catch (error) {
    throw new WarrenError("PLUGIN_INVALID", `${basename(file)}: ${describeError(error)}`, { cause: error });
  }
  return module.default;
}

/** A file with several syntax errors fails with all of them; the first is the one to mend. */
function firstOf(error: unknown): unknown {
  return error instanceof AggregateError && error.errors.length > 0 ? error.errors[0] : error;
}

/** `dice.ts:3:7`, as far as the error knows; it may be about a file that this one imports. */
function place(file: string, error: unknown): string {
  const first = firstOf(error);
  if (typeof first !== "object" || first === null || !("position" in first)) return placeOf(first) ?? basename(file);
  const { file: where, line, column } = (first.position ?? {}) as { file?: string; line?: number; column?: number };
  return where === undefined ? basename(file) : `${basename(where)}:${line}:${column}`;
}

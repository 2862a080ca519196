/** Home: the folder where everything of a user's Warren lives. */
import { homedir } from "node:os";
import { join, resolve } from "node:path";

type Environment = Readonly<Record<string, string | undefined>>;

/** The data folder, absolute: the option, else WARREN_HOME, else $XDG_DATA_HOME/warren, else ~/.local/share/warren. */
export function resolveHome(option?: string, environment: Environment = process.env): string {
  const chosen = option || environment["WARREN_HOME"];
  if (chosen) return resolve(chosen);
  // Relative paths in it are to be ignored: XDG Base Directory Specification 0.8.
  const data = environment["XDG_DATA_HOME"];
  return join(data?.startsWith("/") ? data : join(homedir(), ".local", "share"), "warren");
}

/** Everything that belongs to one identity: key, certificate, database. */
export function identityFolder(home: string, kind: "person" | "bot", name: string): string {
  return join(home, kind === "bot" ? "bots" : "peers", name);
}

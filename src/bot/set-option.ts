/** Set option: one setting of a bot as the command line gives it. Apart, so that a command line is read without zod. */
import { WarrenError } from "../base/errors.ts";
import { isName } from "../base/ids.ts";

/** `webhook.port=8080` in its parts. @throws {WarrenError} `USAGE` */
export function readSet(text: string): { name: string; key: string; value: string } {
  const [, name = "", key = "", value = ""] = /^([^.=]+)\.([^.=]+)=([^]*)$/.exec(text) ?? [];
  if (isName(name) && key !== "") return { name, key, value };
  // What comes after the sign, or after a space in its place, may be a secret.
  throw new WarrenError(
    "USAGE",
    `--set ${text.split(/[=\s]/, 1)[0]}: expected <name>.<key>=<value>, as in webhook.port=8080`,
  );
}

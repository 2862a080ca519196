/** Why a registry cannot listen, in words that say what to do. */
import { describeError, WarrenError } from "../base/errors.ts";
import { formatAddress } from "../base/ids.ts";

export function cannotListen(host: string, port: number, cause: unknown): WarrenError {
  const code = cause instanceof Error && "code" in cause ? cause.code : undefined;
  if (code === "EADDRINUSE") {
    return new WarrenError("PORT_IN_USE", `port ${port} is in use: give another with --port, or 0 for any free one`, {
      cause,
    });
  }
  const text = `cannot listen on ${formatAddress({ host, port })} (${describeError(cause)}): give another with --host or --port`;
  return new WarrenError("HOST_UNAVAILABLE", text, { cause });
}

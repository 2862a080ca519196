/** Matters: what kind of trouble an error with a registry is, for the client that meets it. */
import { isWarrenError, WarrenError } from "../base/errors.ts";

const OWN = ["NAME_TAKEN", "TWO_INSTANCES", "RECORD_STALE", "RECORD_INVALID", "CLOSED"] as const;
const PASSING = [
  "REGISTRY_UNREACHABLE",
  "CONNECTION_LOST",
  "RECORD_STALE",
  "RATE_LIMITED",
  "REGISTRY_BUSY",
  "CLOSED",
] as const;

/** The registry has said that it has lost sight of many peers. */
export function staleView(url: string): WarrenError {
  const text = `the registry at ${url} has lost sight of many peers at once: some that it shows as online may be gone`;
  return new WarrenError("REGISTRY_STALE", text);
}

/** Another registry would not mend it. */
export function isOwnMatter(error: unknown): boolean {
  return isWarrenError(error, ...OWN);
}

/** It goes away by itself: that the connection is lost is told, and no more. */
export function isPassing(error: unknown): boolean {
  return isWarrenError(error, ...PASSING);
}

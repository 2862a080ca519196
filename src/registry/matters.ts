/** Matters: what kind of trouble an error with a registry is, for the client that meets it. */
import { isWarrenError } from "../base/errors.ts";

const OWN = ["NAME_TAKEN", "TWO_INSTANCES", "RECORD_STALE", "RECORD_INVALID", "CLOSED"] as const;
const PASSING = [
  "REGISTRY_UNREACHABLE",
  "CONNECTION_LOST",
  "RECORD_STALE",
  "RATE_LIMITED",
  "REGISTRY_BUSY",
  "CLOSED",
] as const;

/** Another registry would not mend it. */
export function isOwnMatter(error: unknown): boolean {
  return isWarrenError(error, ...OWN);
}

/** It goes away by itself: that the connection is lost is told, and no more. */
export function isPassing(error: unknown): boolean {
  return isWarrenError(error, ...PASSING);
}

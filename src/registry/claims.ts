/** Claims: who has a name, as every store decides it. */
import type { PeerId } from "../base/ids.ts";
import { GRANT_DAYS } from "./grant.ts";
import type { RegistryLimits } from "./limits.ts";
import type { Registration } from "./store.ts";
import type { Tables } from "./tables.ts";

export type Decision =
  { kind: "granted"; since: number; displaced: PeerId | undefined } | Extract<Registration, { kind: "taken" | "full" }>;

export interface NameClaim {
  readonly name: string;
  readonly id: PeerId;
  readonly grantedSince?: number | undefined;
  /** When the name was last given back, epoch ms: grants from before are void. */
  readonly releasedAt?: number | undefined;
  /** Epoch ms: since when it has the name, if it is the first. */
  readonly now: number;
}

export function decideClaim(tables: Tables, limits: RegistryLimits, claim: NameClaim): Decision {
  const { name, id, now, releasedAt = -Infinity } = claim;
  const grantedSince = (claim.grantedSince ?? -Infinity) < releasedAt ? undefined : claim.grantedSince;
  const holder = tables.name(name);
  const wins = !holder || holder.id === id || (grantedSince !== undefined && grantedSince < holder.since);
  if (!wins) return { kind: "taken", holder: { id: holder.id, since: holder.since } };
  if (holder?.id !== id) {
    const why = whyNoRoom(tables, limits, id, holder === undefined);
    if (why !== undefined) return { kind: "full", why };
  }
  const own = holder?.id === id ? holder.since : now;
  const displaced = holder && holder.id !== id ? holder.id : undefined;
  return { kind: "granted", since: Math.min(own, grantedSince ?? own), displaced };
}

/** When a name is given back that its holder has since then: not in the very moment in which a grant of it began. */
export function releaseTime({ since }: { since: number }, now: number): number {
  return Math.max(now, since + 1);
}

function whyNoRoom(tables: Tables, limits: RegistryLimits, id: PeerId, isNewName: boolean): string | undefined {
  const { maxNames, maxNamesPerKey } = limits;
  if (tables.countNames(id) >= maxNamesPerKey) {
    return `this key holds ${maxNamesPerKey} names already; one that is not used is free after ${GRANT_DAYS} days`;
  }
  if (isNewName && tables.countNames() >= maxNames) return `this registry is full (${maxNames} names)`;
  return undefined;
}

/** Upkeep: what a peer does again and again for as long as it is open. */
import type { Address } from "../base/ids.ts";
import type { Clock } from "../base/world.ts";
import { Chores } from "./chores.ts";
import { Surroundings } from "./surroundings.ts";

const EXPIRE_MS = 60_000;
/** How soon another network is noticed. */
const LOOK_AROUND_MS = 5_000;

export interface UpkeepHost {
  /** Gives up what is too old. */
  expire(): void;
  addresses(): readonly Address[];
  /** In another network the connections of the old one may be dead, and others must be told where we are. */
  moved(): void;
}

/** Goes on until the result is disposed of. */
export function beginUpkeep(clock: Clock, host: UpkeepHost): Disposable {
  const chores = new Chores(clock);
  chores.every(EXPIRE_MS, () => host.expire());
  const surroundings = new Surroundings(
    () => host.addresses(),
    () => host.moved(),
  );
  chores.every(LOOK_AROUND_MS, () => surroundings.look());
  return chores;
}

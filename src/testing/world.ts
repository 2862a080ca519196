/** A world that is the same again for the same seed: its clock, its random numbers, its network. */
import type { World } from "../base/world.ts";
import { ManualClock } from "./manual-clock.ts";
import { seededRandom, seededToken } from "./random.ts";

export interface SimulatedWorld extends World {
  readonly clock: ManualClock;
}

export function createSimulatedWorld(seed: number): SimulatedWorld {
  const random = seededRandom(seed);
  return { clock: new ManualClock(), random, token: seededToken(random) };
}

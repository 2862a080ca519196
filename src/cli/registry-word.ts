/** The registry's word: whether it takes a peer that has just been opened. */
import type { Clock } from "../base/world.ts";
import type { Directory } from "../peer/directory.ts";

/** A registry that says nothing for so long is not waited for by whoever sits at a terminal. */
const PATIENCE_MS = 1_500;

/**
 * Resolves when the registry takes the peer, when it does not answer, or after `ms` at the latest. To be called in the turn
 * in which the peer was opened: what was said before is not heard.
 */
export async function registryWord(
  directory: Directory | undefined,
  clock: Clock,
  ms: number = PATIENCE_MS,
): Promise<void> {
  if (!directory || directory.isConnected) return;
  const { promise, resolve } = Promise.withResolvers<void>();
  const ends = [directory.on("connected", resolve), directory.on("disconnected", () => resolve())];
  using _ = clock.after(ms, resolve);
  await promise;
  for (const end of ends) end();
}

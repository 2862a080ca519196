/** Greeting: the registry's first frame, as its caller checks it: that it is for this connection, and whose it is. */
import { WarrenError } from "../base/errors.ts";
import { shortId, type PeerId } from "../base/ids.ts";
import type { ServerFrame } from "./frames.ts";
import { registryChanged } from "./lookup.ts";
import { pinnedKey, type RegistryMemory } from "./memory.ts";
import { openChallenge, type Challenge } from "./proof.ts";

/** The challenge of this connection, whoever's it is. @throws {WarrenError} `REGISTRY_UNUSABLE` */
export async function readGreeting(frame: ServerFrame, url: string, nonce: string): Promise<Challenge> {
  if (frame.t !== "challenge") throw unusable(url, `it began with "${frame.t}"`);
  const challenge = await openChallenge(frame.challenge);
  if (challenge.dialled !== nonce) throw unusable(url, "its challenge is for another connection");
  return challenge;
}

/** What to tell when the registry at `url` has another key than before. @throws {WarrenError} `REGISTRY_CHANGED` unless it is accepted */
export function changeOfKey(
  url: string,
  registry: PeerId,
  { memory, isAccepted }: { memory: RegistryMemory; isAccepted: boolean },
): WarrenError | undefined {
  const pinned = pinnedKey(memory, url);
  if (pinned === undefined || pinned === registry) return undefined;
  if (!isAccepted) throw registryChanged(url, pinned, registry);
  const keys = `its key is ${shortId(registry)}, and was ${shortId(pinned)}`;
  const text = `the registry at ${url} is another one than before (${keys}): going on with it`;
  return new WarrenError("REGISTRY_CHANGED", text);
}

export function unusable(url: string, why: string, cause?: unknown): WarrenError {
  return new WarrenError("REGISTRY_UNUSABLE", `what answers at ${url} is no registry that can be used: ${why}`, {
    cause,
  });
}

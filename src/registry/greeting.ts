/** Greeting: the registry's first frame, as its caller checks it. */
import { WarrenError } from "../base/errors.ts";
import type { ServerFrame } from "./frames.ts";
import { openChallenge, type Challenge } from "./proof.ts";

/** The challenge of this connection, whoever's it is. @throws {WarrenError} `REGISTRY_UNUSABLE` */
export async function readGreeting(frame: ServerFrame, url: string, nonce: string): Promise<Challenge> {
  if (frame.t !== "challenge") throw unusable(url, `it began with "${frame.t}"`);
  const challenge = await openChallenge(frame.challenge);
  if (challenge.dialled !== nonce) throw unusable(url, "its challenge is for another connection");
  return challenge;
}

export function unusable(url: string, why: string, cause?: unknown): WarrenError {
  return new WarrenError("REGISTRY_UNUSABLE", `what answers at ${url} is no registry that can be used: ${why}`, {
    cause,
  });
}

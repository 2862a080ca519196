/** Invites: what a closed registry gives out. Each names the key of its registry, so that it is shown to no other one. */
import { WarrenError } from "../base/errors.ts";
import { isPeerId, type PeerId } from "../base/ids.ts";

export interface Invite {
  /** By which its operator knows it. */
  readonly id: string;
  /** What is handed to a person; it is not kept. */
  readonly text: string;
}

export function formatInvite(registry: PeerId, secret: string): string {
  return `${registry}.${secret}`;
}

/** @throws {WarrenError} `INVITE_INVALID`, without a word of what was given */
export function parseInvite(text: string): { registry: PeerId; secret: string } {
  const [, registry = "", secret = ""] = /^([a-z2-7]{52})\.(\w{32})$/.exec(text.trim()) ?? [];
  if (isPeerId(registry)) return { registry, secret };
  throw new WarrenError("INVITE_INVALID", "that is no invite, or not all of one: copy it whole, 85 characters");
}

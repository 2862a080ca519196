/** Login: what a client shows a registry to be let in, and what it keeps of the answer. */
import type { PeerId } from "../base/ids.ts";
import type { Identity } from "../identity/identity.ts";
import type { ErrorFrame, ServerFrame } from "./frames.ts";
import { openGrant } from "./grant.ts";
import { unusable } from "./greeting.ts";
import type { Link } from "./link.ts";
import { forgetInvite, keepGrant, keepPass, keptGrant, keptInvite, type RegistryMemory } from "./memory.ts";
import { signLogin, type Challenge } from "./proof.ts";

export interface Applicant {
  readonly identity: Identity;
  readonly memory: RegistryMemory;
  /** Of the registry, as it was dialled. */
  readonly url: string;
}

export interface Application extends Applicant {
  /** The signed record, and the name in it. */
  readonly record: string;
  readonly name: string;
  /** Do not take over from another process of this key. */
  readonly ifFree: boolean;
}

export type Welcome = Extract<ServerFrame, { t: "welcome" }>;

/** Resolves with the registry's answer. @throws {WarrenError} `REGISTRY_UNUSABLE` if it is none, `CONNECTION_LOST` */
export async function logIn(
  link: Link,
  { registry, nonce }: Challenge,
  { identity, memory, url, record, name, ifFree }: Application,
): Promise<Welcome | ErrorFrame> {
  const login = await signLogin({ id: identity.id, registry, nonce, origin: url }, identity.privateKey);
  const grant = keptGrant(memory, registry, name);
  const invite = keptInvite(memory, registry);
  link.send({ t: "login", login, record, grant, ifFree, invite });
  const frame = await link.next();
  if (frame.t === "welcome" || (frame.t === "error" && frame.code === "INVITE_INVALID")) forgetInvite(memory, registry);
  if (frame.t === "error") return frame;
  if (frame.t !== "welcome") throw unusable(url, `it answered a login with "${frame.t}"`);
  await acceptGrant(frame.grant, registry, name, { identity, memory, url });
  keepPass(memory, registry, frame.pass);
  return frame;
}

/** Keeps a grant that was given for `name`. @throws {WarrenError} `REGISTRY_UNUSABLE` if it does not hold */
export async function acceptGrant(
  grant: string,
  registry: PeerId,
  name: string,
  { identity, memory, url }: Applicant,
): Promise<void> {
  try {
    await openGrant(grant, { registry, name, id: identity.id });
  } catch (error) {
    throw unusable(url, "it gave a grant that does not hold", error);
  }
  keepGrant(memory, registry, name, grant);
}

/** Release: gives a name back to a registry, so that anybody may have it. No login is needed, and none is made. */
import { WarrenError } from "../base/errors.ts";
import { oneLine } from "../base/log.ts";
import type { World } from "../base/world.ts";
import type { Identity } from "../identity/identity.ts";
import { changeOfKey, readGreeting, unusable } from "./greeting.ts";
import { Link } from "./link.ts";
import { askForKey } from "./lookup.ts";
import { forgetName, type RegistryMemory } from "./memory.ts";
import { signRelease } from "./proof.ts";

export interface ReleaseOptions {
  /** Of the registry; its origin. */
  url: string;
  name: string;
  identity: Identity;
  memory: RegistryMemory;
  world: World;
  /** PEM; see `LookUpOptions`. */
  authority?: string | undefined;
}

/**
 * @throws {WarrenError} `REGISTRY_UNREACHABLE`, `REGISTRY_UNTRUSTED`, `REGISTRY_UNUSABLE`, `REGISTRY_CHANGED`, `REGISTRY_REFUSED`
 *   where the key does not hold the name
 */
export async function releaseName({ url, name, identity, memory, world, authority }: ReleaseOptions): Promise<void> {
  const dialled = world.token(32);
  using link = new Link(url, dialled, world.clock, { authority });
  const first = await link.next().catch(async (cause: unknown) => {
    await askForKey(url, { clock: world.clock, authority }); // it may know better why
    throw new WarrenError("REGISTRY_UNREACHABLE", `the registry at ${url} does not answer`, { cause });
  });
  const { registry, nonce } = await readGreeting(first, url, dialled);
  changeOfKey(url, registry, { memory, isAccepted: false });
  const { id, privateKey } = identity;
  link.send({ t: "release", release: await signRelease({ id, registry, nonce, origin: url, name }, privateKey) });
  const answer = await link.next();
  if (answer.t === "error") {
    throw new WarrenError(answer.code, `the registry at ${url} says: ${oneLine(answer.message)}`);
  }
  if (answer.t !== "released") throw unusable(url, `it answered a release with "${answer.t}"`);
  forgetName(memory, registry, name); // its grant is worth nothing any more
}

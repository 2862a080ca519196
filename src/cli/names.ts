/** `peer release`, `transfer` and `take`: what becomes of the names of an identity that does not run. */
import { join } from "node:path";
import { isWarrenError, WarrenError } from "../base/errors.ts";
import { identityFolder } from "../base/home.ts";
import { shortId, type PeerId } from "../base/ids.ts";
import { systemWorld } from "../base/world.ts";
import { openIdentity, type Identity } from "../identity/identity.ts";
import { readAuthority } from "../registry/authority.ts";
import { openGrant } from "../registry/grant.ts";
import { keepTransfer, keptGrant, pinnedKey } from "../registry/memory.ts";
import { releaseName as giveBack } from "../registry/release.ts";
import { openTransfer, signTransfer } from "../registry/transfer.ts";
import { parseRegistryUrls } from "../registry/url.ts";
import { openStore, type Store } from "../store/store.ts";
import { print } from "./output.ts";

export interface Owner {
  readonly home: string;
  /** A bot of this home; else the identity `name` of the user's. */
  readonly bot?: string | undefined;
  readonly name: string;
  /** A URL, several, or "none". */
  readonly registry: string;
  readonly registryCa: string | undefined;
  readonly json: boolean;
}

/** @throws {WarrenError} what `releaseName` of the registry's client throws */
export async function releaseName(owner: Owner, name: string): Promise<void> {
  await withIdentity(owner, async ({ identity, store }) => {
    const { url } = await holding(owner, store, identity, name);
    const authority = await readAuthority(owner.registryCa, url);
    await giveBack({ url, name, identity, memory: store.settings, world: systemWorld, authority });
    tell(
      owner,
      { event: "released", name, registry: url },
      `${name} is nobody's any more at ${url}: whoever asks first has it`,
    );
  });
}

/** Prints the statement by which `to` can take the name. */
export async function transferName(owner: Owner, name: string, to: PeerId): Promise<void> {
  await withIdentity(owner, async ({ identity, store }) => {
    if (to === identity.id) throw new WarrenError("USAGE", `${name} is that key's already`);
    const { registry, since } = await holding(owner, store, identity, name);
    const body = { registry, name, from: identity.id, to, since };
    const statement = await signTransfer(body, identity.privateKey);
    tell(owner, { event: "transfer", name, to, statement }, statement);
    if (!owner.json)
      process.stderr.write(`its owner says: bun run peer take ${name} <this statement>, and goes online\n`);
  });
}

/** Keeps the statement: it is shown at every login under that name. */
export async function takeName(owner: Owner, name: string, statement: string): Promise<void> {
  const transfer = await openTransfer(statement.trim());
  if (transfer.name !== name) throw new WarrenError("TRANSFER_INVALID", `it hands on ${transfer.name}, not ${name}`);
  const run = async ({ identity, store }: Opened): Promise<void> => {
    if (transfer.to !== identity.id) {
      const text = `it hands ${name} on to the key ${transfer.to}, and this identity is ${identity.id}: ask for a transfer to that`;
      throw new WarrenError("TRANSFER_INVALID", text);
    }
    keepTransfer(store.settings, name, statement.trim());
    const text = `${name} is taken over from ${shortId(transfer.from)} when you go online at the registry ${shortId(transfer.registry)}`;
    tell(owner, { event: "taken", name, from: transfer.from, registry: transfer.registry }, text);
    await Promise.resolve();
  };
  await withIdentity(owner, run);
}

interface Opened {
  readonly identity: Identity;
  readonly store: Store;
}

/** @throws {WarrenError} `PEER_UNKNOWN` when it was never made, `IDENTITY_IN_USE` while it runs */
async function withIdentity({ home, bot, name }: Owner, run: (opened: Opened) => Promise<void>): Promise<void> {
  const folder = identityFolder(home, bot === undefined ? "person" : "bot", bot ?? name);
  if (!(await Bun.file(join(folder, "key.pem")).exists())) {
    const way = `go online with it once, or give another with --name or --home`;
    throw new WarrenError("PEER_UNKNOWN", `there is no identity ${bot ?? name} here: ${way}`);
  }
  using store = openOwned(folder, bot ?? name);
  await run({ identity: await openIdentity(folder), store });
}

function openOwned(folder: string, name: string): Store {
  try {
    return openStore(join(folder, "peer.db"), systemWorld.clock);
  } catch (cause) {
    if (!isWarrenError(cause, "IDENTITY_IN_USE")) throw cause;
    throw new WarrenError("IDENTITY_IN_USE", `${name} is running, and would claim the name again: end it first`, {
      cause,
    });
  }
}

/** At which registry the key holds the name, by the grant that was kept. */
async function holding({ registry: urls }: Owner, store: Store, { id }: Identity, name: string) {
  if (urls === "none") throw new WarrenError("USAGE", "names belong to a registry: leave out -r none");
  for (const url of parseRegistryUrls(urls)) {
    const registry = pinnedKey(store.settings, url);
    const grant = registry && keptGrant(store.settings, registry, name);
    if (!registry || !grant) continue;
    const { since } = await openGrant(grant, { registry, name, id });
    return { url, registry, since };
  }
  throw new WarrenError(
    "USAGE",
    `no registry at ${urls} has granted ${name} to this identity: say with -r which one has`,
  );
}

function tell({ json }: Owner, event: object, text: string): void {
  print(json ? JSON.stringify(event) : text);
}

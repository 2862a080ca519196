/** Whom a registry lets in, as its operator says it: each command reads and writes its store, also while it runs. */
import { join } from "node:path";
import { WarrenError } from "../base/errors.ts";
import type { PeerId } from "../base/ids.ts";
import { oneLine, silentLog } from "../base/log.ts";
import { systemWorld } from "../base/world.ts";
import { describeDuration } from "../bot/duration.ts";
import { openIdentity, type Identity } from "../identity/identity.ts";
import type { Door, InviteOptions } from "../registry/door.ts";
import { LocalDoor } from "../registry/local-door.ts";
import { STORE_FILE } from "../registry/registry-database.ts";
import { print } from "./output.ts";
import type { StoreOptions } from "./run-registry.ts";

export interface DoorPlace {
  readonly folder: string;
  readonly identity: Identity | undefined;
  /** Where it is, if not in the folder. */
  readonly store: StoreOptions | undefined;
  readonly json: boolean;
}

export async function closeDoor(place: DoorPlace): Promise<void> {
  await atDoor(place, async (door) => {
    await door.close();
    const count = door.members().length;
    tell(place, { event: "closed", members: count }, [
      `closed: new keys need an invite (bun run registry invite); ${count} that hold a name here are let in as before`,
    ]);
  });
}

export async function openDoor(place: DoorPlace): Promise<void> {
  await atDoor(place, async (door) => {
    await door.open();
    tell(place, { event: "opened" }, ["open: everybody may register"]);
  });
}

/** The one time that the invite is shown. */
export async function makeInvite(place: DoorPlace, options: InviteOptions): Promise<void> {
  await atDoor(place, async (door, registry) => {
    const { id, text } = await door.invite(await registry(), options);
    const { uses, validMs } = options;
    const often = uses === 1 ? "once" : `${uses} times`;
    const lines = [text, `invite ${id}: good ${often}, for ${describeDuration(validMs)}; it is not shown again`];
    if (!door.isClosed) lines.push("the registry is open: everybody gets in without it, until bun run registry close");
    tell(place, { event: "invite", id, invite: text, uses, validMs }, lines);
  });
}

export async function listInvites(place: DoorPlace): Promise<void> {
  await atDoor(place, (door) => {
    const invites = door.invites();
    const now = systemWorld.clock.now();
    const lines = invites.map(({ id, label, expiresAt, uses, used }) => {
      const isOver = expiresAt <= now || used >= uses;
      const rest = isOver ? (used >= uses ? "used up" : "expired") : `for ${describeDuration(expiresAt - now)}`;
      return `${id}  used ${used} of ${uses}  ${rest}  ${oneLine(label)}`.trimEnd();
    });
    tell(place, { event: "invites", invites }, lines.length > 0 ? lines : ["no invites"]);
  });
}

/** @throws {WarrenError} `USAGE` when there is none */
export async function revokeInvite(place: DoorPlace, id: string): Promise<void> {
  await atDoor(place, async (door) => {
    if (!(await door.revoke(id)))
      throw new WarrenError("USAGE", `there is no invite ${id}: bun run registry invites lists them`);
    tell(place, { event: "revoked", id }, [`invite ${id} is revoked; who came with it stays`]);
  });
}

export async function listMembers(place: DoorPlace): Promise<void> {
  await atDoor(place, (door) => {
    const members = door.members();
    const lines = members.map(({ id, since, by }) => `${id}  ${dayOf(since)}  ${oneLine(by)}`);
    const nobody = door.isClosed ? "nobody is let in" : "open: everybody may register";
    tell(place, { event: "members", closed: door.isClosed, members }, lines.length > 0 ? lines : [nobody]);
  });
}

export async function allow(place: DoorPlace, id: PeerId): Promise<void> {
  await atDoor(place, async (door) => {
    await door.allow(id);
    tell(place, { event: "allowed", id }, [`${id} is let in without an invite`]);
  });
}

/** @throws {WarrenError} `USAGE` when it is not on the list */
export async function disallow(place: DoorPlace, id: PeerId): Promise<void> {
  await atDoor(place, async (door) => {
    if (!(await door.disallow(id)))
      throw new WarrenError("USAGE", `${id} is not on the list: bun run registry allow shows it`);
    tell(place, { event: "disallowed", id }, [`${id} needs an invite from now on`]);
  });
}

export async function listBlocked(place: DoorPlace): Promise<void> {
  await atDoor(place, (door) => {
    const blocked = door.blocked();
    const lines = blocked.map(({ id, since }) => `${id}  ${dayOf(since)}`);
    tell(place, { event: "blocked", blocked }, lines.length > 0 ? lines : ["nobody is blocked"]);
  });
}

export async function block(place: DoorPlace, id: PeerId): Promise<void> {
  await atDoor(place, async (door) => {
    await door.block(id);
    tell(place, { event: "blocked", blocked: [{ id }] }, [`${id} is blocked: it is sent away, and not shown`]);
  });
}

/** @throws {WarrenError} `USAGE` when it is not blocked */
export async function unblock(place: DoorPlace, id: PeerId): Promise<void> {
  await atDoor(place, async (door) => {
    if (!(await door.unblock(id)))
      throw new WarrenError("USAGE", `${id} is not blocked: bun run registry block lists who is`);
    tell(place, { event: "unblocked", id }, [`${id} may come again`]);
  });
}

/** `registry` is whose door it is. */
type Act = (door: Door, registry: () => Promise<PeerId>) => Promise<void> | void;

async function atDoor(place: DoorPlace, act: Act): Promise<void> {
  const { folder, identity, store, json } = place;
  if (store) {
    const { openNatsDoor } = await import("../registry/nats.ts");
    await using shared = await openNatsDoor(store, systemWorld, silentLog);
    return await act(shared.door, () => Promise.resolve(shared.registry));
  }
  const isNew = !(await Bun.file(join(folder, STORE_FILE)).exists());
  await using door = await LocalDoor.open(folder, systemWorld);
  await act(door, async () => (identity ?? (await openIdentity(folder))).id);
  if (isNew && !json) print(`no registry has run in ${folder} yet: that was for its first (--home says where to look)`);
}

function tell({ json }: DoorPlace, event: object, lines: readonly string[]): void {
  for (const line of json ? [JSON.stringify(event)] : lines) print(line);
}

function dayOf(at: number): string {
  return new Date(at).toISOString().slice(0, 10);
}

/** Whom a registry lets in, as its operator says it: each command reads and writes its database, also while it runs. */
import { join } from "node:path";
import { WarrenError } from "../base/errors.ts";
import type { PeerId } from "../base/ids.ts";
import { oneLine } from "../base/log.ts";
import { systemWorld } from "../base/world.ts";
import { describeDuration } from "../bot/duration.ts";
import { openIdentity, type Identity } from "../identity/identity.ts";
import { Door } from "../registry/door.ts";
import { STORE_FILE } from "../registry/local-store.ts";
import { print } from "./output.ts";

export interface DoorPlace {
  readonly folder: string;
  readonly identity: Identity | undefined;
  readonly json: boolean;
}

export interface NewInvite {
  readonly label: string;
  readonly uses: number;
  readonly validMs: number;
}

export async function closeDoor(place: DoorPlace): Promise<void> {
  await atDoor(place, (door) => {
    door.close();
    const count = door.members().length;
    tell(place, { event: "closed", members: count }, [
      `closed: new keys need an invite (bun run registry invite); ${count} that hold a name here are let in as before`,
    ]);
  });
}

export async function openDoor(place: DoorPlace): Promise<void> {
  await atDoor(place, (door) => {
    door.open();
    tell(place, { event: "opened" }, ["open: everybody may register"]);
  });
}

/** The one time that the invite is shown. */
export async function makeInvite(place: DoorPlace, options: NewInvite): Promise<void> {
  const { id: registry } = place.identity ?? (await openIdentity(place.folder));
  await atDoor(place, (door) => {
    const { id, text } = door.invite(registry, options);
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
  await atDoor(place, (door) => {
    if (!door.revoke(id))
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
  await atDoor(place, (door) => {
    door.allow(id);
    tell(place, { event: "allowed", id }, [`${id} is let in without an invite`]);
  });
}

/** @throws {WarrenError} `USAGE` when it is not on the list */
export async function disallow(place: DoorPlace, id: PeerId): Promise<void> {
  await atDoor(place, (door) => {
    if (!door.disallow(id)) throw new WarrenError("USAGE", `${id} is not on the list: bun run registry allow shows it`);
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
  await atDoor(place, (door) => {
    door.block(id);
    tell(place, { event: "blocked", blocked: [{ id }] }, [`${id} is blocked: it is sent away, and not shown`]);
  });
}

/** @throws {WarrenError} `USAGE` when it is not blocked */
export async function unblock(place: DoorPlace, id: PeerId): Promise<void> {
  await atDoor(place, (door) => {
    if (!door.unblock(id)) throw new WarrenError("USAGE", `${id} is not blocked: bun run registry block lists who is`);
    tell(place, { event: "unblocked", id }, [`${id} may come again`]);
  });
}

async function atDoor({ folder, json }: DoorPlace, act: (door: Door) => void): Promise<void> {
  const isNew = !(await Bun.file(join(folder, STORE_FILE)).exists());
  using door = await Door.open(folder, systemWorld);
  act(door);
  if (isNew && !json) print(`no registry has run in ${folder} yet: that was for its first (--home says where to look)`);
}

function tell({ json }: DoorPlace, event: object, lines: readonly string[]): void {
  for (const line of json ? [JSON.stringify(event)] : lines) print(line);
}

function dayOf(at: number): string {
  return new Date(at).toISOString().slice(0, 10);
}

/** What every door of a registry does, whoever shares it: the suite that each of them must pass. */
import { expect, test } from "bun:test";
import type { PeerId } from "../../src/base/ids.ts";
import { createIdentity } from "../../src/identity/identity.ts";
import type { Door, InviteOptions } from "../../src/registry/door.ts";
import { parseInvite } from "../../src/registry/invite.ts";
import type { SocketClock } from "./setting.ts";

/** Where doors of one registry are opened, several at once. */
export interface DoorPlace extends AsyncDisposable {
  readonly clock: SocketClock;
  open(): Promise<Door>;
  holdName(id: PeerId, name: string): Promise<void>;
  /** Until what was said at one door has come to another. */
  until(isSo: () => boolean): Promise<void>;
}

const DAY_MS = 86_400_000;
const once: InviteOptions = { label: "for tests", uses: 1, validMs: DAY_MS };

const isThere = (door: Door, id: string) => (): boolean => door.invites().some((invite) => invite.id === id);
const codeOf = async (door: Door, id: PeerId, secret?: string): Promise<string> =>
  (await door.enter(id, secret))?.code ?? "in";

export async function doorContract(what: string, settle: () => Promise<DoorPlace>): Promise<void> {
  const registry = await createIdentity();
  const keys = await Promise.all(Array.from({ length: 12 }, async () => (await createIdentity()).id));
  const [ann, ben] = keys;
  if (!ann || !ben) throw new Error("no keys");

  const contract = (sentence: string, run: (place: DoorPlace, one: Door, other: Door) => Promise<void>): void =>
    test(`${what}: ${sentence}`, async () => {
      await using place = await settle();
      await using one = await place.open();
      await using other = await place.open();
      await run(place, one, other);
    });

  const made = async (door: Door, options: Partial<InviteOptions> = {}) => {
    const { id, text } = await door.invite(registry.id, { ...once, ...options });
    return { id, secret: parseInvite(text).secret };
  };

  contract("an open door lets in everybody, and uses up no invite", async (_, door) => {
    const { secret } = await made(door);
    expect([door.isClosed, await codeOf(door, ann), await codeOf(door, ben, secret)]).toEqual([false, "in", "in"]);
    expect(door.invites()).toMatchObject([{ used: 0, uses: 1, label: "for tests" }]);
    expect(door.members()).toEqual([]);
  });

  contract("a closed one asks a new key for an invite, once, and one that is not good is none", async (place, one) => {
    await one.close();
    const { secret } = await made(one);
    expect(await codeOf(one, ann)).toBe("INVITE_NEEDED");
    expect(await codeOf(one, ann, `${secret.slice(1)}x`)).toBe("INVITE_INVALID");
    expect(await codeOf(one, ann, secret)).toBe("in");
    expect(await codeOf(one, ann)).toBe("in");
    expect(await codeOf(one, ben, secret)).toBe("INVITE_INVALID");
    expect(one.members()).toEqual([{ id: ann, since: place.clock.now(), by: "invite for tests" }]);
    expect(one.invites()).toMatchObject([{ used: 1, uses: 1 }]);
  });

  contract("an invite is used at two doors at once, and lets in as many as it is for", async (place, one, other) => {
    await one.close();
    const [single, several] = [await made(one), await made(one, { uses: 5 })];
    await place.until(() => other.isClosed && isThere(other, single.id)() && isThere(other, several.id)());
    for (const [{ secret }, uses] of [
      [single, 1],
      [several, 5],
    ] as const) {
      const comers = uses === 1 ? keys.slice(0, 2) : keys.slice(2);
      const codes = await Promise.all(comers.map((id, n) => codeOf(n % 2 ? one : other, id, secret)));
      expect(codes.filter((code) => code === "in")).toHaveLength(uses);
      expect(codes.filter((code) => code === "INVITE_INVALID")).toHaveLength(comers.length - uses);
    }
    await place.until(() => one.members().length === 6 && other.members().length === 6);
    expect(one.invites().map(({ used }) => used)).toEqual(other.invites().map(({ used }) => used));
  });

  contract("a key that shows its invite at two doors at once uses it once", async (place, one, other) => {
    await one.close();
    const { id, secret } = await made(one, { uses: 2 });
    await place.until(() => other.isClosed && isThere(other, id)());
    expect(await Promise.all([codeOf(one, ann, secret), codeOf(other, ann, secret)])).toEqual(["in", "in"]);
    await place.until(() => one.invites()[0]?.used !== 0);
    expect(one.invites()).toMatchObject([{ used: 1 }]);
  });

  contract("an invite ends when it expires, or is revoked, and who came with it stays", async (place, one, other) => {
    await one.close();
    const { id, secret } = await made(one, { uses: 2 });
    expect(await codeOf(one, ann, secret)).toBe("in");
    await place.until(isThere(other, id));
    expect([await other.revoke(id), await other.revoke(id), await other.revoke("nope")]).toEqual([true, false, false]);
    await place.until(() => !isThere(one, id)());
    expect([await codeOf(one, ben, secret), await codeOf(one, ann)]).toEqual(["INVITE_INVALID", "in"]);
    const late = await made(one, { validMs: 1_000 });
    place.clock.jump(1_000);
    expect(await codeOf(one, ben, late.secret)).toBe("INVITE_INVALID");
  });

  contract("invites are listed newest first, and not for ever after they expired", async (place, door) => {
    const first = await made(door);
    place.clock.jump(1_000);
    const second = await made(door);
    expect(door.invites().map(({ id }) => id)).toEqual([second.id, first.id]);
    place.clock.jump(32 * DAY_MS);
    const third = await made(door);
    expect(door.invites().map(({ id }) => id)).toEqual([third.id]);
    expect(
      await door.invite(registry.id, { ...once, label: "x".repeat(101) }).catch((error: unknown) => error),
    ).toMatchObject({ code: "USAGE" });
  });

  contract(
    "who holds a name when it is closed is a member at all doors; open again, all may come",
    async (place, one, other) => {
      await place.holdName(ann, "ann");
      await one.close();
      await place.until(() => other.isClosed && other.isMember(ann));
      expect([await codeOf(other, ann), await codeOf(other, ben)]).toEqual(["in", "INVITE_NEEDED"]);
      expect(other.members()).toEqual([{ id: ann, since: place.clock.now(), by: "was there" }]);
      await other.open();
      await place.until(() => !one.isClosed);
      expect(await codeOf(one, ben)).toBe("in");
    },
  );

  contract("a key that is allowed needs no invite, until it is taken off the list", async (place, one, other) => {
    await one.close();
    await one.allow(ann);
    await place.until(() => other.isClosed && other.admits(ann));
    const { edition } = one;
    expect([await other.disallow(ann), await other.disallow(ann)]).toEqual([true, false]);
    await place.until(() => !one.admits(ann));
    expect(await codeOf(one, ann)).toBe("INVITE_NEEDED");
    expect(one.edition).not.toBe(edition); // the registry is to look who may stay
  });

  contract("a key that was taken off the list does not come back by the invite that it has used", async (_, door) => {
    await door.close();
    const { secret } = await made(door);
    expect(await codeOf(door, ann, secret)).toBe("in");
    await door.disallow(ann);
    expect(await codeOf(door, ann, secret)).toBe("INVITE_INVALID");
    expect(await codeOf(door, ann, (await made(door)).secret)).toBe("in");
  });

  contract("a key that is blocked is so at all doors, open or closed, with any invite", async (place, one, other) => {
    const { edition } = other;
    await one.block(ann);
    await place.until(() => other.isBlocked(ann));
    expect(other.edition).not.toBe(edition);
    await other.close();
    await other.allow(ann);
    expect(await codeOf(other, ann, (await made(other)).secret)).toBe("KEY_BLOCKED");
    expect([other.admits(ann), other.blocked()]).toEqual([false, [{ id: ann, since: place.clock.now() }]]);
    expect([await other.unblock(ann), await other.unblock(ann)]).toEqual([true, false]);
    await place.until(() => !one.isBlocked(ann));
    expect(one.blocked()).toEqual([]);
  });

  test(`${what}: what was said holds in the next process`, async () => {
    await using place = await settle();
    let secret = "";
    {
      await using door = await place.open();
      await door.close();
      await door.allow(ann);
      await door.block(ben);
      ({ secret } = await made(door));
    }
    await using door = await place.open();
    expect([door.isClosed, door.isMember(ann), door.isBlocked(ben)]).toEqual([true, true, true]);
    expect(await codeOf(door, keys[2] ?? ann, secret)).toBe("in");
  });
}

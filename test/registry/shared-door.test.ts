import { expect, test } from "bun:test";
import type { PeerId } from "../../src/base/ids.ts";
import { silentLog } from "../../src/base/log.ts";
import { createIdentity } from "../../src/identity/identity.ts";
import type { Entry } from "../../src/registry/journal.ts";
import { parseInvite } from "../../src/registry/invite.ts";
import { SharedDoor } from "../../src/registry/shared-door.ts";
import { doorContract } from "./door-contract.ts";
import { MemoryShare, type MemoryJournal } from "./memory-journal.ts";
import { socketWorld } from "./setting.ts";

const ann = (await createIdentity()).id;
const ben = (await createIdentity()).id;
const registry = (await createIdentity()).id;

/** Doors of one registry. Its journal is in memory: nothing that was said is waited for longer than some turns. */
function hallway() {
  const world = socketWorld();
  const share = new MemoryShare(world.clock);
  const holders = new Set<PeerId>();
  const told: string[] = [];
  const open = async (journal: MemoryJournal = share.journal()): Promise<SharedDoor> => {
    const door = new SharedDoor({
      journal,
      world,
      log: silentLog,
      holders: () => Promise.resolve(holders),
      onBlocked: (id, isBlocked) => void told.push(`${id === ann ? "ann" : "ben"} ${isBlocked}`),
    });
    await door.load();
    return door;
  };
  return { world, share, holders, told, open };
}

async function secretOf(door: SharedDoor, uses = 1): Promise<string> {
  return parseInvite((await door.invite(registry, { label: "", uses, validMs: 86_400_000 })).text).secret;
}

await doorContract("a door in a store that is shared", async () => {
  const { world, holders, open } = hallway();
  return await Promise.resolve({
    clock: world.clock,
    open,
    holdName: async (id: PeerId) => void (await Promise.resolve(holders.add(id))),
    async until(isSo: () => boolean) {
      await world.clock.settle();
      if (!isSo()) throw new Error("what is in the journal is told at once");
    },
    [Symbol.asyncDispose]: () => Promise.resolve(),
  });
});

test("what is in the store and cannot be read, as by a newer Warren, lets nobody in", async () => {
  const { share, open } = hallway();
  for (const key of ["closed", `member.${ann}`, `blocked.${ben}`, "invite.x", "something.else"]) share.write(key, "?");
  const door = await open();
  expect([door.isClosed, door.admits(ann), door.isBlocked(ben), door.invites()]).toEqual([true, false, true, []]);
  await door.open();
  expect([door.admits(ann), door.admits(ben), await door.unblock(ben), door.admits(ben)]).toEqual([
    true,
    false,
    true,
    true,
  ]);
});

test("what is in the store of an invite lets nobody in", async () => {
  const { share, open } = hallway();
  const secret = await secretOf(await open());
  expect([...share.entries.values()].map(({ key, value }) => key + value).join()).not.toContain(secret);
});

test("a process that ends after it has taken an invite's use, and before the key is a member, has not lost it", async () => {
  const { share, open, world } = hallway();
  const other = await open();
  await other.close();
  const secret = await secretOf(other);
  const [witness, journal] = [share.journal(), share.journal()];
  const cutAfterTheFirst = ({ value }: Entry): void => void (value.includes('"used":1') && journal.cut());
  witness.follow({ entry: cutAfterTheFirst, began() {}, caughtUp() {}, away() {} });
  const dying = await open(journal);
  const entering = dying.enter(ann, secret).catch((error: unknown) => error);
  await world.clock.advance(5_000);
  expect(await entering).toMatchObject({ code: "STORE_UNREACHABLE" });
  expect([other.invites()[0]?.used, other.isMember(ann)]).toEqual([1, false]);
  expect(await other.enter(ben, secret)).toMatchObject({ code: "INVITE_INVALID" });
  expect(await other.enter(ann, secret)).toBeUndefined();
  expect(other.invites()).toMatchObject([{ used: 1 }]);
  await other.disallow(ann);
  expect(await other.enter(ann, secret)).toMatchObject({ code: "INVITE_INVALID" }); // nothing is owed any more
});

test("an answer that was lost uses up nothing more when the key comes again", async () => {
  const { share, open } = hallway();
  const journal = share.journal();
  const door = await open(journal);
  await door.close();
  const secret = await secretOf(door);
  journal.losesAnswers = true;
  expect(await door.enter(ann, secret).catch((error: unknown) => error)).toMatchObject({ code: "STORE_UNREACHABLE" });
  journal.losesAnswers = false;
  expect(await door.enter(ann, secret)).toBeUndefined();
  expect([door.invites()[0]?.used, await door.enter(ben, secret)]).toMatchObject([1, { code: "INVITE_INVALID" }]);
});

test("who is owed a use is kept no longer than until it is a member", async () => {
  const { share, open } = hallway();
  const door = await open();
  await door.close();
  const secret = await secretOf(door, 9);
  for (const id of [ann, ben]) await door.enter(id, secret);
  const kept = [...share.entries.values()].find(({ key }) => key.startsWith("invite."));
  expect(JSON.parse(kept?.value ?? "")).toMatchObject({ used: 2, owed: { [ben]: 0 } });
  expect(kept?.value).not.toContain(ann);
});

test("cut off from its store, a door goes on with what it knows, and takes no invite", async () => {
  const { share, open } = hallway();
  const journal = share.journal();
  const door = await open(journal);
  await door.close();
  await door.block(ben);
  const secret = await secretOf(door);
  journal.cut();
  const goOn = journal.pause(); // a write would wait for long
  expect([door.isCurrent, door.isClosed, door.isBlocked(ben)]).toEqual([false, true, true]);
  expect(await door.enter(ann, secret).catch((error: unknown) => error)).toMatchObject({ code: "STORE_UNREACHABLE" });
  goOn();
  journal.heal();
  expect(await door.enter(ann, secret)).toBeUndefined();
});

test("a door is closed when those who may stay are members, so that nobody sends them away", async () => {
  const { share, holders, open } = hallway();
  const door = await open();
  holders.add(ann);
  const closing = door.close();
  share.journal().follow({
    entry: ({ key }) => void (key === "closed" && holders.add(ben)), // while it was being closed
    began() {},
    caughtUp() {},
    away() {},
  });
  await closing;
  expect([...share.entries.keys()]).toEqual([`member.${ann}`, "closed", `member.${ben}`]);
});

test("who is blocked is told to the lists, at the beginning and whenever it changes", async () => {
  const { open, told } = hallway();
  const first = await open();
  await first.block(ann);
  await first.unblock(ann);
  await first.block(ben);
  expect(told).toEqual(["ann true", "ann false", "ben true"]);
  await open();
  expect(told.slice(3)).toEqual(["ann false", "ben true"]);
});

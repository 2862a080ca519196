import { expect, test } from "bun:test";
import type { PeerId } from "../../src/base/ids.ts";
import type { Peer } from "../../src/peer/peer.ts";
import { SharedDirectory } from "../../src/testing/shared-directory.ts";
import { createBurrow, hear, testId, type Burrow } from "./burrow.ts";

/** Everybody in one directory; it grants names to whoever comes, as a hostile one would. */
async function town(burrow: Burrow, ...names: string[]): Promise<{ directory: SharedDirectory; peers: Peer[] }> {
  const directory = new SharedDirectory();
  const peers = await Promise.all(names.map((name) => burrow.open(name)));
  await Promise.all(peers.map((peer) => peer.setDirectory(directory.join())));
  return { directory, peers };
}

async function say(burrow: Burrow, peer: Peer, to: string, text: string): Promise<string> {
  const sending = peer.send(to, text).then(
    () => "sent",
    (error: Error & { code?: string }) => `${error.code}: ${error.message}`,
  );
  await burrow.settle();
  return await sending;
}

function announceAs(directory: SharedDirectory, id: PeerId, name: string, transferredFrom?: PeerId): void {
  const card = { about: "", commands: [] };
  const entry = { id, name, kind: "person" as const, addresses: [], card, ...(transferredFrom && { transferredFrom }) };
  directory.join().announce(entry);
}

test("a name that the registry knows is found once, and then holds without it", async () => {
  await using burrow = createBurrow();
  const { directory, peers } = await town(burrow, "ann", "bob");
  const [ann, bob] = peers as [Peer, Peer];
  const heard = hear(bob);
  expect(await say(burrow, ann, "bob", "one")).toBe("sent");
  directory.isAway = true;
  burrow.network.cut();
  expect(await say(burrow, ann, "bob", "two")).toBe("sent");
  await burrow.settle(1_000);
  expect(heard).toEqual(["one", "two"]);
});

test("a name that is pinned and comes with another key is refused, until that is accepted on purpose", async () => {
  await using burrow = createBurrow();
  const { directory, peers } = await town(burrow, "ann", "bob");
  const [ann, bob] = peers as [Peer, Peer];
  expect(await say(burrow, ann, "bob", "hello")).toBe("sent");
  await bob.setDirectory(undefined);
  const impostor = testId("impostor");
  announceAs(directory, impostor, "bob");
  const refusal = await say(burrow, ann, "bob", "for bob only");
  expect(refusal).toStartWith("NAME_CHANGED: the key behind bob has changed");
  expect(refusal).toContain(`pin bob ${impostor}`);
  await Promise.all([ann.pin("bob", impostor), burrow.settle()]);
  expect((await ann.resolve("bob")).id).toBe(impostor);
});

test("a pinned name that its key has handed on is the new key's, and that is told; a hand that is not the pinned key's is refused", async () => {
  await using burrow = createBurrow();
  const { directory, peers } = await town(burrow, "ann", "bob");
  const [ann, bob] = peers as [Peer, Peer];
  expect(await say(burrow, ann, "bob", "hello")).toBe("sent");
  await bob.setDirectory(undefined);
  const [heir, stranger] = [testId("heir"), testId("stranger")];
  announceAs(directory, heir, "bob", stranger);
  expect(await say(burrow, ann, "bob", "for bob only")).toStartWith("NAME_CHANGED");
  const notices: string[] = [];
  ann.on("notice", ({ code }) => void notices.push(code));
  announceAs(directory, heir, "bob", bob.id);
  expect((await ann.resolve("bob")).id).toBe(heir);
  await burrow.settle();
  expect(notices).toEqual(["NAME_TRANSFERRED"]);
  expect((await ann.resolve("bob")).id).toBe(heir);
  expect(notices).toHaveLength(1);
});

test("that a pinned name was handed on is told when the new key comes online, before anybody says something to it", async () => {
  await using burrow = createBurrow();
  const { directory, peers } = await town(burrow, "ann", "bob");
  const [ann, bob] = peers as [Peer, Peer];
  expect(await say(burrow, ann, "bob", "hello")).toBe("sent");
  const notices: string[] = [];
  ann.on("notice", ({ code }) => void notices.push(code));
  await bob.setDirectory(undefined);
  announceAs(directory, testId("heir"), "bob", bob.id);
  announceAs(directory, testId("another"), "bob", bob.id); // only one can be: whom the registry says first
  await burrow.settle();
  expect(notices).toEqual(["NAME_TRANSFERRED"]);
  expect((await ann.resolve(bob.id)).id).toBe(bob.id);
});

test("who is offline at one registry of several is looked for at the others", async () => {
  await using burrow = createBurrow();
  const [ann, bob] = [await burrow.open("ann"), await burrow.open("bob")];
  const card = { about: "", commands: [] };
  const before = { ...bob.info, card, online: false, addresses: [{ host: "gone", port: 1 }] };
  const now = { ...before, online: true, addresses: bob.addresses };
  const directory = Object.assign(new SharedDirectory().join(), {
    isOneOfSeveral: true,
    entries: () => [before],
    find: () => Promise.resolve([now]),
  });
  await ann.setDirectory(directory);
  const heard = hear(bob);
  expect(await say(burrow, ann, bob.id, "found")).toBe("sent");
  await burrow.settle(5_000);
  expect(heard).toEqual(["found"]);
});

test("an unknown name is an error that says who was asked, and who claims it", async () => {
  await using burrow = createBurrow();
  const ann = await burrow.open("ann");
  const bob = await burrow.open("bob");
  expect(await say(burrow, ann, "bob", "hello")).toStartWith(
    "PEER_UNKNOWN: no peer named bob is known, and there is no registry",
  );
  const meeting = ann.resolve(`bob:${bob.port}`);
  await burrow.settle();
  await meeting;
  expect(await say(burrow, ann, "bob", "hello")).toContain(`accept the name with "pin bob ${bob.id}"`);
  expect(await say(burrow, ann, "Bob!", "hello")).toStartWith("BAD_NAME");
  expect(await say(burrow, ann, "ann", "hello")).toStartWith("PEER_IS_SELF");
});

test("users are oneself and everybody met or listed, those online first", async () => {
  await using burrow = createBurrow();
  const { peers } = await town(burrow, "ann", "bob", "carl");
  const [ann, , carl] = peers as [Peer, Peer, Peer];
  await carl.setDirectory(undefined);
  const users = await ann.users();
  expect(users.map(({ name, online, self }) => [name, online, self])).toEqual([
    ["ann", true, true],
    ["bob", true, false],
    ["carl", false, false],
  ]);
});

test("a peer comes online once, however often its entry changes, and goes offline once", async () => {
  await using burrow = createBurrow();
  const { peers } = await town(burrow, "ann");
  const [ann] = peers as [Peer];
  const directory = new SharedDirectory();
  await ann.setDirectory(directory.join());
  const told: string[] = [];
  ann.on("peer:online", ({ name }) => void told.push(`${name} came`));
  ann.on("peer:offline", ({ name }) => void told.push(`${name} went`));
  const bob = await burrow.open("bob");
  await bob.setDirectory(directory.join());
  bob.setCard({ about: "something new", commands: [] });
  await bob.setDirectory(undefined);
  expect(told).toEqual(["bob came", "bob went"]);
});

test("a peer tells each time that a directory has accepted it", async () => {
  await using burrow = createBurrow();
  const ann = await burrow.open("ann");
  const told: string[] = [];
  ann.on("registered", () => void told.push("registered"));
  await ann.setDirectory(new SharedDirectory().join());
  ann.setCard({ about: "something new", commands: [] });
  expect(told).toEqual(["registered"]);
  await ann.setDirectory(new SharedDirectory().join());
  expect(told).toEqual(["registered", "registered"]);
});

test("a registry that never answers keeps nobody from a peer that is remembered", async () => {
  await using burrow = createBurrow();
  const ann = await burrow.open("ann");
  const bob = await burrow.open("bob");
  await burrow.introduce(ann, bob);
  const heard = hear(bob);
  const silent = Object.assign(new SharedDirectory().join(), {
    isConnected: false,
    find: () => new Promise<never>(() => {}),
  });
  await ann.setDirectory(silent);
  burrow.network.cut();
  await burrow.settle();
  await say(burrow, ann, "bob", "still there?");
  await burrow.settle(1_000);
  expect(heard).toEqual(["still there?"]);
});

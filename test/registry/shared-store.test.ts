import { expect, test } from "bun:test";
import { silentLog } from "../../src/base/log.ts";
import { createIdentity } from "../../src/identity/identity.ts";
import { DEFAULT_LIMITS } from "../../src/registry/limits.ts";
import { DEFAULT_PROCESS_LEASE_MS, SharedStore } from "../../src/registry/shared-store.ts";
import type { Arrival } from "../../src/registry/store.ts";
import { MemoryShare, type MemoryJournal } from "./memory-journal.ts";
import { socketWorld, type SocketWorld } from "./setting.ts";
import { anyHolder, noting, register, stayOf, storeContract, type Place } from "./store-contract.ts";

const LEASE_MS = DEFAULT_PROCESS_LEASE_MS;
const registry = await createIdentity();
const ann = await createIdentity();
const ben = await createIdentity();

/** A process of a registry, with the journals that it can be cut off from. */
interface Process extends AsyncDisposable {
  store: SharedStore;
  /** As `noting` writes it. */
  told: string[];
  arrivals: Arrival[];
  history: string | undefined;
  cut(): void;
  heal(): void;
  journals: MemoryJournal[];
}

class Cluster {
  readonly world: SocketWorld = socketWorld();
  readonly directory = new MemoryShare(this.world.clock);
  readonly names = new MemoryShare(this.world.clock);
  readonly door = new MemoryShare(this.world.clock);

  async process(key = registry.id): Promise<Process> {
    const journals = [this.directory.journal(), this.names.journal(), this.door.journal()] as const;
    const [directory, names, door] = journals;
    const { world } = this;
    const store = await SharedStore.open({
      directory,
      names,
      door,
      registry: key,
      world,
      log: silentLog,
      limits: DEFAULT_LIMITS,
    });
    const told: string[] = [];
    const process: Process = {
      store,
      told,
      arrivals: [],
      history: undefined,
      journals: [...journals],
      cut: () => journals.forEach((journal) => journal.cut()),
      heal: () => journals.forEach((journal) => journal.heal()),
      [Symbol.asyncDispose]: () => store[Symbol.asyncDispose](),
    };
    const notes = noting(told);
    await store.follow({
      ...notes,
      arrived: (arrival) => (process.arrivals.push(arrival), notes.arrived(arrival)),
      restarted: (history) => void (process.history = history),
    });
    return process;
  }

  /** Lets time pass in steps that a renewal fits into. */
  async pass(ms: number): Promise<void> {
    for (let passed = 0; passed < ms; passed += 1_000) await this.world.clock.advance(Math.min(1_000, ms - passed));
  }
}

async function settle(): Promise<Place> {
  const cluster = new Cluster();
  const { world } = cluster;
  const open: Place["open"] = (limits) => {
    const [directory, names] = [cluster.directory.journal(), cluster.names.journal()];
    const door = cluster.door.journal();
    return SharedStore.open({ directory, names, door, registry: registry.id, world, log: silentLog, limits });
  };
  return await Promise.resolve({ clock: world.clock, open, [Symbol.asyncDispose]: () => Promise.resolve() });
}

await storeContract("in a store that is shared", settle);

test("what is registered at one process is known at all, as held elsewhere", async () => {
  const cluster = new Cluster();
  await using first = await cluster.process();
  await using second = await cluster.process();
  const stay = stayOf(await register(first.store, ann, { name: "ann" }));
  expect(second.arrivals).toMatchObject([
    { position: stay, holder: { isElsewhere: true }, stored: { id: ann.id, stay } },
  ]);
  expect(second.store.get(ann.id)).toEqual(first.store.get(ann.id));
  expect(second.history).toBe(first.history);
});

test("two processes never give one name to two keys, and the loser says who has it", async () => {
  const cluster = new Cluster();
  await using first = await cluster.process();
  await using second = await cluster.process();
  const answers = await Promise.all([
    register(first.store, ann, { name: "fox" }),
    register(second.store, ben, { name: "fox" }),
  ]);
  const winner = answers[0]?.kind === "registered" ? ann : ben;
  const [, loser] = answers.toSorted((a, b) => (a.kind < b.kind ? -1 : 1));
  expect(answers.map(({ kind }) => kind).sort()).toEqual(["registered", "taken"]);
  expect(loser).toMatchObject({ holder: { id: winner.id } });
});

test("a record that was shown late does not replace a newer one that another process took meanwhile", async () => {
  const cluster = new Cluster();
  await using first = await cluster.process();
  await using second = await cluster.process();
  const goOn = first.journals[1]?.pause(); // after it has decided, before the name is written
  const late = register(first.store, ann, { name: "ann", seq: 1 });
  await register(second.store, ann, { name: "newer", seq: 2 });
  goOn?.();
  expect(await late).toMatchObject({ kind: "stale" });
  expect(first.store.get(ann.id)).toMatchObject({ name: "newer" });
});

test("who lost a name is told so, even if the store failed between the name's new holder and that", async () => {
  const cluster = new Cluster();
  await using first = await cluster.process();
  await using second = await cluster.process();
  await register(first.store, ben, { name: "fox" });
  const claim = { name: "fox", since: cluster.world.clock.now() - 1 };
  const goOn = second.journals[1]?.pause();
  const registering = register(second.store, ann, claim);
  await cluster.world.clock.settle();
  second.journals[0]?.cut();
  goOn?.();
  expect(await registering).toMatchObject({ kind: "busy" });
  second.journals[0]?.heal();
  expect(await register(second.store, ann, claim)).toMatchObject({ kind: "registered" });
  expect(first.told).toEqual(["+fox", "!fox", "+fox"]);
});

test("a peer that has moved is not declared offline by the process that it left", async () => {
  const cluster = new Cluster();
  await using first = await cluster.process();
  await using second = await cluster.process();
  const stay = stayOf(await register(first.store, ann, { name: "ann" }));
  await register(second.store, ann, { name: "ann" });
  await first.store.leave(ann.id, stay);
  expect(first.told).toEqual(["+ann", "+ann"]);
  expect(first.arrivals.at(-1)?.holder?.isElsewhere).toBe(true);
  expect(second.store.list({ online: true, limit: 9 })).toHaveLength(1);
});

test("not even when the process that it left does not know of the move", async () => {
  const cluster = new Cluster();
  await using first = await cluster.process();
  await using second = await cluster.process();
  const stay = stayOf(await register(first.store, ann, { name: "ann" }));
  first.journals[0]?.deafen();
  await register(second.store, ann, { name: "ann" });
  const left = first.store.leave(ann.id, stay);
  await cluster.pass(5_000);
  await left;
  expect(second.told).toEqual(["+ann", "+ann"]);
});

test("who wants to go first only if nobody else is there is refused while another process holds the peer", async () => {
  const cluster = new Cluster();
  await using first = await cluster.process();
  await using second = await cluster.process();
  await register(first.store, ann, { name: "ann" });
  const claim = { ...(await claimOf(first)), ifFree: true };
  expect(await second.store.register(claim)).toEqual({ kind: "held" });
});

test("the peers of a process that died are waited for, and one of the others removes them, once", async () => {
  const cluster = new Cluster();
  const first = await cluster.process();
  await using second = await cluster.process();
  await using third = await cluster.process();
  const stay = stayOf(await register(first.store, ann, { name: "ann" }));
  first.cut(); // for the others that is the same
  await cluster.pass(1.5 * LEASE_MS - 1_000);
  expect(second.told).toEqual(["+ann"]);
  await cluster.pass(0.25 * LEASE_MS + 1_000);
  expect([second.told, third.told]).toEqual([
    ["+ann", "lost"],
    ["+ann", "lost"],
  ]);
  await Promise.all([second.store.leave(ann.id, stay), third.store.leave(ann.id, stay)]);
  expect([second.told, third.told]).toEqual([
    ["+ann", "lost", "-ann"],
    ["+ann", "lost", "-ann"],
  ]);
});

test("a crowd whose process died is removed by all the others together, each peer once", async () => {
  const cluster = new Cluster();
  const first = await cluster.process();
  await using second = await cluster.process();
  await using third = await cluster.process();
  const crowd = await Promise.all(Array.from({ length: 600 }, () => createIdentity()));
  await Promise.all(crowd.map((who, n) => register(first.store, who, { name: `peer${n}` })));
  first.cut();
  await cluster.pass(2 * LEASE_MS);
  const remaining = () => second.store.list({ online: true, limit: 1_000 });
  while (remaining().length > 0) {
    const leaving = [second, third].flatMap(({ store }) => remaining().map(({ id, stay }) => store.leave(id, stay)));
    await Promise.all(leaving);
  }
  for (const { told } of [second, third]) {
    expect(told.filter((line) => line.startsWith("-"))).toHaveLength(600);
    expect(new Set(told).size).toBe(1_201); // each came, their process was lost, each went
  }
});

test("a process that ends in order does not keep the others waiting for its lease", async () => {
  const cluster = new Cluster();
  const first = await cluster.process();
  await using second = await cluster.process();
  await register(first.store, ann, { name: "ann" });
  await first[Symbol.asyncDispose]();
  await cluster.world.clock.settle();
  expect(second.told).toEqual(["+ann", "lost"]);
});

test("a process that is cut off shuts itself before the others take it for dead, and comes back by itself", async () => {
  const cluster = new Cluster();
  await using first = await cluster.process();
  await using second = await cluster.process();
  await register(first.store, ann, { name: "ann" });
  first.cut();
  expect([first.store.isOpen, first.store.isCurrent]).toEqual([false, false]);
  expect(await register(first.store, ben, { name: "ben" })).toMatchObject({ kind: "busy", retryAfterMs: 2_000 });
  expect(first.store.get(ann.id)).toMatchObject({ name: "ann" }); // reading goes on
  await cluster.pass(LEASE_MS);
  expect(first.told).toEqual(["+ann", "shut REGISTRY_BUSY"]);
  expect(second.told).toEqual(["+ann"]);
  await cluster.pass(LEASE_MS);
  expect(second.told).toEqual(["+ann", "lost"]);
  first.heal();
  await cluster.pass(2_000);
  expect(first.told).toEqual(["+ann", "shut REGISTRY_BUSY", "reopened"]);
  expect(await register(first.store, ben, { name: "ben" })).toMatchObject({ kind: "registered" });
  expect(await register(first.store, ann, { name: "ann" })).toMatchObject({ kind: "registered" });
  expect(second.told).toEqual(["+ann", "lost", "+ben", "+ann"]);
});

test("a short cut is nothing: no session is let go, and what happened meanwhile is told after it", async () => {
  const cluster = new Cluster();
  await using first = await cluster.process();
  await using second = await cluster.process();
  first.cut();
  await register(second.store, ben, { name: "ben" });
  await cluster.pass(0.5 * LEASE_MS);
  first.heal();
  await cluster.pass(3 * LEASE_MS);
  expect([first.told, second.told]).toEqual([["+ben"], ["+ben"]]);
});

test("a process that was stopped takes nobody for dead when it goes on, and learns that it was taken for dead", async () => {
  const cluster = new Cluster();
  await using first = await cluster.process();
  await using second = await cluster.process();
  await register(second.store, ben, { name: "ben" });
  cluster.world.clock.stall(10 * LEASE_MS); // nothing ran, at neither
  expect(first.store.isOpen).toBe(false);
  await cluster.pass(2 * LEASE_MS);
  expect(first.told.filter((line) => line === "-ben")).toEqual([]);
  expect([first.store.isOpen, second.store.isOpen]).toEqual([true, true]);
});

test("a process that hears nothing of the others takes none for dead that renews its lease", async () => {
  const cluster = new Cluster();
  await using first = await cluster.process();
  await using second = await cluster.process();
  await register(second.store, ben, { name: "ben" });
  first.journals[0]?.deafen();
  await cluster.pass(5 * LEASE_MS);
  expect([second.told, second.store.isOpen]).toEqual([["+ben"], true]);
});

test("a renewal that was given up and written after all is not taken for another process's", async () => {
  const cluster = new Cluster();
  await using first = await cluster.process();
  const [directory] = first.journals;
  if (directory) directory.losesAnswers = true;
  await cluster.pass(LEASE_MS / 2);
  if (directory) directory.losesAnswers = false;
  await cluster.pass(2 * LEASE_MS);
  expect([first.told, first.store.isOpen]).toEqual([[], true]);
});

test("renewals at once, as when it is asked whether it is ready, do not take each other for another process", async () => {
  const cluster = new Cluster();
  await using first = await cluster.process();
  await Promise.all([first.store.tick(), first.store.tick(), cluster.pass(LEASE_MS / 4), first.store.tick()]);
  expect([first.told, first.store.isOpen]).toEqual([[], true]);
});

test("the wall clock may jump: leases are measured with the steady one", async () => {
  const cluster = new Cluster();
  await using first = await cluster.process();
  await using second = await cluster.process();
  await register(first.store, ann, { name: "ann" });
  for (const hours of [-48, 96, -1]) {
    cluster.world.clock.jump(hours * 3_600_000);
    await cluster.pass(2 * LEASE_MS);
  }
  expect([first.told, second.told]).toEqual([["+ann"], ["+ann"]]);
});

test("an answer that was lost gives no name twice, and does not keep the peer from trying again", async () => {
  const cluster = new Cluster();
  await using first = await cluster.process();
  await using second = await cluster.process();
  for (const journal of first.journals) journal.losesAnswers = true;
  expect(await register(first.store, ann, { name: "fox" })).toMatchObject({ kind: "busy" });
  expect(await register(second.store, ben, { name: "fox" })).toMatchObject({ kind: "taken" });
  expect(await register(second.store, ann, { name: "fox" })).toMatchObject({ kind: "registered" });
});

test("a store that lost its last writes begins another history, and a grant gets a lost name back", async () => {
  const cluster = new Cluster();
  await using first = await cluster.process();
  await using second = await cluster.process();
  const { history } = first;
  const since = cluster.world.clock.now();
  await register(second.store, ben, { name: "ben" });
  await cluster.names.forgetting(async () => {
    await cluster.directory.forgetting(async () => void (await register(first.store, ann, { name: "fox" })));
  });
  await cluster.pass(2_000);
  expect([first.told, second.told]).toEqual([
    ["+ben", "+fox", "-fox"],
    ["+ben", "+fox", "-fox"],
  ]);
  expect(first.history).not.toBe(history);
  expect(second.history).toBe(first.history);
  cluster.world.clock.jump(60_000);
  await register(second.store, ben, { name: "fox", seq: 2 });
  expect(await register(first.store, ann, { name: "fox", since })).toMatchObject({ kind: "registered", since });
  expect(second.told.slice(-3)).toEqual(["+fox", "!fox", "+fox"]);
});

test("a process that died is missed also when the store has lost its last renewals, or all of its lease", async () => {
  const cluster = new Cluster();
  const first = await cluster.process();
  await using second = await cluster.process();
  await register(first.store, ann, { name: "ann" });
  await cluster.directory.forgetting(() => cluster.pass(LEASE_MS / 2));
  first.cut();
  await cluster.pass(3 * LEASE_MS);
  expect(second.told).toEqual(["+ann", "lost"]);
  const before = new Set(cluster.directory.entries.keys());
  const third = await cluster.process();
  await register(third.store, ben, { name: "ben" });
  third.cut();
  for (const key of cluster.directory.entries.keys()) {
    if (key.startsWith("process.") && !before.has(key)) cluster.directory.entries.delete(key);
  }
  await cluster.pass(3 * LEASE_MS);
  expect(second.told).toEqual(["+ann", "lost", "+ben", "lost"]);
});

test("of processes that have ended nothing is left in the store after an hour, and those that live go on", async () => {
  const cluster = new Cluster();
  const [first, dying] = [await cluster.process(), await cluster.process()];
  await using second = await cluster.process();
  await register(dying.store, ann, { name: "ann" });
  await first[Symbol.asyncDispose]();
  dying.cut();
  await cluster.pass(2 * LEASE_MS);
  await using third = await cluster.process(); // hears of them by what is left
  const processes = (): string[] =>
    [...cluster.directory.entries].flatMap(([key, { value }]) => (key.startsWith("process.") ? [value] : []));
  expect(processes().filter((value) => value === "")).toHaveLength(2);
  await cluster.pass(3_500_000);
  expect(processes()).toHaveLength(4);
  await cluster.pass(120_000);
  expect(processes()).toHaveLength(2);
  expect([second.store.isOpen, third.store.isOpen]).toEqual([true, true]);
  dying.heal();
  await cluster.pass(5_000);
  expect(dying.told).toEqual(["+ann", "lost", "shut REGISTRY_BUSY", "reopened"]); // lost: the first one
});

test("a process that begins later tells what it needs for readers who were away", async () => {
  const cluster = new Cluster();
  await using first = await cluster.process();
  const stay = stayOf(await register(first.store, ann, { name: "ann" }));
  await first.store.leave(ann.id, stay);
  await register(first.store, ben, { name: "ben" });
  cluster.world.clock.jump(2_000);
  cluster.world.clock.stall(0.123); // steady clocks have fractions
  await using second = await cluster.process();
  expect(second.arrivals[0]?.ageMs).toBe(2_000);
  expect(second.history).toBe(first.history);
  expect(second.arrivals).toMatchObject([{ stored: { id: ben.id }, holder: { isElsewhere: true } }]);
});

test("a key that is not the registry's is refused, and nothing is written", async () => {
  const cluster = new Cluster();
  await using _ = await cluster.process();
  const before = cluster.names.revision;
  const error = await cluster.process(ann.id).catch((reason: unknown) => reason);
  expect(error).toMatchObject({ code: "STORE_FOREIGN" });
  expect(cluster.names.revision).toBe(before);
});

test("whom one process's operator blocks is in no list of any, and whom it lets in is let in by all", async () => {
  const cluster = new Cluster();
  await using first = await cluster.process();
  await using second = await cluster.process();
  await register(first.store, ann, { name: "ann" });
  await register(first.store, ben, { name: "ben" });
  await second.store.door.block(ann.id);
  await second.store.door.close();
  for (const { store } of [first, second]) {
    expect(store.list({ limit: 9 }).map(({ name }) => name)).toEqual(["ben"]);
    expect(store.get(ann.id)).toBeUndefined();
    expect([store.door.isClosed, store.door.admits(ben.id), store.door.admits(ann.id)]).toEqual([true, true, false]);
  }
  await first.store.door.unblock(ann.id);
  expect(second.store.list({ limit: 9 })).toHaveLength(2);
  expect(second.store.door.admits(ann.id)).toBe(true); // she held a name when it was closed
});

test("a process that cannot hear whom it must not let in takes nobody", async () => {
  const cluster = new Cluster();
  await using first = await cluster.process();
  first.journals[2]?.cut();
  expect([first.store.isOpen, first.store.isCurrent]).toEqual([false, false]);
  expect(await register(first.store, ann, { name: "ann" })).toMatchObject({ kind: "busy" });
  first.journals[2]?.heal();
  expect(await register(first.store, ann, { name: "ann" })).toMatchObject({ kind: "registered" });
});

test("a day is counted once, however many processes there are", async () => {
  const cluster = new Cluster();
  await using first = await cluster.process();
  await using second = await cluster.process();
  await first.store.tick();
  for (let day = 0; day < 3; day++) {
    cluster.world.clock.jump(86_400_000);
    await Promise.all([first.store.tick(), second.store.tick()]);
  }
  expect(JSON.parse(cluster.names.entries.get("day")?.value ?? "")).toMatchObject({ day: 3 });
});

/** What ann says, as the process knows it. */
async function claimOf({ store }: Process) {
  const record = store.get(ann.id)?.record ?? "";
  const { openRecord } = await import("../../src/registry/record.ts");
  return { body: await openRecord(record), record, holder: anyHolder };
}

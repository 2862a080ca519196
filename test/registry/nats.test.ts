import { afterAll, expect, setDefaultTimeout, test } from "bun:test";
import { connect } from "@nats-io/transport-node";
import type { PeerId } from "../../src/base/ids.ts";
import { silentLog } from "../../src/base/log.ts";
import { sleep, systemClock, systemWorld } from "../../src/base/world.ts";
import { createIdentity } from "../../src/identity/identity.ts";
import { DEFAULT_LIMITS } from "../../src/registry/limits.ts";
import { NatsJournal } from "../../src/registry/nats-journal.ts";
import { natsStore, openNatsDoor } from "../../src/registry/nats.ts";
import { SharedDoor } from "../../src/registry/shared-door.ts";
import { doorContract } from "./door-contract.ts";
import { NatsServer, NATS_SERVER, NO_NATS_SERVER } from "./nats-server.ts";
import { socketWorld } from "./setting.ts";
import { noting, register, storeContract, type FollowedStore, type Place } from "./store-contract.ts";
import { TcpProxy } from "./tcp-proxy.ts";

setDefaultTimeout(120_000); // for all of them at a time

const identity = await createIdentity();
const ann = await createIdentity();
const ben = await createIdentity();

if (NATS_SERVER === undefined) console.log(`the store on NATS: ${NO_NATS_SERVER}`);
else await suite(await NatsServer.start());

async function suite(server: NatsServer): Promise<void> {
  afterAll(() => server[Symbol.asyncDispose]());
  let places = 0;

  const settle = async (): Promise<Place> => {
    const world = socketWorld();
    const open = natsStore({ servers: server.address, name: `place${places++}`, timeOf: () => world.clock.now() });
    return await Promise.resolve({
      clock: world.clock,
      open: (limits) => open({ identity, world, log: silentLog, limits }),
      [Symbol.asyncDispose]: () => Promise.resolve(),
    });
  };

  await storeContract("on NATS", settle);

  await doorContract("a door on NATS", async () => {
    const world = socketWorld();
    const client = await connect({ servers: server.address });
    const bucket = `door${places++}`;
    const holders = new Set<PeerId>();
    const options = { client, bucket, replicas: 1, clock: systemClock, log: silentLog };
    return {
      clock: world.clock,
      async open() {
        const journal = await NatsJournal.open(options);
        const door = new SharedDoor({ journal, world, log: silentLog, holders: () => Promise.resolve(holders) });
        await door.load();
        return door;
      },
      holdName: async (id) => void (await Promise.resolve(holders.add(id))),
      until,
      [Symbol.asyncDispose]: () => client.close(),
    };
  });

  test("from beside its processes a registry is closed with those in it, and only where there is one", async () => {
    const options = { servers: server.address, name: "beside" };
    const early = await openNatsDoor(options, systemWorld, silentLog).catch((error: unknown) => error);
    expect(early).toMatchObject({ code: "USAGE" });
    const { store } = await process(server.port, "beside", 20_000);
    await using _ = store;
    await register(store, ann, { name: "ann" });
    await using beside = await openNatsDoor(options, systemWorld, silentLog);
    expect(beside.registry).toBe(identity.id);
    await beside.door.close();
    await beside.door.block(ben.id);
    await until(() => store.door.isClosed && store.door.isBlocked(ben.id));
    expect(store.door.admits(ann.id)).toBe(true);
  });

  test("a server that lets nobody in with that password is told at once, not asked for ever", async () => {
    await using guarded = await NatsServer.start("--user", "warren", "--pass", "right");
    const options = { servers: `nats://warren:wrong@127.0.0.1:${guarded.port}` };
    const failure = await openNatsDoor(options, systemWorld, silentLog).catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: "STORE_UNREACHABLE", message: expect.stringContaining("password") });
  });

  test("a store that is slow is waited for", async () => {
    using proxy = new TcpProxy(server.port);
    const { store } = await process(proxy.port, "slow", 20_000);
    await using _ = store;
    proxy.hold();
    const registering = register(store, ann, { name: "ann" });
    await until(() => proxy.held > 0);
    proxy.release();
    expect(await registering).toMatchObject({ kind: "registered" });
  });

  test("what is left of a key is dropped, but for what was written since, and who knew of it meets a conflict", async () => {
    const client = await connect({ servers: server.address });
    const options = { client, bucket: "forgotten", replicas: 1, clock: systemClock, log: silentLog };
    await using journal = await NatsJournal.open(options);
    const write = async (key: string, value: string, revision = 0): Promise<number> => {
      const written = await journal.put(key, value, revision);
      return written.kind === "written" ? written.revision : -1;
    };
    const ended = await write("process.one", "", await write("process.one", "alive"));
    const revived = await write("process.two", "");
    const other = await write("peer.one", "");
    await write("process.two", "alive", revived);
    await journal.forget("process.one", ended);
    await journal.forget("process.two", revived);
    expect(await journal.get("process.one")).toBeUndefined();
    expect(await journal.get("process.two")).toMatchObject({ value: "alive" });
    expect(await journal.get("peer.one")).toMatchObject({ revision: other });
    expect(await write("process.one", "alive", ended)).toBe(-1);
    const told: string[] = [];
    const { promise, resolve } = Promise.withResolvers<void>();
    journal.follow({ entry: ({ key }) => void told.push(key), began() {}, caughtUp: resolve, away() {} });
    await promise;
    expect(told).toEqual(["peer.one", "process.two"]);
    await client.close();
  });

  test("an answer that was lost with its connection is found over the next one", async () => {
    using proxy = new TcpProxy(server.port);
    const { store } = await process(proxy.port, "answer", 20_000);
    const { store: other } = await process(server.port, "answer", 20_000);
    await using opened = new AsyncDisposableStack();
    for (const one of [store, other]) opened.use(one);
    const client = await connect({ servers: server.address });
    const options = { client, bucket: "answer-names", replicas: 1, clock: systemClock, log: silentLog };
    await using names = await NatsJournal.open(options);
    proxy.hold({ up: false, down: true });
    const registering = register(store, ann, { name: "fox" });
    await until(async () => (await names.get("name.fox")) !== undefined);
    proxy.cut(); // the answer was on its way
    proxy.hold({ up: false, down: false });
    expect(await registering).toMatchObject({ kind: "registered" });
    expect(await register(other, ben, { name: "fox" })).toMatchObject({ kind: "taken" });
    await client.close();
  });

  test("a server that is killed and started again is found again, and no session was let go", async () => {
    await using own = await NatsServer.start();
    const { store, told } = await process(own.port, "restart", 20_000);
    await using _ = store;
    await register(store, ann, { name: "ann" });
    await own.kill();
    await until(() => !store.isCurrent);
    expect(await register(store, ben, { name: "ben" })).toMatchObject({ kind: "busy" });
    await own.start();
    await until(() => store.isOpen);
    expect(await register(store, ben, { name: "ben" })).toMatchObject({ kind: "registered" });
    expect(told).toEqual(["+ann", "+ben"]);
  });

  // It keeps the server so busy that others would wait long.
  test.serial("a process that begins while everybody logs in again knows everybody", async () => {
    const { store } = await process(server.port, "rewritten", 20_000);
    await using _ = store;
    const crowd = await Promise.all(Array.from({ length: 300 }, () => createIdentity()));
    const all = (): Promise<unknown> => Promise.all(crowd.map((who, n) => register(store, who, { name: `peer${n}` })));
    await all();
    const over = new AbortController();
    const rewriting = (async () => {
      while (!over.signal.aborted) await all();
    })();
    for (let n = 0; n < 3; n++) {
      await using late = (await process(server.port, "rewritten", 20_000)).store;
      expect(late.list({ online: true, limit: 1_000 })).toHaveLength(300);
    }
    over.abort();
    await rewriting;
  });

  // Its lease is a second: not while others take the time in which it is to be renewed.
  test.serial(
    "in a network that is parted a process lets its sessions go when its lease ends, and comes back by itself",
    async () => {
      using proxy = new TcpProxy(server.port);
      const { store, told } = await process(proxy.port, "parted", 1_000);
      await using _ = store;
      await register(store, ann, { name: "ann" });
      proxy.hold();
      await until(() => told.includes("shut REGISTRY_BUSY"));
      expect(store.isOpen).toBe(false);
      expect(store.get(ann.id)).toMatchObject({ name: "ann" });
      expect(await register(store, ben, { name: "ben" })).toMatchObject({ kind: "busy" });
      proxy.release();
      await until(() => told.includes("reopened") && store.isOpen);
      expect(await register(store, ben, { name: "ben" })).toMatchObject({ kind: "registered" });
      expect(told).toEqual(["+ann", "shut REGISTRY_BUSY", "reopened", "+ben"]);
    },
  );
}

async function process(port: number, name: string, leaseMs: number): Promise<FollowedStore> {
  const open = natsStore({ servers: `127.0.0.1:${port}`, name, leaseMs });
  const store = await open({ identity, world: systemWorld, log: silentLog, limits: DEFAULT_LIMITS });
  const told: string[] = [];
  await store.follow(noting(told));
  return { store, told };
}

async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await isSo())) await sleep(systemClock, 10); // sockets and servers do their part meanwhile
}

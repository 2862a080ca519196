/** What every store of a registry does, whoever shares it: the suite that each of them must pass. */
import { expect, test } from "bun:test";
import { createIdentity, type Identity } from "../../src/identity/identity.ts";
import { DAY_MS } from "../../src/registry/grant.ts";
import { DEFAULT_LIMITS, type RegistryLimits } from "../../src/registry/limits.ts";
import type { RecordBody } from "../../src/registry/record.ts";
import type { Leaseholder } from "../../src/registry/roster.ts";
import type { Follower, Registration, RegistryStore } from "../../src/registry/store.ts";
import { describeSelf, makeRecord, type SocketClock } from "./setting.ts";

/** Where stores are opened, one after another: each finds what those before it kept. */
export interface Place extends AsyncDisposable {
  readonly clock: SocketClock;
  open(limits: RegistryLimits): Promise<RegistryStore>;
}

/** A store with all that it told, in order: `+name` (`~name` for one that is waited for), `-name`, `!name` if displaced. */
export interface FollowedStore {
  readonly store: RegistryStore;
  readonly told: string[];
}

export const anyHolder: Leaseholder = { dismiss() {}, renew() {} };

export async function followed(place: Place, limits: Partial<RegistryLimits> = {}): Promise<FollowedStore> {
  const store = await place.open({ ...DEFAULT_LIMITS, ...limits });
  const told: string[] = [];
  await store.follow(noting(told));
  return { store, told };
}

export function noting(told: string[]): Follower {
  const names = new Map<string, string>();
  return {
    arrived({ stored, holder: by }) {
      names.set(stored.id, stored.name);
      told.push(`${by ? "+" : "~"}${stored.name}`);
    },
    left({ id, isDisplaced, stay }) {
      if (stay > 0) told.push(`${isDisplaced ? "!" : "-"}${names.get(id)}`); // else for readers who were away
    },
    restarted: () => {}, // at the beginning, by those that are shared
    lost: () => void told.push("lost"),
    shut: ({ code }) => void told.push(`shut ${code}`),
    reopened: () => void told.push("reopened"),
  };
}

type Fields = Partial<RecordBody> & { name: string; since?: number; by?: Leaseholder };

export async function register(store: RegistryStore, who: Identity, { since, by = anyHolder, ...fields }: Fields) {
  const body = { ...describeSelf(who, fields.name), seq: 1, ttl: 3_600, ...fields };
  return await store.register({ body, record: await makeRecord(who, fields), grantedSince: since, holder: by });
}

/** The number of a registration that must have gone well. */
export function stayOf(registration: Registration): number {
  if (registration.kind !== "registered") throw new Error(`"${registration.kind}" instead of a registration`);
  return registration.stay;
}

export async function storeContract(what: string, settle: () => Promise<Place>): Promise<void> {
  const ann = await createIdentity();
  const ben = await createIdentity();

  const contract = (sentence: string, run: (place: Place) => Promise<void>): void =>
    test(`${what}: ${sentence}`, async () => {
      await using place = await settle();
      await run(place);
    });

  contract("a name is the first one's who asks, also within one turn", async (place) => {
    const { store } = await followed(place);
    await using _ = store;
    const [first, second] = await Promise.all([
      register(store, ann, { name: "fox" }),
      register(store, ben, { name: "fox" }),
    ]);
    const [winner, loser, other] = first.kind === "registered" ? [first, second, ben] : [second, first, ann];
    expect(winner).toMatchObject({ kind: "registered", since: place.clock.now() });
    expect(loser).toMatchObject({ kind: "taken", holder: { since: place.clock.now() } });
    expect(store.get(other.id)).toBeUndefined();
  });

  contract("a name outlives the process", async (place) => {
    {
      const { store } = await followed(place);
      await using _ = store;
      await register(store, ann, { name: "fox" });
    }
    place.clock.jump(5_000);
    const { store } = await followed(place);
    await using _ = store;
    expect(await register(store, ben, { name: "fox" })).toMatchObject({ kind: "taken", holder: { id: ann.id } });
    expect(await register(store, ann, { name: "fox", seq: 2 })).toMatchObject({ since: place.clock.now() - 5_000 });
  });

  contract("a record with a lower number than the last is stale; the same one again is fine", async (place) => {
    const { store } = await followed(place);
    await using _ = store;
    await register(store, ann, { name: "ann", seq: 7 });
    const last = await makeRecord(ann, { name: "ann", seq: 7 });
    expect(await register(store, ann, { name: "fox", seq: 7 })).toEqual({ kind: "stale", last });
    expect(await register(store, ann, { name: "ann", seq: 6 })).toMatchObject({ kind: "stale" });
    expect(await register(store, ann, { name: "ann", seq: 7 })).toMatchObject({ kind: "registered" });
    expect(await register(store, ann, { name: "ann", seq: 8 })).toMatchObject({ kind: "registered" });
  });

  contract(
    "a name that was given back is free, and grants from before are void, in the next process too",
    async (place) => {
      {
        const { store, told } = await followed(place);
        await using _ = store;
        const first = await register(store, ann, { name: "fox" });
        expect(await store.release("fox", ben.id)).toBe(false);
        expect(await store.release("fox", ann.id)).toBe(true);
        expect(await store.release("fox", ann.id)).toBe(false);
        expect(told).toEqual(["+fox", "!fox"]);
        expect(store.list({ name: "fox", limit: 9 })).toEqual([]);
        place.clock.jump(5_000);
        expect(first.kind).toBe("registered");
        expect(await register(store, ben, { name: "fox" })).toMatchObject({ since: place.clock.now() });
      }
      const { store } = await followed(place);
      await using _ = store;
      const since = place.clock.now();
      expect(await register(store, ann, { name: "fox", seq: 2, since: since - 5_000 })).toMatchObject({
        kind: "taken",
      });
      place.clock.jump(5_000);
      expect(await register(store, ben, { name: "fox", seq: 2, since })).toMatchObject({ kind: "registered", since });
      expect(await store.release("fox", ben.id)).toBe(true);
      expect(await register(store, ann, { name: "fox", seq: 3, since })).toMatchObject({ since: place.clock.now() });
    },
  );

  contract("a name is kept through 90 counted days of disuse, and free after them", async (place) => {
    const { store } = await followed(place);
    await using _ = store;
    await store.tick();
    await store.leave(ann.id, stayOf(await register(store, ann, { name: "fox" })));
    for (let day = 0; day < 90; day++) {
      place.clock.jump(DAY_MS);
      await store.tick();
    }
    expect(await register(store, ben, { name: "fox" })).toMatchObject({ kind: "taken" });
    place.clock.jump(DAY_MS);
    await store.tick();
    expect(store.get(ann.id)).toBeUndefined();
    expect(await register(store, ben, { name: "fox" })).toMatchObject({ kind: "registered" });
  });

  contract("a name in use stays, a jump of the clock counts one day, and going back counts none", async (place) => {
    const { store } = await followed(place);
    await using _ = store;
    await store.tick();
    await register(store, ann, { name: "fox" });
    await store.leave(ben.id, stayOf(await register(store, ben, { name: "hen" })));
    for (let jump = 0; jump < 45; jump++) {
      place.clock.jump(400 * DAY_MS);
      await store.tick();
      place.clock.jump(-400 * DAY_MS);
      await store.tick();
    }
    expect(store.get(ben.id)).toBeDefined();
    for (let day = 0; day < 60; day++) {
      place.clock.jump(DAY_MS);
      await store.tick();
    }
    expect(store.get(ben.id)).toBeUndefined();
    expect(store.get(ann.id)).toBeDefined();
  });

  contract(
    "where a grant shows that somebody had the name before its holder, it is that one's again",
    async (place) => {
      const { store, told } = await followed(place);
      await using _ = store;
      const { clock } = place;
      await register(store, ben, { name: "fox" });
      expect(await register(store, ann, { name: "fox", since: clock.now() })).toMatchObject({ kind: "taken" });
      const since = clock.now() - 1;
      expect(await register(store, ann, { name: "fox", since })).toMatchObject({ kind: "registered", since });
      expect(told).toEqual(["+fox", "!fox", "+fox"]);
      expect(store.get(ben.id)).toBeUndefined();
      expect(store.get(ann.id)).toMatchObject({ name: "fox", since });
      expect(await register(store, ben, { name: "fox", seq: 2 })).toEqual({
        kind: "taken",
        holder: { id: ann.id, since },
      });
    },
  );

  contract("a key may hold a few names, and no more", async (place) => {
    const { store } = await followed(place);
    await using _ = store;
    for (const [index, name] of ["a", "b", "c", "d"].entries()) {
      expect(await register(store, ann, { name, seq: index + 1 })).toMatchObject({ kind: "registered" });
    }
    expect(await register(store, ann, { name: "e", seq: 5 })).toMatchObject({ kind: "full" });
    expect(await register(store, ann, { name: "a", seq: 6 })).toMatchObject({ kind: "registered" });
  });

  contract("a full registry takes no new name and goes on with those that it has", async (place) => {
    const { store } = await followed(place, { maxNames: 1 });
    await using _ = store;
    await register(store, ann, { name: "ann" });
    expect(await register(store, ben, { name: "ben" })).toMatchObject({ kind: "full" });
    expect(await register(store, ann, { name: "ann", seq: 2 })).toMatchObject({ kind: "registered" });
  });

  contract(
    "who comes and goes is told in order, before the promise resolves, and with whose session",
    async (place) => {
      const { store, told } = await followed(place);
      await using _ = store;
      const stay = stayOf(await register(store, ann, { name: "ann" }));
      expect(told).toEqual(["+ann"]);
      expect(store.get(ann.id)?.stay).toBe(stay);
      await store.leave(ann.id, stay);
      expect(told).toEqual(["+ann", "-ann"]);
      expect(store.get(ann.id)?.stay).toBe(0);
      await store.leave(ann.id, stay);
      expect(told).toEqual(["+ann", "-ann"]);
    },
  );

  contract("who left through an old stay and registered again is still online", async (place) => {
    const { store, told } = await followed(place);
    await using _ = store;
    const stay = stayOf(await register(store, ann, { name: "ann" }));
    await register(store, ann, { name: "ann" });
    await store.leave(ann.id, stay);
    expect(store.list({ online: true, limit: 9 })).toHaveLength(1);
    expect(told).toEqual(["+ann", "+ann"]);
  });

  contract("the next process waits for those who were online, and not for the others", async (place) => {
    {
      const { store } = await followed(place);
      await using _ = store;
      await register(store, ann, { name: "ann" });
      await store.leave(ben.id, stayOf(await register(store, ben, { name: "ben" })));
      await store.tick();
    }
    const { store, told } = await followed(place);
    await using _ = store;
    expect(told).toEqual(["~ann"]);
    await store.leave(ann.id, store.get(ann.id)?.stay ?? 0);
    expect(told).toEqual(["~ann", "-ann"]);
  });

  contract("lists are filtered, in the order of ids, and go on after any of them", async (place) => {
    const { store } = await followed(place);
    await using _ = store;
    const roll = { about: "", commands: [{ name: "roll", about: "", args: {} }] };
    const bots = await Promise.all([createIdentity(), createIdentity(), createIdentity()]);
    await Promise.all(bots.map((bot, n) => register(store, bot, { name: `bot${n}`, kind: "bot", card: roll })));
    await register(store, ann, { name: "ann" });
    const sorted = bots.map(({ id }) => id).sort();
    const ids = (query: Partial<Parameters<RegistryStore["list"]>[0]>) =>
      store.list({ limit: 9, ...query }).map(({ id }) => id);
    expect(ids({ kind: "bot" })).toEqual(sorted);
    expect(ids({ command: "roll" })).toEqual(sorted);
    expect(ids({ command: "sing" })).toEqual([]);
    expect(ids({ name: "ann" })).toEqual([ann.id]);
    expect(ids({ kind: "bot", limit: 2 })).toEqual(sorted.slice(0, 2));
    expect(ids({ kind: "bot", after: sorted[0] })).toEqual(sorted.slice(1));
    expect(ids({ online: false })).toEqual([]);
  });

  contract("commands that a bot no longer has are no longer found", async (place) => {
    const { store } = await followed(place);
    await using _ = store;
    const roll = { about: "", commands: [{ name: "roll", about: "", args: {} }] };
    await register(store, ann, { name: "ann", card: roll });
    await register(store, ann, { name: "ann", seq: 2 });
    expect(store.list({ command: "roll", limit: 9 })).toEqual([]);
  });
}

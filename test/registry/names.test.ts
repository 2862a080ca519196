/** Names over any history: whatever happens in whatever order, a name has one holder, and the store and the rules agree on whom. */
import { expect, test } from "bun:test";
import * as fc from "fast-check";
import { createIdentity } from "../../src/identity/identity.ts";
import { DAY_MS, GRANT_DAYS } from "../../src/registry/grant.ts";
import { DEFAULT_LIMITS } from "../../src/registry/limits.ts";
import { LocalStore } from "../../src/registry/local-store.ts";
import { anyHolder } from "./store-contract.ts";
import { describeSelf, socketWorld, temporaryFolder } from "./setting.ts";

const KEYS = await Promise.all([createIdentity(), createIdentity(), createIdentity()]);
const NAMES = ["fox", "hen"];

type Step =
  | { kind: "register"; key: number; name: number; showsGrant: boolean }
  | { kind: "leave"; key: number }
  | { kind: "release"; key: number; name: number }
  | { kind: "days"; count: number };

const key = fc.nat(KEYS.length - 1);
const days = (count: number): Step => ({ kind: "days", count });
const steps = fc.array(
  fc.oneof(
    { weight: 5, arbitrary: registration() },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant("leave" as const), key }) },
    {
      weight: 2,
      arbitrary: fc.record({ kind: fc.constant("release" as const), key, name: fc.nat(NAMES.length - 1) }),
    },
    {
      weight: 3,
      arbitrary: fc.record({
        kind: fc.constant("days" as const),
        count: fc.constantFrom(1, 60, GRANT_DAYS, GRANT_DAYS + 1),
      }),
    },
  ),
  { maxLength: 14 },
);

function registration(): fc.Arbitrary<Step> {
  return fc.record({
    kind: fc.constant("register" as const),
    key,
    name: fc.nat(NAMES.length - 1),
    showsGrant: fc.boolean(),
  });
}

/** The rules of docs/registry.md, without a database. */
class Rules {
  readonly holders = new Map<string, { key: number; since: number; usedDay: number }>();
  readonly online = new Map<number, string>(); // under which name
  readonly #releasedAt = new Map<string, number>();
  #day = 0;

  /** Returns since when the key has the name, or undefined if another one keeps it. */
  register(claimant: number, name: string, now: number, shown: number | undefined): number | undefined {
    const grantedSince = (shown ?? 0) < (this.#releasedAt.get(name) ?? 0) ? undefined : shown;
    const holder = this.holders.get(name);
    const isOwn = holder?.key === claimant;
    const goesFirst = holder && grantedSince !== undefined && grantedSince < holder.since;
    if (holder && !isOwn && !goesFirst) return undefined;
    if (holder && !isOwn && this.online.get(holder.key) === name) this.online.delete(holder.key);
    const since = Math.min(isOwn ? holder.since : now, grantedSince ?? Infinity);
    this.holders.set(name, { key: claimant, since, usedDay: this.#day });
    this.online.set(claimant, name);
    return since;
  }

  release(owner: number, name: string, now: number): boolean {
    const holder = this.holders.get(name);
    if (holder?.key !== owner) return false;
    this.holders.delete(name);
    if (this.online.get(owner) === name) this.online.delete(owner);
    this.#releasedAt.set(name, Math.max(now, holder.since + 1));
    return true;
  }

  nextDay(now: number): void {
    this.#day++;
    for (const [name, at] of this.#releasedAt) {
      if (at < now - GRANT_DAYS * DAY_MS) this.#releasedAt.delete(name); // grants from before have run out
    }
    for (const [name, holder] of this.holders) {
      if (this.online.get(holder.key) === name) holder.usedDay = this.#day;
      if (holder.usedDay < this.#day - GRANT_DAYS) this.holders.delete(name);
    }
  }
}

test("at no time has a name two holders, and who has it is who should", async () => {
  const history = fc.asyncProperty(steps, async (sequence) => {
    await using folder = await temporaryFolder();
    const world = socketWorld();
    const { clock } = world;
    await using store = await LocalStore.open(folder.path, world, DEFAULT_LIMITS);
    await store.tick();
    const rules = new Rules();
    const grants = new Map<string, number>();
    const stays = new Map<number, number>();
    let seq = 0;
    for (const step of sequence) {
      if (step.kind === "days") {
        for (let n = 0; n < step.count; n++) {
          await clock.advance(DAY_MS);
          await store.tick();
          rules.nextDay(clock.now());
        }
      } else if (step.kind === "leave") {
        const who = KEYS[step.key];
        if (who) await store.leave(who.id, stays.get(step.key) ?? 0);
        rules.online.delete(step.key);
      } else if (step.kind === "release") {
        const [who, name] = [KEYS[step.key], NAMES[step.name] ?? ""];
        if (who) expect(await store.release(name, who.id)).toBe(rules.release(step.key, name, clock.now()));
      } else {
        const [who, name] = [KEYS[step.key], NAMES[step.name] ?? ""];
        if (!who) continue;
        const grant = step.showsGrant ? grants.get(`${step.key} ${name}`) : undefined;
        const body = { ...describeSelf(who, name), seq: ++seq, ttl: 3_600 };
        const claim = { body, record: `${who.id} ${seq}`, grantedSince: grant, holder: anyHolder };
        const result = await store.register(claim);
        const since = rules.register(step.key, name, clock.now(), grant);
        expect(result.kind === "registered" ? result.since : undefined).toBe(since);
        if (result.kind !== "registered") continue;
        stays.set(step.key, result.stay);
        grants.set(`${step.key} ${name}`, result.since);
        await clock.advance(1_000);
      }
      for (const name of NAMES) {
        const listed = store.list({ name, limit: 10 });
        const holder = rules.holders.get(name);
        expect(listed.length).toBeLessThanOrEqual(1);
        for (const { id, since } of listed) {
          expect({ id, since }).toEqual({ id: KEYS[holder?.key ?? -1]?.id ?? id, since: holder?.since ?? -1 });
        }
      }
    }
  });
  const first: Step = { kind: "register", key: 0, name: 0, showsGrant: false };
  const second: Step = { ...first, key: 1 };
  const leave: Step = { kind: "leave", key: 0 };
  // The edges, which chance may miss.
  const examples: [Step[]][] = [
    [[first, leave, days(GRANT_DAYS), second]],
    [[first, leave, days(GRANT_DAYS + 1), second, { ...first, showsGrant: true }, second]],
    [[first, days(GRANT_DAYS + 1), second]],
    [[first, { ...first, kind: "release" }, second, { ...first, showsGrant: true }, second]],
  ];
  await fc.assert(history, { numRuns: 20, examples });
}, 60_000);

/** Local store: the disk of a registry that is one process: names, the last record of each key, and the days it was up. */
import type { Database } from "bun:sqlite";
import { describeError, WarrenError } from "../base/errors.ts";
import type { PeerId } from "../base/ids.ts";
import type { Clock, World } from "../base/world.ts";
import { decideClaim, releaseTime } from "./claims.ts";
import { Facts } from "./facts.ts";
import { DAY_MS, GRANT_DAYS } from "./grant.ts";
import type { RegistryLimits } from "./limits.ts";
import { LocalDoor } from "./local-door.ts";
import { readKeptRecord } from "./record.ts";
import { openDatabase } from "./registry-database.ts";
import { lockRegistry } from "./registry-lock.ts";
import type {
  Arrival,
  Claim,
  Departure,
  Follower,
  RecordQuery,
  Registration,
  RegistryStore,
  StoredRecord,
} from "./store.ts";
import { Tables } from "./tables.ts";

/** A restart within that time is a blink: those who were online are waited for, not declared offline. */
const BLINK_MS = 120_000;

interface Job {
  /** Whether it must be on disk, through a power cut, before it is told. */
  readonly mustLast: boolean;
  run: () => void;
  fail: (error: unknown) => void;
  settle: () => void;
}

interface WriteOptions<Result> {
  readonly tell?: (result: Result) => unknown;
  readonly mustLast?: boolean;
}

/** A fact: when the name after it was given back, epoch ms. */
const RELEASED = "released:";

/** Writes of one turn of the event loop are one transaction; a promise resolves when what it stands for is on disk. */
export class LocalStore implements RegistryStore {
  readonly isOpen = true;
  readonly isCurrent = true;
  readonly door: LocalDoor;
  readonly #lock: Disposable;
  readonly #db: Database;
  readonly #facts: Facts;
  readonly #clock: Clock;
  readonly #limits: RegistryLimits;
  readonly #tables: Tables;
  #follower: Follower | undefined;
  #jobs: Job[] = [];
  #stays: number; // registrations so far, counted on from the process before

  private constructor(lock: Disposable, db: Database, world: World, limits: RegistryLimits) {
    this.#lock = lock;
    this.#db = db;
    this.#facts = new Facts(db);
    this.#clock = world.clock;
    this.door = new LocalDoor(db, world);
    this.#limits = limits;
    this.#tables = new Tables(db);
    this.#stays = this.#tables.highestStay;
  }

  /** @throws {WarrenError} `IDENTITY_IN_USE`, `HOME_UNWRITABLE`, `STORE_CORRUPT`, `STORE_NEWER` */
  static async open(folder: string, world: World, limits: RegistryLimits): Promise<LocalStore> {
    const lock = lockRegistry(folder);
    try {
      return new LocalStore(lock, await openDatabase(folder), world, limits);
    } catch (error) {
      lock[Symbol.dispose]();
      throw error;
    }
  }

  async follow(follower: Follower): Promise<void> {
    this.#follower = follower;
    this.#tables.endBlocked();
    const downMs = this.#clock.now() - (this.#facts.get("alive_at") ?? -Infinity);
    const isBlink = downMs >= 0 && downMs <= BLINK_MS;
    const online = this.#tables.list({ online: true, limit: this.#limits.maxNames });
    if (!isBlink) await Promise.all(online.map(({ id, stay }) => this.leave(id, stay)));
    // Nobody but this registry writes here; to check ten thousand signatures again would keep those who come back waiting.
    else
      online.forEach((stored) => follower.arrived({ stored, holder: undefined, body: readKeptRecord(stored.record) }));
    await this.tick();
  }

  register(claim: Claim): Promise<Registration> {
    const { body, record, grantedSince, holder } = claim;
    const { id, name } = body;
    let ended: Departure | undefined;
    let arrived: Arrival | undefined;
    const run = (): Registration => {
      const last = this.#tables.lastRecord(id);
      if (last && last.record !== record && last.seq >= body.seq) return { kind: "stale", last: last.record };
      const receivedAt = this.#clock.now();
      const releasedAt = grantedSince === undefined ? undefined : this.#facts.get(RELEASED + name);
      const decision = decideClaim(this.#tables, this.#limits, { name, id, grantedSince, releasedAt, now: receivedAt });
      if (decision.kind !== "granted") return decision;
      const { since, displaced } = decision;
      if (displaced) ended = this.#displace(displaced, name);
      this.#tables.setName(name, { id, since, usedDay: this.#facts.get("day") ?? 0 });
      const stay = ++this.#stays;
      const commands = body.card.commands.map((command) => command.name);
      this.#tables.saveRecord({ body, commands, record, receivedAt, stay });
      arrived = { stored: { id, name, record, since, receivedAt, stay }, holder, body };
      return { kind: "registered", since, stay };
    };
    const tell = (): void => {
      if (ended) this.#follower?.left(ended);
      if (arrived) this.#follower?.arrived(arrived);
    };
    return this.#write(run, { tell, mustLast: !this.#changesNoName(claim) });
  }

  async leave(id: PeerId, stay: number): Promise<void> {
    const tell = (hasEnded: boolean): void => {
      if (hasEnded) this.#follower?.left({ id, stay, isDisplaced: false });
    };
    await this.#write(() => this.#tables.endStay(id, stay), { tell, mustLast: false });
  }

  async release(name: string, id: PeerId): Promise<boolean> {
    let ended: Departure | undefined;
    const run = (): boolean => {
      const held = this.#tables.name(name);
      if (held?.id !== id) return false;
      ended = this.#displace(id, name);
      this.#tables.removeName(name);
      this.#facts.set(RELEASED + name, releaseTime(held, this.#clock.now()));
      return true;
    };
    return await this.#write(run, { tell: () => ended && this.#follower?.left(ended) });
  }

  tick(): Promise<void> {
    return this.#write(() => {
      const now = this.#clock.now();
      this.#facts.set("alive_at", now);
      const date = Math.floor(now / DAY_MS);
      const previous = this.#facts.get("date");
      if (date === previous) return;
      this.#facts.set("date", date);
      if (previous !== undefined && date > previous) this.#countDay();
    });
  }

  get(id: PeerId): StoredRecord | undefined {
    return this.#tables.get(id);
  }

  list(query: RecordQuery): StoredRecord[] {
    return this.#tables.list(query);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#commit();
    this.#db.close();
    this.#lock[Symbol.dispose]();
    await Promise.resolve();
  }

  #displace(id: PeerId, name: string): Departure | undefined {
    const last = this.#tables.lastRecord(id);
    if (last?.name !== name) return undefined;
    this.#tables.removeRecord(id);
    return { id, stay: last.stay, isDisplaced: true };
  }

  #countDay(): void {
    const day = (this.#facts.get("day") ?? 0) + 1;
    this.#facts.set("day", day);
    this.#tables.countDay(day, day - GRANT_DAYS);
    const oldest = this.#clock.now() - GRANT_DAYS * DAY_MS; // grants from before that have run out by themselves
    this.#db.query("DELETE FROM facts WHERE key GLOB ? AND value < ?").run(`${RELEASED}*`, oldest);
  }

  /**
   * A record that leaves its name as it is. A power cut may take the last minute's: their peers bring them again, and the
   * registry has an older one until then. Names are never lost.
   */
  #changesNoName({ body: { id, name }, grantedSince = Number.MAX_SAFE_INTEGER }: Claim): boolean {
    const sql = `SELECT 1 FROM names WHERE name = ? AND id = ? AND since <= ?
      AND used_day = coalesce((SELECT value FROM facts WHERE key = 'day'), 0)`;
    return this.#db.query(sql).get(name, id, grantedSince) !== null;
  }

  /** `tell` is called after the commit, before the promise resolves. */
  #write<Result>(run: () => Result, { tell, mustLast = true }: WriteOptions<Result> = {}): Promise<Result> {
    return new Promise((resolve, reject) => {
      let result: Result;
      const settle = (): void => {
        tell?.(result);
        resolve(result);
      };
      if (this.#jobs.length === 0) this.#clock.soon(() => this.#commit());
      this.#jobs.push({ mustLast, run: () => void (result = run()), settle, fail: reject });
    });
  }

  #commit(): void {
    const jobs = this.#jobs.splice(0);
    if (jobs.length === 0) return;
    const waitsForDisk = jobs.some(({ mustLast }) => mustLast);
    if (!waitsForDisk) this.#db.run("PRAGMA synchronous = NORMAL"); // the next commit that waits takes this one along
    try {
      this.#db.transaction(() => jobs.forEach((job) => job.run())).immediate();
    } catch (error) {
      const failure = new WarrenError(
        "STORE_FAILED",
        `the registry cannot write its database (${describeError(error)})`,
        {
          cause: error,
        },
      );
      return jobs.forEach((job) => job.fail(failure));
    } finally {
      if (!waitsForDisk) this.#db.run("PRAGMA synchronous = FULL");
    }
    jobs.forEach((job) => job.settle());
  }
}

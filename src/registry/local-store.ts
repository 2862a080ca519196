/** Local store: the disk of a registry that is one process: names, the last record of each key, and the days it was up. */
import { Database } from "bun:sqlite";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { describeError, isWarrenError, WarrenError } from "../base/errors.ts";
import type { PeerId } from "../base/ids.ts";
import type { Clock } from "../base/world.ts";
import { DAY_MS, GRANT_DAYS } from "./grant.ts";
import type { RegistryLimits } from "./limits.ts";
import type { RecordBody } from "./record.ts";
import type { RecordQuery, Registration, RegistryStore, StoredRecord } from "./store.ts";

const SCHEMA_VERSION = 1;
const SCHEMA = `
  CREATE TABLE names (name TEXT PRIMARY KEY, id TEXT NOT NULL, since INTEGER NOT NULL, used_day INTEGER NOT NULL) STRICT;
  CREATE INDEX names_by_id ON names (id);
  CREATE TABLE records (id TEXT PRIMARY KEY, name TEXT NOT NULL, kind TEXT NOT NULL, seq INTEGER NOT NULL,
    record TEXT NOT NULL, received_at INTEGER NOT NULL, stay INTEGER NOT NULL) STRICT;
  CREATE INDEX records_by_name ON records (name);
  CREATE TABLE commands (command TEXT NOT NULL, id TEXT NOT NULL, PRIMARY KEY (command, id)) STRICT, WITHOUT ROWID;
  CREATE TABLE facts (key TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT;
  PRAGMA user_version = ${SCHEMA_VERSION};
`;
const FILE = "registry.sqlite";

interface NameRow {
  id: PeerId;
  since: number;
}

interface RecordRow extends NameRow {
  name: string;
  record: string;
  received_at: number;
  stay: number;
}

interface Job {
  run: () => void;
  fail: (error: unknown) => void;
  settle: () => void;
}

/** Writes of one turn of the event loop are one transaction; a promise resolves when what it stands for is on disk. */
export class LocalStore implements RegistryStore {
  readonly #db: Database;
  readonly #clock: Clock;
  readonly #limits: RegistryLimits;
  #jobs: Job[] = [];
  #stays: number; // registrations so far, counted on from the process before

  private constructor(db: Database, clock: Clock, limits: RegistryLimits) {
    this.#db = db;
    this.#clock = clock;
    this.#limits = limits;
    this.#stays = this.#count("SELECT coalesce(max(stay), 0) AS n FROM records");
  }

  /** @throws {WarrenError} `HOME_UNWRITABLE`, `STORE_CORRUPT`, `STORE_NEWER` */
  static async open(folder: string, clock: Clock, limits: RegistryLimits): Promise<LocalStore> {
    const path = join(folder, FILE);
    let db: Database | undefined;
    try {
      await mkdir(folder, { recursive: true, mode: 0o700 });
      db = new Database(path, { create: true, strict: true });
      prepare(db, path);
    } catch (error) {
      db?.close();
      throw isWarrenError(error) ? error : unusable(path, error);
    }
    return new LocalStore(db, clock, limits);
  }

  register(body: RecordBody, record: string, grantedSince?: number): Promise<Registration> {
    return this.#write(() => {
      const last = this.#db
        .query<{ seq: number; record: string }, [string]>("SELECT seq, record FROM records WHERE id = ?")
        .get(body.id);
      if (last && last.record !== record && last.seq >= body.seq) return { kind: "stale", last: last.record };
      const claim = this.#claim(body.name, body.id, grantedSince);
      if (claim.kind === "registered") this.#saveRecord(body, record, claim.stay);
      return claim;
    });
  }

  leave(id: PeerId, stay: number): Promise<void> {
    return this.#write(
      () => void this.#db.query("UPDATE records SET stay = 0 WHERE id = ? AND stay = ?").run(id, stay),
    );
  }

  tick(): Promise<void> {
    return this.#write(() => {
      const now = this.#clock.now();
      this.#setFact("alive_at", now);
      const date = Math.floor(now / DAY_MS);
      const previous = this.#fact("date");
      if (date === previous) return;
      this.#setFact("date", date);
      if (previous !== undefined && date > previous) this.#countDay();
    });
  }

  aliveAt(): number | undefined {
    return this.#fact("alive_at");
  }

  get(id: PeerId): StoredRecord | undefined {
    const row = this.#db.query<RecordRow, [string]>(`${SELECT_RECORD} WHERE r.id = ?`).get(id);
    return row ? toStored(row) : undefined;
  }

  list(query: RecordQuery): StoredRecord[] {
    const rows = this.#db
      .query<RecordRow, [Record<string, string | number | null>]>(
        `${SELECT_RECORD} WHERE r.id > $after AND ($name IS NULL OR r.name = $name) AND ($kind IS NULL OR kind = $kind)
         AND ($online IS NULL OR (stay > 0) = $online)
         AND ($command IS NULL OR EXISTS (SELECT 1 FROM commands c WHERE c.command = $command AND c.id = r.id))
         ORDER BY r.id LIMIT $limit`,
      )
      .all({
        after: query.after ?? "",
        name: query.name ?? null,
        kind: query.kind ?? null,
        online: query.online === undefined ? null : Number(query.online),
        command: query.command ?? null,
        limit: query.limit,
      });
    return rows.map(toStored);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#commit();
    this.#db.close();
    await Promise.resolve();
  }

  #claim(name: string, id: PeerId, grantedSince: number | undefined): Registration {
    const holder = this.#db.query<NameRow, [string]>("SELECT id, since FROM names WHERE name = ?").get(name);
    const wins = !holder || holder.id === id || (grantedSince !== undefined && grantedSince < holder.since);
    if (!wins) return { kind: "taken", holder };
    if (holder?.id !== id) {
      const why = this.#noRoomFor(id, holder === null);
      if (why !== undefined) return { kind: "full", why };
    }
    const own = holder?.id === id ? holder.since : this.#clock.now();
    const since = Math.min(own, grantedSince ?? own);
    this.#db
      .query("INSERT OR REPLACE INTO names (name, id, since, used_day) VALUES (?, ?, ?, ?)")
      .run(name, id, since, this.#fact("day") ?? 0);
    const displaced = holder && holder.id !== id ? holder.id : undefined;
    if (displaced) this.#db.query("DELETE FROM records WHERE id = ? AND name = ?").run(displaced, name);
    return { kind: "registered", since, stay: ++this.#stays, displaced };
  }

  #noRoomFor(id: PeerId, isNewName: boolean): string | undefined {
    const { maxNames, maxNamesPerKey } = this.#limits;
    if (this.#count("SELECT count(*) AS n FROM names WHERE id = ?", id) >= maxNamesPerKey) {
      return `this key holds ${maxNamesPerKey} names already; one that is not used is free after ${GRANT_DAYS} days`;
    }
    if (isNewName && this.#count("SELECT count(*) AS n FROM names") >= maxNames) {
      return `this registry is full (${maxNames} names)`;
    }
    return undefined;
  }

  #saveRecord(body: RecordBody, record: string, stay: number): void {
    this.#db
      .query(
        `INSERT OR REPLACE INTO records (id, name, kind, seq, record, received_at, stay) VALUES (?, ?, ?, ?, ?, ?, ?)`,
      )
      .run(body.id, body.name, body.kind, body.seq, record, this.#clock.now(), stay);
    this.#db.query("DELETE FROM commands WHERE id = ?").run(body.id);
    const insert = this.#db.query("INSERT OR IGNORE INTO commands (command, id) VALUES (?, ?)");
    for (const command of body.card.commands) insert.run(command.name, body.id);
  }

  #countDay(): void {
    const day = (this.#fact("day") ?? 0) + 1;
    this.#setFact("day", day);
    this.#db
      .query("UPDATE names SET used_day = ? WHERE (id, name) IN (SELECT id, name FROM records WHERE stay > 0)")
      .run(day);
    this.#db.query("DELETE FROM names WHERE used_day < ?").run(day - GRANT_DAYS);
    this.#db.run("DELETE FROM records WHERE name NOT IN (SELECT name FROM names)");
    this.#db.run("DELETE FROM commands WHERE id NOT IN (SELECT id FROM records)");
  }

  #fact(key: string): number | undefined {
    return this.#db.query<{ value: number }, [string]>("SELECT value FROM facts WHERE key = ?").get(key)?.value;
  }

  #setFact(key: string, value: number): void {
    this.#db.query("INSERT OR REPLACE INTO facts (key, value) VALUES (?, ?)").run(key, value);
  }

  #count(sql: string, ...values: string[]): number {
    return this.#db.query<{ n: number }, string[]>(sql).get(...values)?.n ?? 0;
  }

  #write<Result>(run: () => Result): Promise<Result> {
    return new Promise((resolve, reject) => {
      let result: Result;
      if (this.#jobs.length === 0) this.#clock.soon(() => this.#commit());
      this.#jobs.push({ run: () => void (result = run()), settle: () => resolve(result), fail: reject });
    });
  }

  #commit(): void {
    const jobs = this.#jobs.splice(0);
    if (jobs.length === 0) return;
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
    }
    jobs.forEach((job) => job.settle());
  }
}

const SELECT_RECORD = `SELECT r.id, r.name, record, received_at, stay, n.since AS since
  FROM records r JOIN names n ON n.name = r.name AND n.id = r.id`;

function toStored(row: RecordRow): StoredRecord {
  const { id, name, record, since, stay } = row;
  return { id, name, record, since, stay, receivedAt: row.received_at };
}

function prepare(db: Database, path: string): void {
  db.run("PRAGMA busy_timeout = 5000");
  db.run("PRAGMA journal_mode = WAL");
  db.run("PRAGMA synchronous = FULL"); // a name that was granted must not be granted again after a power cut
  const version = db.query<{ user_version: number }, []>("PRAGMA user_version").get()?.user_version ?? 0;
  if (version > SCHEMA_VERSION) {
    throw new WarrenError(
      "STORE_NEWER",
      `${path} was written by a newer Warren: update Warren, or give another --home`,
    );
  }
  if (version === 0) db.transaction(() => db.run(SCHEMA)).immediate();
}

function unusable(path: string, error: unknown): WarrenError {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  const isCorrupt = code.startsWith("SQLITE_CORRUPT") || code.startsWith("SQLITE_NOTADB");
  return isCorrupt
    ? new WarrenError("STORE_CORRUPT", `${path} is damaged: restore it from a backup, or move it away to begin anew`, {
        cause: error,
      })
    : new WarrenError("HOME_UNWRITABLE", `${path} cannot be opened (${describeError(error)}): give another --home`, {
        cause: error,
      });
}

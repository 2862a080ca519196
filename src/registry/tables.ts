/** Tables: names and the last record of each key, in an SQLite database on disk or in memory. */
import { Database } from "bun:sqlite";
import type { PeerId } from "../base/ids.ts";
import type { RecordBody } from "./record.ts";
import type { RecordQuery, StoredRecord } from "./store.ts";

export const TABLES = `
  CREATE TABLE names (name TEXT PRIMARY KEY, id TEXT NOT NULL, since INTEGER NOT NULL, used_day INTEGER NOT NULL) STRICT;
  CREATE INDEX names_by_id ON names (id);
  CREATE TABLE records (id TEXT PRIMARY KEY, name TEXT NOT NULL, kind TEXT NOT NULL, seq INTEGER NOT NULL,
    record TEXT NOT NULL, received_at INTEGER NOT NULL, stay INTEGER NOT NULL) STRICT;
  CREATE INDEX records_by_name ON records (name);
  CREATE TABLE commands (command TEXT NOT NULL, id TEXT NOT NULL, PRIMARY KEY (command, id)) STRICT, WITHOUT ROWID;
`;

/** For whoever asks who is online: of many that are known, few may be. */
export const ONLINE_INDEX = "CREATE INDEX records_online ON records (id) WHERE stay > 0;";

/** For whoever replaces a record: its commands are found by its id. */
export const COMMANDS_INDEX = "CREATE INDEX commands_by_id ON commands (id);";

/** Whom the operator lets in: see door.ts. */
export const DOOR_TABLES = `
  CREATE TABLE invites (id TEXT PRIMARY KEY, hash TEXT NOT NULL UNIQUE, label TEXT NOT NULL, made_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL, uses INTEGER NOT NULL, used INTEGER NOT NULL) STRICT;
  CREATE TABLE members (id TEXT PRIMARY KEY, since INTEGER NOT NULL, by TEXT NOT NULL) STRICT;
  CREATE TABLE blocked (id TEXT PRIMARY KEY, since INTEGER NOT NULL) STRICT;
`;

export interface NameRow {
  id: PeerId;
  since: number;
  /** The counted day on which it was last seen in use. */
  usedDay: number;
}

export interface RecordRowToSave {
  readonly body: Pick<RecordBody, "id" | "name" | "kind" | "seq">;
  readonly commands: readonly string[];
  readonly record: string;
  readonly receivedAt: number;
  readonly stay: number;
}

interface RecordRow {
  id: PeerId;
  name: string;
  record: string;
  since: number;
  received_at: number;
  stay: number;
}

export class Tables {
  readonly #db: Database;

  /** The database has them already. */
  constructor(db: Database) {
    this.#db = db;
  }

  static inMemory(): Tables {
    const db = new Database(":memory:", { strict: true });
    db.run(TABLES + ONLINE_INDEX + DOOR_TABLES + COMMANDS_INDEX);
    return new Tables(db);
  }

  close(): void {
    this.#db.close();
  }

  name(name: string): NameRow | undefined {
    const sql = "SELECT id, since, used_day AS usedDay FROM names WHERE name = ?";
    return this.#db.query<NameRow, [string]>(sql).get(name) ?? undefined;
  }

  setName(name: string, { id, since, usedDay }: NameRow): void {
    // Nearly always nothing about it is new: then nothing is written.
    const sql = `INSERT INTO names (name, id, since, used_day) VALUES (?, ?, ?, ?) ON CONFLICT (name) DO UPDATE
      SET id = excluded.id, since = excluded.since, used_day = excluded.used_day
      WHERE id <> excluded.id OR since <> excluded.since OR used_day <> excluded.used_day`;
    this.#db.query(sql).run(name, id, since, usedDay);
  }

  removeName(name: string): void {
    this.#db.query("DELETE FROM names WHERE name = ?").run(name);
  }

  /** Names of peers that are online, last seen in use before `day`. */
  namesInUse(day: number): (NameRow & { name: string })[] {
    const sql = `SELECT n.name, n.id, since, used_day AS usedDay FROM names n JOIN records r ON r.name = n.name AND r.id = n.id
      WHERE stay > 0 AND used_day < ?`;
    return this.#db.query<NameRow & { name: string }, [number]>(sql).all(day);
  }

  namesUnusedSince(day: number): (NameRow & { name: string })[] {
    const sql = "SELECT name, id, since, used_day AS usedDay FROM names WHERE used_day < ?";
    return this.#db.query<NameRow & { name: string }, [number]>(sql).all(day);
  }

  /** How many there are, or how many of them `id` holds. */
  countNames(id?: PeerId): number {
    if (id === undefined) return this.#count("SELECT count(*) AS n FROM names");
    return this.#count("SELECT count(*) AS n FROM names WHERE id = ?", id);
  }

  /** A key's last record, whether or not it still holds its name. */
  lastRecord(id: PeerId): { seq: number; record: string; name: string; stay: number } | undefined {
    const sql = "SELECT seq, record, name, stay FROM records WHERE id = ?";
    const query = this.#db.query<{ seq: number; record: string; name: string; stay: number }, [string]>(sql);
    return query.get(id) ?? undefined;
  }

  /** Who is online under a name that is `id`'s. */
  othersOnline(name: string, id: PeerId): PeerId[] {
    const sql = "SELECT id FROM records WHERE name = ? AND id <> ? AND stay > 0";
    return this.#db
      .query<{ id: PeerId }, [string, string]>(sql)
      .all(name, id)
      .map((row) => row.id);
  }

  saveRecord({ body, commands, record, receivedAt, stay }: RecordRowToSave): void {
    const { id, name, kind, seq } = body;
    // Nearly always the name is the one before: then its indexes, half of what there is to write, are left alone.
    const update =
      "UPDATE records SET seq = ?, record = ?, received_at = ?, stay = ? WHERE id = ? AND name = ? AND kind = ?";
    const isThere = this.#db.query(update).run(seq, record, receivedAt, stay, id, name, kind).changes > 0;
    if (!isThere) {
      const insert = `INSERT OR REPLACE INTO records (id, name, kind, seq, record, received_at, stay) VALUES (?, ?, ?, ?, ?, ?, ?)`;
      this.#db.query(insert).run(id, name, kind, seq, record, receivedAt, stay);
    }
    this.#saveCommands(id, commands);
  }

  removeRecord(id: PeerId): void {
    this.#db.query("DELETE FROM records WHERE id = ?").run(id);
    this.#db.query("DELETE FROM commands WHERE id = ?").run(id);
  }

  /** Returns whether the peer was online by that registration. */
  endStay(id: PeerId, stay: number): boolean {
    return this.#db.query("UPDATE records SET stay = 0 WHERE id = ? AND stay = ?").run(id, stay).changes > 0;
  }

  /** Every key that holds a name. */
  holders(): PeerId[] {
    return this.#db
      .query<{ id: PeerId }, []>("SELECT DISTINCT id FROM names")
      .all()
      .map((row) => row.id);
  }

  /** Whether a key is shown. */
  setBlocked(id: PeerId, isBlocked: boolean): void {
    if (isBlocked) this.#db.query("INSERT OR IGNORE INTO blocked (id, since) VALUES (?, 0)").run(id);
    else this.#db.query("DELETE FROM blocked WHERE id = ?").run(id);
  }

  /** Whoever was blocked while no registry ran is online no more. */
  endBlocked(): void {
    this.#db.run("UPDATE records SET stay = 0 WHERE id IN (SELECT id FROM blocked)");
  }

  get highestStay(): number {
    return this.#count("SELECT coalesce(max(stay), 0) AS n FROM records");
  }

  /** Names in use are fresh on `day`; those last used before `oldest`, and what hangs on them, are gone. */
  countDay(day: number, oldest: number): void {
    this.#db
      .query("UPDATE names SET used_day = ? WHERE (id, name) IN (SELECT id, name FROM records WHERE stay > 0)")
      .run(day);
    this.#db.query("DELETE FROM names WHERE used_day < ?").run(oldest);
    this.#db.run("DELETE FROM records WHERE name NOT IN (SELECT name FROM names)");
    this.#db.run("DELETE FROM commands WHERE id NOT IN (SELECT id FROM records)");
  }

  get(id: PeerId): StoredRecord | undefined {
    const row = this.#db.query<RecordRow, [string]>(`${SELECT_RECORD} AND r.id = ?`).get(id);
    return row ? toStored(row) : undefined;
  }

  list(query: RecordQuery): StoredRecord[] {
    const rows = this.#db
      .query<RecordRow, [Record<string, string | number | null>]>(
        `${SELECT_RECORD} AND r.id > $after AND ($name IS NULL OR r.name = $name) AND ($kind IS NULL OR kind = $kind)
         ${query.online === undefined ? "" : query.online ? "AND stay > 0" : "AND stay = 0"}
         AND ($command IS NULL OR EXISTS (SELECT 1 FROM commands c WHERE c.command = $command AND c.id = r.id))
         ORDER BY r.id LIMIT $limit`,
      )
      .all({
        after: query.after ?? "",
        name: query.name ?? null,
        kind: query.kind ?? null,
        command: query.command ?? null,
        limit: query.limit,
      });
    return rows.map(toStored);
  }

  #saveCommands(id: PeerId, commands: readonly string[]): void {
    const sql = "SELECT command FROM commands WHERE id = ? ORDER BY command";
    const kept = this.#db.query<{ command: string }, [string]>(sql).all(id);
    const wanted = [...new Set(commands)].sort();
    if (kept.length === wanted.length && kept.every(({ command }, n) => command === wanted[n])) return;
    this.#db.query("DELETE FROM commands WHERE id = ?").run(id);
    const insert = this.#db.query("INSERT INTO commands (command, id) VALUES (?, ?)");
    for (const command of wanted) insert.run(command, id);
  }

  #count(sql: string, ...values: string[]): number {
    return this.#db.query<{ n: number }, string[]>(sql).get(...values)?.n ?? 0;
  }
}

const SELECT_RECORD = `SELECT r.id, r.name, record, received_at, stay, n.since AS since
  FROM records r JOIN names n ON n.name = r.name AND n.id = r.id
  WHERE NOT EXISTS (SELECT 1 FROM blocked b WHERE b.id = r.id)`;

function toStored(row: RecordRow): StoredRecord {
  const { id, name, record, since, stay } = row;
  return { id, name, record, since, stay, receivedAt: row.received_at };
}

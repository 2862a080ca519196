/** Local door: whom a registry that is one process lets in, in its database; a backup has it, too. */
import type { Database } from "bun:sqlite";
import type { PeerId } from "../base/ids.ts";
import type { World } from "../base/world.ts";
import { Door, type Blocked, type KeptInvite, type Member, type NewInvite } from "./door.ts";
import { Facts } from "./facts.ts";
import { openDatabase } from "./registry-database.ts";

export class LocalDoor extends Door {
  readonly #db: Database;
  readonly #facts: Facts;

  /** Of a store whose database it is. */
  constructor(db: Database, world: World) {
    super(world);
    this.#db = db;
    this.#facts = new Facts(db);
  }

  /** The operator's, beside the registry. @throws {WarrenError} what `openDatabase` throws */
  static async open(folder: string, world: World): Promise<LocalDoor> {
    return new LocalDoor(await openDatabase(folder), world);
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#db.close();
    return Promise.resolve();
  }

  get edition(): number {
    return this.#facts.get("door") ?? 0;
  }

  get isClosed(): boolean {
    return (this.#facts.get("closed") ?? 0) > 0;
  }

  isBlocked(id: PeerId): boolean {
    return this.#db.query("SELECT 1 FROM blocked WHERE id = ?").get(id) !== null;
  }

  isMember(id: PeerId): boolean {
    return this.#db.query("SELECT 1 FROM members WHERE id = ?").get(id) !== null;
  }

  close(): Promise<void> {
    return this.#say(() => {
      if (this.isClosed) return;
      this.#facts.set("closed", 1);
      const sql = "INSERT OR IGNORE INTO members (id, since, by) SELECT DISTINCT id, ?, 'was there' FROM names";
      this.#db.query(sql).run(this.world.clock.now());
    });
  }

  open(): Promise<void> {
    return this.#say(() => this.#facts.set("closed", 0));
  }

  invites(): KeptInvite[] {
    const sql = "SELECT id, label, expires_at AS expiresAt, uses, used FROM invites ORDER BY made_at DESC, id";
    return this.#db.query<KeptInvite, []>(sql).all();
  }

  revoke(invite: string): Promise<boolean> {
    return Promise.resolve(this.#db.query("DELETE FROM invites WHERE id = ?").run(invite).changes > 0);
  }

  allow(id: PeerId): Promise<void> {
    return this.#say(() => this.#admit(id, "allowed"));
  }

  disallow(id: PeerId): Promise<boolean> {
    return this.#say(() => this.#db.query("DELETE FROM members WHERE id = ?").run(id).changes > 0);
  }

  members(): Member[] {
    return this.#db.query<Member, []>("SELECT id, since, by FROM members ORDER BY since, id").all();
  }

  block(id: PeerId): Promise<void> {
    const sql = "INSERT OR IGNORE INTO blocked (id, since) VALUES (?, ?)";
    return this.#say(() => void this.#db.query(sql).run(id, this.world.clock.now()));
  }

  unblock(id: PeerId): Promise<boolean> {
    return this.#say(() => this.#db.query("DELETE FROM blocked WHERE id = ?").run(id).changes > 0);
  }

  blocked(): Blocked[] {
    return this.#db.query<Blocked, []>("SELECT id, since FROM blocked ORDER BY since, id").all();
  }

  protected use(hash: string, id: PeerId): Promise<boolean> {
    const use = this.#db.transaction(() => {
      const sql = `UPDATE invites SET used = used + 1 WHERE hash = ? AND used < uses AND expires_at > ? RETURNING label`;
      const invite = this.#db.query<{ label: string }, [string, number]>(sql).get(hash, this.world.clock.now());
      if (invite) this.#admit(id, `invite ${invite.label}`.trim());
      return invite !== null;
    });
    return Promise.resolve(use.immediate());
  }

  protected keep({ id, hash, label, madeAt, expiresAt, uses }: NewInvite): Promise<void> {
    const sql = "INSERT INTO invites (id, hash, label, made_at, expires_at, uses, used) VALUES (?, ?, ?, ?, ?, ?, 0)";
    this.#db.query(sql).run(id, hash, label, madeAt, expiresAt, uses);
    return Promise.resolve();
  }

  protected forget(expiredBy: number): Promise<void> {
    this.#db.query("DELETE FROM invites WHERE expires_at < ?").run(expiredBy);
    return Promise.resolve();
  }

  #admit(id: PeerId, by: string): void {
    const sql = "INSERT OR IGNORE INTO members (id, since, by) VALUES (?, ?, ?)";
    this.#db.query(sql).run(id, this.world.clock.now(), by);
  }

  /** Does what the operator says, and lets the registry that runs see that something was said. */
  #say<Result>(run: () => Result): Promise<Result> {
    const say = this.#db.transaction(() => {
      this.#facts.set("door", this.edition + 1);
      return run();
    });
    return Promise.resolve(say.immediate());
  }
}

/**
 * Door: whom a registry lets in. What its operator says is in the database beside the names, so that commands work while the
 * registry runs, and a backup has it. Whoever was let in once is a member, and needs no invite any more.
 */
import type { Database } from "bun:sqlite";
import { createHash, createHmac, timingSafeEqual } from "node:crypto";
import { WarrenError } from "../base/errors.ts";
import { isPeerId, type PeerId } from "../base/ids.ts";
import type { World } from "../base/world.ts";
import type { Identity } from "../identity/identity.ts";
import { formatInvite, type Invite } from "./invite.ts";
import { openDatabase } from "./local-store.ts";

/** 190 bits: nobody guesses one, so a fast hash keeps it. */
const SECRET_LENGTH = 32;
const MAX_LABEL = 100;

export interface InviteOptions {
  readonly label: string;
  /** How many keys it lets in. */
  readonly uses: number;
  readonly validMs: number;
}

/** What is kept of an invite; its secret is not. */
export interface KeptInvite {
  readonly id: string;
  readonly label: string;
  readonly expiresAt: number;
  readonly uses: number;
  readonly used: number;
}

export interface Member {
  readonly id: PeerId;
  readonly since: number;
  /** The label of the invite that it came with, or how else it came. */
  readonly by: string;
}

export class Door implements Disposable {
  readonly #db: Database;
  readonly #world: World;

  private constructor(db: Database, world: World) {
    this.#db = db;
    this.#world = world;
  }

  /** @throws {WarrenError} what `LocalStore.open` throws */
  static async open(folder: string, world: World): Promise<Door> {
    return new Door(await openDatabase(folder), world);
  }

  [Symbol.dispose](): void {
    this.#db.close();
  }

  /** Counts what the operator has said; asked again and again by the registry that runs. */
  get edition(): number {
    return this.#fact("door") ?? 0;
  }

  get isClosed(): boolean {
    return (this.#fact("closed") ?? 0) > 0;
  }

  /** Why a key that has proved itself may not come in; undefined when it may. An invite that it needed is used up by it. */
  refusal(id: PeerId, invite: string | undefined): WarrenError | undefined {
    if (this.isBlocked(id))
      return new WarrenError("KEY_BLOCKED", "this registry has blocked your key: ask who runs it");
    if (!this.isClosed || this.#isMember(id)) return undefined;
    if (invite === undefined) {
      return new WarrenError(
        "INVITE_NEEDED",
        "this registry is closed: ask who runs it for an invite, and give it with --invite",
      );
    }
    if (this.#use(invite, id)) return undefined;
    const text = "this invite was used up, revoked or made for another time or registry: ask who runs it for a new one";
    return new WarrenError("INVITE_INVALID", text);
  }

  /** Whether a peer that is there may stay. */
  admits(id: PeerId): boolean {
    return !this.isBlocked(id) && (!this.isClosed || this.#isMember(id));
  }

  isBlocked(id: PeerId): boolean {
    return this.#db.query("SELECT 1 FROM blocked WHERE id = ?").get(id) !== null;
  }

  // What follows is the operator's.

  /** From now on new keys need an invite; all that hold a name are members. */
  close(): void {
    this.#say(() => {
      if (this.isClosed) return;
      this.#setFact("closed", 1);
      const sql = "INSERT OR IGNORE INTO members (id, since, by) SELECT DISTINCT id, ?, 'was there' FROM names";
      this.#db.query(sql).run(this.#world.clock.now());
    });
  }

  open(): void {
    this.#say(() => this.#setFact("closed", 0));
  }

  /** Makes an invite of the registry `of`; nobody can show it again. @throws {WarrenError} `USAGE` */
  invite(of: PeerId, { label, uses, validMs }: InviteOptions): Invite {
    if (label.length > MAX_LABEL) throw new WarrenError("USAGE", `a label has at most ${MAX_LABEL} characters`);
    const secret = this.#world.token(SECRET_LENGTH);
    const id = this.#world.token(6);
    const now = this.#world.clock.now();
    this.#db.query("DELETE FROM invites WHERE expires_at < ?").run(now - 30 * 86_400_000); // nobody asks any more
    this.#db
      .query("INSERT INTO invites (id, hash, label, made_at, expires_at, uses, used) VALUES (?, ?, ?, ?, ?, ?, 0)")
      .run(id, hashOf(secret), label, now, now + validMs, uses);
    return { id, text: formatInvite(of, secret) };
  }

  /** The newest first. */
  invites(): KeptInvite[] {
    const sql = "SELECT id, label, expires_at AS expiresAt, uses, used FROM invites ORDER BY made_at DESC, id";
    return this.#db.query<KeptInvite, []>(sql).all();
  }

  /** Who came with it stays. Returns whether there was one. */
  revoke(invite: string): boolean {
    return this.#db.query("DELETE FROM invites WHERE id = ?").run(invite).changes > 0;
  }

  allow(id: PeerId): void {
    this.#say(() => this.#admit(id, "allowed"));
  }

  /** Returns whether it was a member. */
  disallow(id: PeerId): boolean {
    return this.#say(() => this.#db.query("DELETE FROM members WHERE id = ?").run(id).changes > 0);
  }

  members(): Member[] {
    return this.#db.query<Member, []>("SELECT id, since, by FROM members ORDER BY since, id").all();
  }

  block(id: PeerId): void {
    const sql = "INSERT OR IGNORE INTO blocked (id, since) VALUES (?, ?)";
    this.#say(() => this.#db.query(sql).run(id, this.#world.clock.now()));
  }

  /** Returns whether it was blocked. */
  unblock(id: PeerId): boolean {
    return this.#say(() => this.#db.query("DELETE FROM blocked WHERE id = ?").run(id).changes > 0);
  }

  blocked(): { id: PeerId; since: number }[] {
    return this.#db.query<{ id: PeerId; since: number }, []>("SELECT id, since FROM blocked ORDER BY since, id").all();
  }

  #use(secret: string, id: PeerId): boolean {
    const now = this.#world.clock.now();
    const use = this.#db.transaction(() => {
      const sql = `UPDATE invites SET used = used + 1 WHERE hash = ? AND used < uses AND expires_at > ? RETURNING label`;
      const invite = this.#db.query<{ label: string }, [string, number]>(sql).get(hashOf(secret), now);
      if (invite) this.#admit(id, `invite ${invite.label}`.trim());
      return invite !== null;
    });
    return use.immediate();
  }

  #admit(id: PeerId, by: string): void {
    const sql = "INSERT OR IGNORE INTO members (id, since, by) VALUES (?, ?, ?)";
    this.#db.query(sql).run(id, this.#world.clock.now(), by);
  }

  #isMember(id: PeerId): boolean {
    return this.#db.query("SELECT 1 FROM members WHERE id = ?").get(id) !== null;
  }

  /** Does what the operator says, and lets the registry that runs see that something was said. */
  #say<Result>(run: () => Result): Result {
    return this.#db
      .transaction(() => {
        this.#setFact("door", this.edition + 1);
        return run();
      })
      .immediate();
  }

  #fact(key: string): number | undefined {
    return this.#db.query<{ value: number }, [string]>("SELECT value FROM facts WHERE key = ?").get(key)?.value;
  }

  #setFact(key: string, value: number): void {
    this.#db.query("INSERT OR REPLACE INTO facts (key, value) VALUES (?, ?)").run(key, value);
  }
}

/** Passes: by them a closed registry knows, over HTTP, those whom it lets in. Nothing of them is kept. */
export class Passes {
  readonly #secret: Buffer;

  constructor({ keyPem }: Identity) {
    this.#secret = createHash("sha256").update(`warren reading pass\n${keyPem}`).digest();
  }

  passOf(id: PeerId): string {
    return `${id}.${this.#mac(id).toString("base64url")}`;
  }

  /** Whose pass an `Authorization` header shows; undefined if it is none of this registry. */
  holderOf(header: string | null): PeerId | undefined {
    const [, id = "", mac = ""] = /^Bearer ([a-z2-7]{52})\.([\w-]{43})$/.exec(header ?? "") ?? [];
    if (!isPeerId(id)) return undefined;
    return timingSafeEqual(this.#mac(id), Buffer.from(mac, "base64url")) ? id : undefined;
  }

  #mac(id: PeerId): Buffer {
    return createHmac("sha256", this.#secret).update(id).digest();
  }
}

function hashOf(secret: string): string {
  return createHash("sha256").update(secret).digest("base64url");
}

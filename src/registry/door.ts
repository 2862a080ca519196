/**
 * Door: whom a registry lets in. What its operator says is kept beside the names, so that commands work while the registry
 * runs. Whoever was let in once is a member, and needs no invite any more. test/registry/door-contract.ts holds every door to
 * the same behaviour.
 */
import { createHash } from "node:crypto";
import { WarrenError } from "../base/errors.ts";
import type { PeerId } from "../base/ids.ts";
import type { World } from "../base/world.ts";
import { formatInvite, type Invite } from "./invite.ts";

/** 190 bits: nobody guesses one, so a fast hash keeps it. */
const SECRET_LENGTH = 32;
const MAX_LABEL = 100;
/** An invite that expired so long ago is in nobody's list any more. */
const FORGOTTEN_MS = 30 * 86_400_000;

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

/** An invite that is to be kept. */
export interface NewInvite {
  readonly id: string;
  readonly hash: string;
  readonly label: string;
  readonly madeAt: number;
  readonly expiresAt: number;
  readonly uses: number;
}

export interface Member {
  readonly id: PeerId;
  readonly since: number;
  /** The label of the invite that it came with, or how else it came. */
  readonly by: string;
}

export interface Blocked {
  readonly id: PeerId;
  readonly since: number;
}

export abstract class Door implements AsyncDisposable {
  protected readonly world: World;

  constructor(world: World) {
    this.world = world;
  }

  abstract [Symbol.asyncDispose](): Promise<void>;

  /** Counts what the operator has said; asked again and again by the registry that runs. */
  abstract readonly edition: number;
  abstract readonly isClosed: boolean;
  abstract isBlocked(id: PeerId): boolean;
  abstract isMember(id: PeerId): boolean;

  /** Whether a peer that is there may stay. */
  admits(id: PeerId): boolean {
    return this.refusal(id) === undefined;
  }

  /** Why it may not. */
  refusal(id: PeerId): WarrenError | undefined {
    if (this.isBlocked(id)) {
      return new WarrenError("KEY_BLOCKED", "this registry has blocked your key: ask who runs it");
    }
    if (!this.isClosed || this.isMember(id)) return undefined;
    const text = "this registry is closed: ask who runs it for an invite, and give it with --invite";
    return new WarrenError("INVITE_NEEDED", text);
  }

  /**
   * Why a key that has proved itself may not come in; undefined when it may. An invite that it needed is used up by it.
   *
   * @throws {WarrenError} `STORE_UNREACHABLE`: nobody knows just now, and the invite may be used up, by this key
   */
  async enter(id: PeerId, invite: string | undefined): Promise<WarrenError | undefined> {
    const refusal = this.refusal(id);
    if (refusal?.code !== "INVITE_NEEDED" || invite === undefined) return refusal;
    if (await this.use(hashOf(invite), id)) return undefined;
    const text = "this invite was used up, revoked or made for another time or registry: ask who runs it for a new one";
    return new WarrenError("INVITE_INVALID", text);
  }

  // What follows is the operator's.

  /** From now on new keys need an invite; all that hold a name are members. */
  abstract close(): Promise<void>;
  abstract open(): Promise<void>;

  /** Makes an invite of the registry `of`; nobody can show it again. @throws {WarrenError} `USAGE` */
  async invite(of: PeerId, { label, uses, validMs }: InviteOptions): Promise<Invite> {
    if (label.length > MAX_LABEL) throw new WarrenError("USAGE", `a label has at most ${MAX_LABEL} characters`);
    const secret = this.world.token(SECRET_LENGTH);
    const id = this.world.token(6);
    const madeAt = this.world.clock.now();
    await this.forget(madeAt - FORGOTTEN_MS);
    await this.keep({ id, hash: hashOf(secret), label, madeAt, expiresAt: madeAt + validMs, uses });
    return { id, text: formatInvite(of, secret) };
  }

  /** The newest first. */
  abstract invites(): KeptInvite[];
  /** Who came with it stays. Resolves to whether there was one. */
  abstract revoke(invite: string): Promise<boolean>;

  abstract allow(id: PeerId): Promise<void>;
  /** Resolves to whether it was a member. */
  abstract disallow(id: PeerId): Promise<boolean>;
  /** The oldest first; so are those that are blocked. */
  abstract members(): Member[];

  abstract block(id: PeerId): Promise<void>;
  /** Resolves to whether it was blocked. */
  abstract unblock(id: PeerId): Promise<boolean>;
  abstract blocked(): Blocked[];

  /** Makes a member of it by an invite that is good still: all at once, or not at all. Resolves to whether it is one. */
  protected abstract use(hash: string, id: PeerId): Promise<boolean>;
  protected abstract keep(invite: NewInvite): Promise<void>;
  /** Drops invites that had expired by then. */
  protected abstract forget(expiredBy: number): Promise<void>;
}

function hashOf(secret: string): string {
  return createHash("sha256").update(secret).digest("base64url");
}

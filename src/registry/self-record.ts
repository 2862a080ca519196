/** The record of oneself: signed anew when what it says changes or grows old, and shown again as it is otherwise. */
import { isWarrenError, WarrenError } from "../base/errors.ts";
import type { Address } from "../base/ids.ts";
import type { Clock } from "../base/world.ts";
import type { Identity } from "../identity/identity.ts";
import type { SelfDescription } from "./entry.ts";
import { keepSeq, keptTransfer, lastSeq, type RegistryMemory } from "./memory.ts";
import { HERE, publishable, type Place } from "./publishable.ts";
import { openRecord, signRecord } from "./record.ts";

/** A day: renewed at half of it, and short enough that a peer which vanished with its registry is not believed for long. */
const TTL_SECONDS = 86_400;

interface Signed {
  record: string;
  name: string;
  seq: number;
  /** Why it says less than it should. */
  problem?: WarrenError;
}

export class SelfRecord {
  readonly #identity: Identity;
  readonly #memory: RegistryMemory;
  readonly #clock: Clock;
  #described: SelfDescription | undefined;
  #place: Place = HERE;
  #text = ""; // the JSON of it
  #signed: Promise<Signed> | undefined;
  #signedAt = 0; // steady

  constructor(identity: Identity, memory: RegistryMemory, clock: Clock) {
    this.#identity = identity;
    this.#memory = memory;
    this.#clock = clock;
  }

  /** Whether it is time to sign it again. */
  get isAging(): boolean {
    return this.#signed !== undefined && this.#clock.steady() - this.#signedAt > (TTL_SECONDS / 2) * 1_000;
  }

  /** Returns whether that is news. */
  describe(self: SelfDescription): boolean {
    const text = JSON.stringify([self.name, self.kind, self.addresses, self.card]);
    if (text === this.#text) return false;
    this.#text = text;
    this.#described = self;
    this.#signed = undefined;
    return true;
  }

  /** Says who reads it, and where the peer is seen. Returns whether that is news for a record that was signed. */
  settleAt(place: Place): boolean {
    const before = this.#addresses();
    this.#place = place;
    if (JSON.stringify(before) === JSON.stringify(this.#addresses())) return false;
    this.#signed = undefined;
    return true;
  }

  /**
   * Somebody has that record, as a registry says: the next one goes above it. Returns whether there is to be a next one. What
   * another key has signed counts for nothing, and so does what we know: nobody can drive the number up, or have us sign
   * in a circle.
   */
  async goAbove(last: string): Promise<boolean> {
    const { id } = this.#identity;
    const body = await openRecord(last).catch(() => undefined);
    if (body?.id !== id || body.seq < lastSeq(this.#memory, id)) return false;
    if (last === (await this.#signed)?.record) return false;
    keepSeq(this.#memory, id, body.seq);
    this.#signed = undefined;
    return true;
  }

  /** @throws {WarrenError} `RECORD_INVALID` when even without its card it is over a limit */
  sign(): Promise<Signed> {
    if (this.isAging) this.#signed = undefined;
    this.#signed ??= this.#sign();
    return this.#signed;
  }

  async #sign(): Promise<Signed> {
    const { id, privateKey } = this.#identity;
    if (!this.#described) throw new WarrenError("CLOSED", "nothing was announced");
    const { name, kind, card } = this.#described;
    const transfer = keptTransfer(this.#memory, name);
    const seq = lastSeq(this.#memory, id) + 1;
    keepSeq(this.#memory, id, seq); // before it is shown to anybody: no two records have one number
    this.#signedAt = this.#clock.steady();
    const body = { id, name, kind, addresses: this.#addresses(), card, transfer, seq, ttl: TTL_SECONDS };
    try {
      return { record: await signRecord(body, privateKey), name, seq };
    } catch (error) {
      if (!isWarrenError(error)) throw error;
      // Being found matters more than saying everything that one can do.
      const bare = { ...body, card: { about: card.about.slice(0, 200), commands: [] } };
      return { record: await signRecord(bare, privateKey), name, seq, problem: error };
    }
  }

  #addresses(): Address[] {
    return publishable(this.#described?.addresses ?? [], this.#place);
  }
}

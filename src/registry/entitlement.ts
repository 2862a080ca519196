/** Entitlement: since when a key has a right to a name, by what it shows: a grant of this registry, or a transfer. */
import { describeError } from "../base/errors.ts";
import { shortId, type PeerId } from "../base/ids.ts";
import type { Log } from "../base/log.ts";
import type { Clock } from "../base/world.ts";
import { openGrant } from "./grant.ts";
import type { RecordBody } from "./record.ts";
import type { RegistryStore } from "./store.ts";
import { sinceAfter, transferTo } from "./transfer.ts";

export interface EntitlementParts {
  readonly registry: PeerId;
  readonly store: Pick<RegistryStore, "list">;
  readonly clock: Clock;
  readonly log: Log;
}

export class Entitlement {
  readonly #parts: EntitlementParts;

  constructor(parts: EntitlementParts) {
    this.#parts = parts;
  }

  /** Undefined where it shows nothing that holds: then it may have the name if nobody has it. */
  async since(body: RecordBody, grant: string | undefined): Promise<number | undefined> {
    const { registry, store } = this.#parts;
    const [granted, transfer] = await Promise.all([this.#grantedSince(body, grant), transferTo(body, registry)]);
    const [holder] = transfer ? store.list({ name: body.name, limit: 1 }) : [];
    const isHandedOn = transfer && holder?.id === transfer.from && holder.since === transfer.since;
    return isHandedOn ? sinceAfter(transfer) : granted;
  }

  async #grantedSince(body: RecordBody, grant: string | undefined): Promise<number | undefined> {
    if (grant === undefined) return undefined;
    const { registry, clock, log } = this.#parts;
    try {
      return (await openGrant(grant, { registry, name: body.name, id: body.id, now: clock.now() })).since;
    } catch (error) {
      log.debug(`${shortId(body.id)}: ${describeError(error)}`); // it has the same rights as without one
      return undefined;
    }
  }
}

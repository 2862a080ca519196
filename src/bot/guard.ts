/** Guards: who may use a command. Whatever goes wrong while that is decided, the answer is no. */
import { WarrenError } from "../base/errors.ts";
import { isPeerId, type PeerInfo } from "../base/ids.ts";
import { inTurn } from "../base/in-turn.ts";
import { type Clock, sleep } from "../base/world.ts";
import type { Group } from "./group.ts";

/** How long a guard may think. */
const DECIDE_WITHIN_MS = 5_000;

/** A peer id, several, the members of a group of `bot.group`, or a function that says true. */
export type Allow<Call> =
  string | readonly string[] | { readonly group: string } | ((call: Call) => boolean | Promise<boolean>);

export interface GuardHost {
  readonly clock: Clock;
  group(name: string): Group;
  failed(where: string, error: unknown): void;
}

export class Guard<Call extends { readonly from: PeerInfo }> {
  readonly #what: string;
  readonly #host: GuardHost;
  readonly #decide: (call: Call) => unknown; // what a bot's author gives may say anything
  /** Whether it is a function of the author's, which may want to see the arguments. */
  readonly needsArguments: boolean;

  /** `what` is guarded. @throws {WarrenError} `PLUGIN_INVALID` for anything that can let nobody in */
  constructor(what: string, allow: Allow<Call> | undefined, host: GuardHost) {
    this.#what = what;
    this.#host = host;
    this.needsArguments = typeof allow === "function";
    this.#decide = decider(allow, host);
  }

  /** Never rejects or throws: what throws, hangs or says anything but true is a no. */
  admits(call: Call): boolean | Promise<boolean> {
    return inTurn(
      () => {
        const decision = this.#decide(call);
        return decision instanceof Promise ? this.#inTime(decision) : decision === true;
      },
      (isAdmitted) => isAdmitted,
      (error) => {
        this.#host.failed(`the guard of ${this.#what} denied ${call.from.name}`, error);
        return false;
      },
    );
  }

  async #inTime(decision: Promise<unknown>): Promise<boolean> {
    const wait = new AbortController();
    const late = sleep(this.#host.clock, DECIDE_WITHIN_MS, wait.signal).then(() => {
      throw new Error(`it did not decide within ${DECIDE_WITHIN_MS / 1_000} s`);
    });
    try {
      return (await Promise.race([decision, late])) === true;
    } finally {
      wait.abort();
    }
  }
}

function decider<Call extends { readonly from: PeerInfo }>(
  allow: Allow<Call> | undefined,
  host: GuardHost,
): (call: Call) => boolean | Promise<boolean> {
  if (allow === undefined) return () => true;
  if (typeof allow === "function") return allow;
  if (typeof allow === "object" && "group" in allow) {
    const group = host.group(allow.group);
    return ({ from }) => group.has(from.id);
  }
  const ids = [allow].flat();
  const stranger = ids.find((id) => !isPeerId(id));
  if (stranger !== undefined) {
    const text = `allow: "${stranger}" is not a peer id; names can be given to anybody`;
    throw new WarrenError("PLUGIN_INVALID", text);
  }
  return ({ from }) => ids.includes(from.id);
}

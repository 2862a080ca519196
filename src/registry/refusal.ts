/** Refusal: why a peer is not admitted, in the words that it is told. */
import { isWarrenError } from "../base/errors.ts";
import { shortId, type PeerId } from "../base/ids.ts";
import type { Door } from "./door.ts";
import type { ErrorFrame } from "./frames.ts";
import { BUSY_MS, type Registration } from "./store.ts";

/** Who is not let in may ask again, as its operator may change that; but not all the time. */
const SHUT_OUT_MS = 60_000;

export function refusal(code: ErrorFrame["code"], message: string, details: Partial<ErrorFrame> = {}): ErrorFrame {
  return { t: "error", code, message, ...details };
}

/** Of a claim to `name` that the store has not granted. */
export function refusalOf(result: Exclude<Registration, { kind: "registered" }>, name: string): ErrorFrame {
  if (result.kind === "taken") {
    const { id, since } = result.holder;
    const day = new Date(since).toISOString().slice(0, 10);
    const text = `the name "${name}" belongs to ${shortId(id)} since ${day}: choose another name`;
    return refusal("NAME_TAKEN", text, { holder: result.holder });
  }
  if (result.kind === "stale") {
    return refusal("RECORD_STALE", "a newer record of this peer is known", { last: result.last });
  }
  if (result.kind === "full") return refusal("REGISTRY_REFUSED", result.why);
  if (result.kind === "held") {
    return refusal("TWO_INSTANCES", "this peer is logged in from another process, which goes first");
  }
  const text = `this registry can keep nothing just now (${result.why}): try again`;
  return refusal("REGISTRY_BUSY", text, { after: result.retryAfterMs });
}

/** Of a key that has proved itself; undefined when it is let in. An invite that it needed is used up by it. */
export async function refusalAt(door: Door, id: PeerId, invite: string | undefined): Promise<ErrorFrame | undefined> {
  try {
    const reason = await door.enter(id, invite);
    return reason && refusal(reason.code, reason.message, { after: SHUT_OUT_MS });
  } catch (error) {
    if (!isWarrenError(error, "STORE_UNREACHABLE")) throw error;
    return refusalOf({ kind: "busy", why: error.message, retryAfterMs: BUSY_MS }, "");
  }
}

/** Refusal: why a peer is not admitted, in the words that it is told. */
import { shortId } from "../base/ids.ts";
import type { ErrorFrame } from "./frames.ts";
import type { Registration } from "./store.ts";

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

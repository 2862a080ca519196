/** Special arguments: texts with a meaning, which `run` is given as what they mean. On a card they are texts with a format. */
import { AsyncLocalStorage } from "node:async_hooks";
import { z } from "zod";
import { isWarrenError, WarrenError } from "../base/errors.ts";
import { isPeerId, parseAddress, type PeerInfo } from "../base/ids.ts";
import type { Peer } from "../peer/peer.ts";
import { clip } from "./command-line.ts";
import { durationMs, isDuration } from "./duration.ts";

/** Who is meant by a word. @throws {WarrenError} `PEER_UNKNOWN` and the like */
export type LookUp = (who: string) => Promise<PeerInfo>;

const lookUps = new AsyncLocalStorage<LookUp>(); // a schema is made before there is any bot to look for it

/** `"10s"`, `"2h"`; `run` is given the ms. A value to begin with is `.prefault("10s")`. */
export function duration() {
  return z
    .string()
    .meta({ format: "duration" })
    .transform((text, context): number => {
      const ms = isDuration(text) ? durationMs(text) : NaN;
      if (Number.isSafeInteger(ms)) return ms;
      return refuse(context, `"${clip(text)}" is not a duration: a number and ms, s, m, h or d, like "10s"`);
    });
}

/** A name or a peer id; `run` is given the `PeerInfo` of who is meant. */
export function peer() {
  return z
    .string()
    .meta({ format: "peer" })
    .transform(async (who, context): Promise<PeerInfo> => {
      const lookUp = lookUps.getStore();
      if (!lookUp) throw new Error("peer() has a meaning only in the arguments of a bot's command");
      try {
        return await lookUp(who);
      } catch (error) {
        if (isWarrenError(error, "NAME_CHANGED")) return refuse(context, error.message);
        if (!isWarrenError(error, "PEER_UNKNOWN", "BAD_NAME")) throw error;
        return refuse(context, `"${clip(who)}" is nobody known here`);
      }
    });
}

/** Runs `parse`, in which every `peer()` asks `lookUp`. */
export function lookingUp<Result>(lookUp: LookUp, parse: () => Result): Result {
  return lookUps.run(lookUp, parse);
}

/** Who is meant by what a person typed. Nobody's word makes the bot dial an address. */
export async function lookUpPeer(own: Pick<Peer, "info" | "resolve">, typed: string): Promise<PeerInfo> {
  const who = typed.trim().replace(/^@/, "").toLowerCase();
  if (who === own.info.id || who === own.info.name) return own.info;
  if (!isPeerId(who) && parseAddress(who)) throw new WarrenError("PEER_UNKNOWN", `${who} is an address, not a peer`);
  return await own.resolve(who);
}

function refuse(context: z.RefinementCtx<string>, message: string): never {
  context.addIssue({ code: "custom", message });
  return z.NEVER;
}

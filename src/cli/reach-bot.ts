/** Reach a bot of this home, to take care of it: where it runs, or opened for the moment. */
import { isWarrenError, WarrenError } from "../base/errors.ts";
import { identityFolder } from "../base/home.ts";
import { parseName } from "../base/ids.ts";
import type { Log } from "../base/log.ts";
import { sleep, systemClock } from "../base/world.ts";
import type { Peer } from "../peer/peer.ts";
import { takeCareOnly } from "./care.ts";
import { errorEvent, type Performer } from "./events.ts";
import type { Reached } from "./reach.ts";
import { findRunning } from "./running.ts";

const LOOK_AGAIN_MS = 50;
const PATIENCE_MS = 3_000; // a bot that is starting takes commands within that time

/** What takes the commands for a bot. */
export function careOf(peer: Peer): Performer {
  return {
    async perform(command, emit) {
      const answer = await takeCareOnly(peer, command).catch(errorEvent);
      emit("ref" in command ? { ...answer, ref: command.ref } : answer);
    },
  };
}

/** @throws {WarrenError} `PEER_UNKNOWN` where there is no such bot, and what `openPeer` throws */
export async function reachBot(home: string, name: string, log: Log): Promise<Reached> {
  const folder = identityFolder(home, "bot", parseName(name));
  if (!(await Bun.file(`${folder}/key.pem`).exists())) {
    throw new WarrenError("PEER_UNKNOWN", `no bot named ${name} has run here: --home says where to look`);
  }
  for (let waitedMs = 0; ; waitedMs += LOOK_AGAIN_MS) {
    const running = await findRunning(folder);
    if (running) return { performer: running, [Symbol.asyncDispose]: async () => {} };
    try {
      const { openPeer } = await import("../warren.ts");
      // It is nobody's business that it is here for a moment, without anybody who answers.
      const peer = await openPeer({ name, kind: "bot", home, host: "127.0.0.1", registry: "none", log });
      return { performer: careOf(peer), [Symbol.asyncDispose]: () => peer.close() };
    } catch (error) {
      if (!isWarrenError(error, "IDENTITY_IN_USE") || waitedMs >= PATIENCE_MS) throw error;
      await sleep(systemClock, LOOK_AGAIN_MS);
    }
  }
}

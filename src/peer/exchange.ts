/** Exchange: what hellos, frames and the ends of connections mean to the other parts of a peer. */
import { shortId, type PeerInfo } from "../base/ids.ts";
import type { Log } from "../base/log.ts";
import type { World } from "../base/world.ts";
import type { Admission } from "./admission.ts";
import { REPLACED_PAUSE_MS, type Demand } from "./demand.ts";
import type { Dialler } from "./dialler.ts";
import type { Drafts } from "./drafts.ts";
import type { People } from "./people.ts";
import type { Reports } from "./reports.ts";
import type { Sessions } from "./sessions.ts";
import type { SwitchboardHost } from "./switchboard.ts";
import type { Turns } from "./turns.ts";

export interface ExchangeParts {
  readonly world: World;
  readonly log: Log;
  readonly self: PeerInfo;
  readonly port: () => number;
  readonly admission: Admission;
  readonly people: People;
  readonly sessions: Sessions;
  readonly drafts: Drafts;
  readonly reports: Reports;
  readonly turns: Turns;
  readonly demand: () => Demand;
  readonly dialler: () => Dialler;
}

export function createExchange(parts: ExchangeParts): SwitchboardHost {
  const { world, log, self, port, admission, people, sessions, drafts, reports, turns, demand, dialler } = parts;
  return {
    world,
    self,
    port,
    arrival: (id) => admission.arrival(id),
    refusal: (link) => admission.refusal(link),
    refused: (id, bye) => demand().refused(id, bye),
    overran: (id) => admission.limit(id),
    met: ({ link }, hello) => people.met(link.peer, hello, link.remote, link.dialled, world.clock.now()),
    chosen: (connection) => {
      drafts.forget(connection.peer);
      sessions.find(connection.peer)?.attach(connection);
    },
    ready: (connection, ready) => sessions.find(connection.peer)?.resume(connection, ready),
    frame: (connection, frame) => {
      const session = sessions.find(connection.peer);
      if (frame.t === "draft") return session && drafts.take(session, frame);
      session?.onFrame(frame);
      if (frame.t === "msg") drafts.sent(connection.peer, frame.id);
    },
    behind: (connection) => turns.add(connection),
    drained: (connection) => sessions.find(connection.peer)?.pump(),
    lost: (connection, error) => {
      drafts.forget(connection.peer);
      if (error) log.debug(`connection with ${shortId(connection.peer)} ended: ${error.code}, ${error.message}`);
      demand().lost(connection, error);
    },
    replaced: (id) => dialler().pause(id, REPLACED_PAUSE_MS),
    notice: (error) => reports.notice(error),
  };
}

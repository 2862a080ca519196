/** What a registry counts. It says how many, how often and how long, and nothing of anybody: no name, no id, no address. */
import { VERSION } from "../base/version.ts";
import type { Clock } from "../base/world.ts";
import { Counter, exposition, Gauge, Histogram } from "./metrics.ts";
import type { Roster } from "./roster.ts";

/** What only the server knows. */
export interface Attendance {
  readonly known: number;
  readonly unknown: number;
  readonly subscribed: number;
  readonly eventStreams: number;
}

export class RegistryMetrics {
  readonly logins = new Counter(
    "warren_registry_logins_total",
    "Logins, by how they ended: welcomed, or the code of the refusal.",
    ["result"],
  );
  readonly requests = new Counter("warren_registry_requests_total", "Requests over HTTP, answered and refused.", [
    "route",
    "status",
  ]);
  readonly refusals = new Counter(
    "warren_registry_refusals_total",
    "Refusals, by their code, and whether a request, a session or a frame within one was refused.",
    ["of", "code"],
  );
  readonly told = new Counter(
    "warren_registry_presence_frames_total",
    "Frames that told a reader of the roster and its changes.",
    ["to"],
  );
  readonly storeFailures = new Counter("warren_registry_store_failures_total", "Writes that failed.");
  readonly loginSeconds = new Histogram(
    "warren_registry_login_seconds",
    "From the login frame to its answer: signatures, the store and the grant.",
  );
  readonly lookUpSeconds = new Histogram(
    "warren_registry_lookup_seconds",
    "Answers about peers and commands, from the request to the reply.",
  );
  readonly commitSeconds = new Histogram(
    "warren_registry_commit_seconds",
    "Registrations, from the write to its being kept.",
  );
  readonly #gauges: readonly Gauge[];

  constructor(clock: Clock, roster: Roster) {
    const startedAt = clock.steady();
    this.#gauges = [
      new Gauge("warren_build_info", "The version of Warren and of Bun.", () => [
        [1, { version: VERSION, bun: Bun.version }],
      ]),
      new Gauge("warren_registry_uptime_seconds", "Since the registry was started.", () => [
        [Math.round(clock.steady() - startedAt) / 1_000],
      ]),
      new Gauge("process_resident_memory_bytes", "Memory of the whole process.", () => [[process.memoryUsage.rss()]]),
      new Gauge("warren_registry_peers", "Peers that are online.", () =>
        Object.entries(roster.count()).map(([kind, count]) => [count, { kind }] as const),
      ),
      new Gauge("warren_registry_changes", "Changes of the roster since the registry was started.", () => [
        [roster.changes.head],
      ]),
    ];
  }

  text({ known, unknown, subscribed, eventStreams }: Attendance): string {
    return exposition([
      ...this.#gauges,
      new Gauge("warren_registry_sessions", "Sessions that are open.", () => [
        [known, { state: "logged in" }],
        [unknown, { state: "not logged in" }],
      ]),
      new Gauge("warren_registry_subscribers", "Sessions that are told of changes.", () => [[subscribed]]),
      new Gauge("warren_registry_event_streams", "Readers of /v1/events.", () => [[eventStreams]]),
      this.logins,
      this.requests,
      this.refusals,
      this.told,
      this.storeFailures,
      this.loginSeconds,
      this.lookUpSeconds,
      this.commitSeconds,
    ]);
  }
}

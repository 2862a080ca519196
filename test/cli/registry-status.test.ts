import { expect, test } from "bun:test";
import { createPaint } from "../../src/cli/paint.ts";
import { statusLines } from "../../src/cli/registry-status.ts";
import { createIdentity } from "../../src/identity/identity.ts";
import type { RegistryStatus } from "../../src/registry/status.ts";

const plain = createPaint(false);
const { id } = await createIdentity();
const status: RegistryStatus = {
  url: "http://127.0.0.1:9277",
  registry: id,
  faults: [],
  online: 3,
  people: ["ann", "ben"],
  bots: ["dice"],
  limits: { maxSessions: 25_000, maxNames: 100_000, leaseMs: 40_000 },
  metrics: {
    'warren_build_info{version="0.1.0",bun="1.4.5"}': 1,
    warren_registry_uptime_seconds: 7_201,
    process_resident_memory_bytes: 54 * 1_048_576,
    'warren_registry_sessions{state="logged in"}': 3,
    'warren_registry_sessions{state="not logged in"}': 1,
    warren_registry_subscribers: 2,
    warren_registry_event_streams: 4,
    'warren_registry_logins_total{result="welcomed"}': 40,
    'warren_registry_logins_total{result="NAME_TAKEN"}': 2,
    'warren_registry_requests_total{route="/",status="200"}': 5,
    'warren_registry_requests_total{route="/v1/peers",status="200"}': 6,
    'warren_registry_refusals_total{of="session",code="NAME_TAKEN"}': 2,
    'warren_registry_login_seconds_bucket{le="0.001"}': 30,
    'warren_registry_login_seconds_bucket{le="0.005"}': 42,
    warren_registry_login_seconds_sum: 0.042,
    warren_registry_login_seconds_count: 42,
    warren_registry_commit_seconds_count: 0,
    warren_registry_store_failures_total: 1,
  },
};

test("a registry fits on one screen", () => {
  expect(statusLines(status, plain)).toEqual([
    "registry  http://127.0.0.1:9277  ready",
    `key       ${id}`,
    "online    3  people: ann ben  bots: dice",
    "process   Warren 0.1.0, up 3 h, 54 MiB",
    "sessions  3 logged in, 1 not yet; 2 subscribed; 4 event streams",
    "logins    welcomed 40, NAME_TAKEN 2",
    "requests  200 11",
    "refusals  NAME_TAKEN 2",
    "times     login 1.0 ms (99 % within 5 ms); lookup never; commit never",
    "store     0 registrations, 1 writes failed",
    "limits    25000 sessions, 100000 names, lease 40 s",
  ]);
});

test("what is wrong is said first, many names are cut, and what is not shown is said to be so", () => {
  const people = Array.from({ length: 20 }, (_, n) => `p${n}`);
  const lines = statusLines({ ...status, faults: ["store: \u001b[2J"], people, metrics: undefined }, plain);
  expect(lines[0]).toBe("registry  http://127.0.0.1:9277  not ready: store: \\u001b[2J");
  expect(lines[2]).toBe("online    3  people: p0 p1 p2 p3 p4 p5 p6 p7 p8 p9 p10 p11 …  bots: dice");
  expect(lines.at(-1)).toMatch(/^metrics {3}it shows them to its own machine alone/);
});

import { expect, test } from "bun:test";
import { createIdentity } from "../../src/identity/identity.ts";
import { Counter, exposition, Gauge } from "../../src/registry/metrics.ts";
import { askStatus, samplesOf } from "../../src/registry/status.ts";
import { makeRecord, openRegistry, RawSession } from "./setting.ts";

test("a registry is asked for all that it says of itself", async () => {
  await using registry = await openRegistry();
  const dice = await createIdentity();
  using session = new RawSession(registry.url);
  await session.logIn(dice, { record: await makeRecord(dice, { name: "dice", kind: "bot" }) });
  expect(await askStatus(registry.url)).toMatchObject({
    registry: registry.id,
    faults: [],
    online: 1,
    people: [],
    bots: ["dice"],
    limits: { leaseMs: 40_000 },
    metrics: { 'warren_registry_logins_total{result="welcomed"}': 1 },
  });
  registry.drain();
  expect(await askStatus(registry.url)).toMatchObject({ faults: ["it is ending"] });
});

test("where the metrics are not shown there are none, and what is no registry is told", async () => {
  const { id } = await createIdentity();
  let isRegistry = true;
  using server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    fetch: ({ url }) =>
      url.endsWith("/metrics") || !isRegistry
        ? new Response("no", { status: 403 })
        : Response.json({ registry: id, online: 0, limits: {}, peers: [], next: null, status: "ready" }),
  });
  const url = `http://127.0.0.1:${server.port}`;
  expect((await askStatus(url)).metrics).toBeUndefined();
  isRegistry = false;
  expect(await askStatus(url).catch((error: unknown) => error)).toMatchObject({ code: "REGISTRY_UNUSABLE" });
});

test("samples are read as they were written", () => {
  const logins = new Counter("logins_total", "Logins.", ["result"]);
  logins.add("a b");
  const text = exposition([logins, new Gauge("up_seconds", "Time.", () => [[0.000_001]])]);
  expect(samplesOf(text)).toEqual({ 'logins_total{result="a b"}': 1, up_seconds: 0.000_001 });
});

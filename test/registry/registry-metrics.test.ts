import { expect, test } from "bun:test";
import { createIdentity } from "../../src/identity/identity.ts";
import { urlsOfMachine } from "../../src/registry/url.ts";
import { makeRecord, openRegistry, RawSession } from "./setting.ts";

const SAMPLE = /^[a-z_]+(\{[a-z_]+="[^"\\\n]*"(,[a-z_]+="[^"\\\n]*")*\})? (?:\d+(?:\.\d+)?(?:e-?\d+)?)$/;

async function metricsOf(url: string): Promise<{ text: string; value: (sample: string) => number | undefined }> {
  const response = await fetch(`${url}/metrics`);
  expect(response.headers.get("content-type")).toBe("text/plain; version=0.0.4; charset=utf-8");
  const text = await response.text();
  const value = (sample: string): number | undefined => {
    const line = text.split("\n").find((one) => one.startsWith(`${sample} `));
    return line === undefined ? undefined : Number(line.slice(sample.length + 1));
  };
  return { text, value };
}

test("a registry counts who is there, who logged in, who was refused, what was asked, and how long it took", async () => {
  await using registry = await openRegistry();
  const [ann, ben, dice] = await Promise.all([createIdentity(), createIdentity(), createIdentity()]);
  using first = new RawSession(registry.url);
  await first.logIn(ann, { record: await makeRecord(ann, { name: "ann" }) });
  first.send({ t: "subscribe" });
  await first.until("synced");
  using second = new RawSession(registry.url);
  expect(await second.logIn(ben, { record: await makeRecord(ben, { name: "ann" }) })).toMatchObject({
    code: "NAME_TAKEN",
  });
  using third = new RawSession(registry.url);
  await third.logIn(dice, { record: await makeRecord(dice, { name: "dice", kind: "bot" }) });
  await first.next();
  using fourth = new RawSession(registry.url);
  await fourth.challenge();
  await fetch(`${registry.url}/v1/peers?name=ann`);
  await fetch(`${registry.url}/v1/peers/nobody`);
  await fetch(`${registry.url}/made/up/by-a-stranger`);
  const { text, value } = await metricsOf(registry.url);
  expect(value('warren_registry_peers{kind="person"}')).toBe(1);
  expect(value('warren_registry_peers{kind="bot"}')).toBe(1);
  expect(value('warren_registry_sessions{state="logged in"}')).toBe(2);
  expect(value('warren_registry_sessions{state="not logged in"}')).toBeGreaterThanOrEqual(1);
  expect(value("warren_registry_subscribers")).toBe(1);
  expect(value("warren_registry_event_streams")).toBe(0);
  expect(value("warren_registry_changes")).toBe(2);
  expect(value('warren_registry_logins_total{result="welcomed"}')).toBe(2);
  expect(value('warren_registry_logins_total{result="NAME_TAKEN"}')).toBe(1);
  expect(value('warren_registry_refusals_total{of="session",code="NAME_TAKEN"}')).toBe(1);
  expect(value('warren_registry_refusals_total{of="request",code="BAD_PEER_ID"}')).toBe(1);
  expect(value('warren_registry_requests_total{route="/v1/peers",status="200"}')).toBe(1);
  expect(value('warren_registry_requests_total{route="/v1/peers/<id>",status="400"}')).toBe(1);
  expect(value('warren_registry_requests_total{route="other",status="404"}')).toBe(1);
  expect(value('warren_registry_presence_frames_total{to="session"}')).toBe(4); // snapshot, ann, synced, dice
  expect(value("warren_registry_login_seconds_count")).toBe(3);
  expect(value("warren_registry_lookup_seconds_count")).toBe(2);
  expect(value("warren_registry_commit_seconds_count")).toBe(3);
  expect(value("warren_registry_store_failures_total")).toBe(0);
  expect(value("process_resident_memory_bytes")).toBeGreaterThan(1_000_000);
  expect(text).not.toContain("stranger");
  const samples = text
    .trimEnd()
    .split("\n")
    .filter((line) => !/^# (HELP|TYPE) /.test(line));
  expect(samples.filter((line) => !SAMPLE.test(line))).toEqual([]);
});

test("every metric is in docs/registry.md with its labels, and no other", async () => {
  await using registry = await openRegistry();
  const ann = await createIdentity();
  using session = new RawSession(registry.url);
  await session.logIn(ann, { record: await makeRecord(ann, { name: "ann" }) });
  session.send({ t: "subscribe" });
  await session.until("synced");
  await fetch(`${registry.url}/made/up`);
  const { text } = await metricsOf(registry.url);
  const page = await Bun.file(`${import.meta.dir}/../../docs/registry.md`).text();
  const rows = page.matchAll(/^\| `((?:warren|process)_[a-z_]+)` *\| ([^|]*) \|/gm);
  const told = new Map([...rows].map(([, name = "", cell = ""]) => [name, cell.trim()]));
  const types = new Map([...text.matchAll(/^# TYPE (\S+) (\S+)/gm)].map(([, name = "", type = ""]) => [name, type]));
  expect([...told.keys()].toSorted()).toEqual([...types.keys()].toSorted());
  for (const [name, type] of types) {
    const samples = text.matchAll(new RegExp(`^${name}\\{(.*)\\}`, "gm"));
    const labels = [...samples].flatMap(([, all = ""]) => [...all.matchAll(/([a-z]+)="/g)].map(([, label]) => label));
    const words = [...(told.get(name) ?? "").matchAll(/`([^`]+)`/g)].map(([, word]) => word);
    expect([name, new Set(labels).difference(new Set(words))]).toEqual([name, new Set()]);
    expect([name, told.get(name)]).toEqual([
      name,
      type === "histogram" ? type : words.length > 0 ? expect.any(String) : "",
    ]);
    if (words.length > 0) expect([name, labels.length]).not.toEqual([name, 0]);
  }
});

const [elsewhere] = urlsOfMachine("0.0.0.0", 1);

test.skipIf(elsewhere === undefined)("metrics are for this machine alone, unless everyone may read them", async () => {
  for (const [metricsFor, status] of [
    ["loopback", 403],
    ["everyone", 200],
  ] as const) {
    await using registry = await openRegistry({ host: "0.0.0.0", metricsFor });
    const url = urlsOfMachine("0.0.0.0", registry.port)[0] ?? "";
    expect((await fetch(`${url}/metrics`)).status).toBe(status);
    expect((await fetch(`${registry.url}/metrics`)).status).toBe(200);
  }
});

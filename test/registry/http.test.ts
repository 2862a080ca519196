import { expect, test } from "bun:test";
import { createIdentity } from "../../src/identity/identity.ts";
import { checkEntry } from "../../src/registry/entry.ts";
import { makeRecord, openRegistry, RawSession } from "./setting.ts";

const roll = { about: "rolls dice", commands: [{ name: "roll", about: "roll", args: { type: "object" } }] };

interface Page {
  registry: Parameters<typeof checkEntry>[1];
  peers: { id: string; name: string; record: string; grant: string; online: boolean; card: object }[];
  next: string | null;
}

async function filled(run: (url: string, get: (path: string) => Promise<Page>) => Promise<void>) {
  await using registry = await openRegistry();
  const sessions: RawSession[] = [];
  for (const name of ["ann", "ben", "dice"]) {
    const who = await createIdentity();
    const more = name === "dice" ? { name, kind: "bot" as const, card: roll } : { name };
    const session = new RawSession(registry.url);
    await session.logIn(who, { record: await makeRecord(who, more) });
    sessions.push(session);
  }
  await run(registry.url, async (path) => (await (await fetch(registry.url + path)).json()) as Page);
  for (const session of sessions) session[Symbol.dispose]();
}

test("peers are found by name, kind and command, with what proves it", () =>
  filled(async (_url, get) => {
    const names = async (query: string) => (await get(`/v1/peers${query}`)).peers.map(({ name }) => name).sort();
    expect(await names("")).toEqual(["ann", "ben", "dice"]);
    expect(await names("?name=ann")).toEqual(["ann"]);
    expect(await names("?kind=person")).toEqual(["ann", "ben"]);
    expect(await names("?command=roll")).toEqual(["dice"]);
    expect(await names("?command=roll&kind=person")).toEqual([]);
    expect(await names("?online=false")).toEqual([]);
    const { registry, peers } = await get("/v1/peers?name=dice");
    const [dice] = peers;
    expect(dice).toMatchObject({ online: true, card: roll });
    expect(await checkEntry({ record: dice?.record ?? "", grant: dice?.grant ?? "" }, registry)).toMatchObject({
      name: "dice",
    });
  }));

test("pages follow one another until there is no next", () =>
  filled(async (_url, get) => {
    const seen: string[] = [];
    let page = await get("/v1/peers?limit=2");
    expect(page.peers).toHaveLength(2);
    for (; page.next !== null; page = await get(`/v1/peers?limit=2&after=${page.next}`)) {
      seen.push(...page.peers.map(({ id }) => id));
    }
    seen.push(...page.peers.map(({ id }) => id));
    expect(seen).toEqual([...new Set(seen)].sort());
    expect(seen).toHaveLength(3);
  }));

test("one peer is found by its id", () =>
  filled(async (url, get) => {
    const [ann] = (await get("/v1/peers?name=ann")).peers;
    expect(await (await fetch(`${url}/v1/peers/${ann?.id}`)).json()).toMatchObject({
      peer: { name: "ann", online: true },
    });
  }));

test("people who come with a browser are told what this is and who is online, in plain text", () =>
  filled(async (url) => {
    const response = await fetch(url);
    expect(response.headers.get("content-type")).toBe("text/plain; charset=utf-8");
    expect(response.headers.get("content-security-policy")).toBe("default-src 'none'");
    const text = await response.text();
    expect(text).toContain("Warren registry");
    expect(text).toMatch(/^ {2}ann +person 127\.0\.0\.1:9278$/m);
  }));

test("a registry says that it is well, who it is, and what it allows", async () => {
  await using registry = await openRegistry();
  expect(await (await fetch(`${registry.url}/healthz`)).json()).toEqual({ status: "ok" });
  expect(await (await fetch(`${registry.url}/v1/registry`)).json()).toMatchObject({
    registry: registry.id,
    protocol: 1,
    limits: { maxFrameBytes: 49_152, leaseMs: 40_000 },
  });
});

test("what is not understood is answered with a code and what to do", async () => {
  await using registry = await openRegistry();
  const { id } = await createIdentity();
  const cases: [path: string, status: number, code: string, init?: RequestInit][] = [
    ["/v1/peers?kind=dog", 400, "USAGE"],
    ["/v1/peers?limit=0", 400, "USAGE"],
    ["/v1/peers?limit=100000", 400, "USAGE"],
    ["/v1/peers?limit=many", 400, "USAGE"],
    ["/v1/peers?after=x", 400, "USAGE"],
    ["/v1/peers?colour=red", 400, "USAGE"],
    ["/v1/peers/ann", 400, "BAD_PEER_ID"],
    [`/v1/peers/${id}`, 404, "PEER_UNKNOWN"],
    ["/nowhere", 404, "USAGE"],
    ["/v1/peers", 405, "USAGE", { method: "POST", body: "{}" }],
    ["/v1/session", 400, "USAGE"],
    ["/v1/session?nonce=abcdefghijklmnop", 426, "USAGE"],
    ["/v1/session?nonce=abcdefghijklmnop", 403, "REGISTRY_REFUSED", { headers: { origin: "https://evil.example" } }],
  ];
  for (const [path, status, code, init] of cases) {
    const response = await fetch(registry.url + path, init);
    expect([path, response.status]).toEqual([path, status]);
    expect(await response.json()).toMatchObject({ error: { code, message: expect.any(String) } });
  }
});

test("too many requests from one address are refused with when to come back", async () => {
  await using registry = await openRegistry({ limits: { requestsPerMinute: 3 } });
  const statuses = [];
  for (let n = 0; n < 4; n++) statuses.push((await fetch(`${registry.url}/healthz`)).status);
  expect(statuses).toEqual([200, 200, 200, 429]);
  const refused = await fetch(`${registry.url}/healthz`);
  expect(Number(refused.headers.get("retry-after"))).toBeGreaterThan(0);
  expect(await refused.json()).toMatchObject({ error: { code: "RATE_LIMITED", retryAfter: expect.any(Number) } });
});

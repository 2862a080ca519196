import { expect, test } from "bun:test";
import { join } from "node:path";
import { createIdentity } from "../../src/identity/identity.ts";
import { checkEntry } from "../../src/registry/entry.ts";
import { DAY_MS } from "../../src/registry/grant.ts";
import { DEFAULT_LIMITS } from "../../src/registry/limits.ts";
import { routeOf, targetOf } from "../../src/registry/http.ts";
import { makeRecord, openRegistry, RawSession, socketWorld } from "./setting.ts";

const roll = { about: "rolls dice", commands: [{ name: "roll", about: "roll", args: { type: "object" } }] };

interface Page {
  registry: Parameters<typeof checkEntry>[1];
  peers: { id: string; name: string; record: string; grant: string; online: boolean; card: object }[];
  next: string | null;
}

interface Found {
  registry: Page["registry"];
  commands: object[];
  bots: { record: string; grant: string }[];
  more: boolean;
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

test("what has not changed is not sent again, to whoever says what it has", () =>
  filled(async (url, get) => {
    const [ann] = (await get("/v1/peers?name=ann")).peers;
    for (const path of ["/v1/peers", "/v1/peers?kind=bot", `/v1/peers/${ann?.id}`, "/v1/commands?q=roll"]) {
      const etag = (await fetch(url + path)).headers.get("etag") ?? "";
      expect(etag).toMatch(/^W\/"[\w.]+"$/);
      for (const known of [etag, etag.slice(2), `"other", ${etag}`, "*"]) {
        const again = await fetch(url + path, { headers: { "if-none-match": known } });
        expect([path, known, again.status, await again.text()]).toEqual([path, known, 304, ""]);
        expect([again.headers.get("etag"), again.headers.get("cache-control")]).toEqual([etag, "no-cache"]);
      }
      const changed = await fetch(url + path, { headers: { "if-none-match": 'W/"before"' } });
      expect([path, changed.status]).toEqual([path, 200]);
    }
    expect((await fetch(`${url}/v1/peers?limit=0`, { headers: { "if-none-match": "*" } })).status).toBe(400);
  }));

test("whoever comes, changes or goes makes what was known old", async () => {
  const world = socketWorld();
  await using registry = await openRegistry({ world });
  const editions = new Set<string>();
  const edition = async () => (await fetch(`${registry.url}/v1/peers?online=false`)).headers.get("etag") ?? "";
  editions.add(await edition());
  const who = await createIdentity();
  const session = new RawSession(registry.url);
  await session.logIn(who, { record: await makeRecord(who, { name: "ann" }) });
  editions.add(await edition());
  session.send({ t: "record", record: await makeRecord(who, { name: "ann", seq: 2 }) });
  await session.next();
  editions.add(await edition());
  session[Symbol.dispose]();
  using other = new RawSession(registry.url);
  await other.challenge();
  await world.clock.advance(11_000);
  editions.add(await edition());
  world.clock.jump(DAY_MS); // names may have run out, and grants are new
  await world.clock.advance(61_000);
  editions.add(await edition());
  expect(editions.size).toBe(5);
});

test("commands of bots that are online are found by words, with what proves them", () =>
  filled(async (url) => {
    const ask = async (query: string) => (await (await fetch(`${url}/v1/commands${query}`)).json()) as Found;
    const { registry, commands, bots, more } = await ask("?q=dice+roll");
    expect(commands).toEqual([
      { ...roll.commands[0], bot: { id: expect.any(String), name: "dice", about: roll.about } },
    ]);
    expect(more).toBe(false);
    expect(await checkEntry(bots[0] ?? { record: "", grant: "" }, registry)).toMatchObject({ name: "dice" });
    expect(await ask("")).toMatchObject({ commands: [{ name: "roll" }] });
    expect(await ask("?q=fly")).toMatchObject({ commands: [], bots: [] });
    expect((await fetch(`${url}/v1/commands?limit=1000`)).status).toBe(400);
  }));

test("HEAD is answered like GET, without the body", () =>
  filled(async (url) => {
    for (const path of [
      "/",
      "/healthz",
      "/v1/peers",
      "/v1/limits",
      "/v1/commands",
      "/v1/series",
      "/metrics",
      "/readyz",
      "/nowhere",
    ]) {
      const [get, head] = [await fetch(url + path), await fetch(url + path, { method: "HEAD" })];
      expect([path, head.status, await head.text()]).toEqual([path, get.status, ""]);
      expect(head.headers.get("content-type")).toBe(get.headers.get("content-type"));
    }
    const session = await fetch(`${url}/v1/session`, { method: "HEAD" });
    expect([session.status, session.headers.get("upgrade")]).toEqual([426, "websocket"]);
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
  expect(await (await fetch(`${registry.url}/v1/limits`)).json()).toEqual({
    registry: registry.id,
    limits: DEFAULT_LIMITS,
  });
});

test("the limits in docs/registry.md are those of the code, all of them", async () => {
  const page = await Bun.file(join(import.meta.dir, "../../docs/registry.md")).text();
  const rows = /^\| limit +\| value.*\n\|.*\n((?:\|.*\n)+)/m.exec(page)?.[1] ?? "";
  const told = rows.split("\n").flatMap((row) => {
    const [, names = "", values = ""] = row.split("|");
    const numbers = values.match(/\d[\d,]*/g) ?? [];
    return (names.match(/\w+/g) ?? []).map((name, n) => [name, Number(numbers[n]?.replaceAll(",", ""))]);
  });
  expect(Object.fromEntries(told)).toEqual(DEFAULT_LIMITS);
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
    ["/v1/limits", 405, "USAGE", { method: "DELETE" }],
    ["/v1/session", 400, "USAGE"],
    ["/v1/session?nonce=abcdefghijklmnop", 426, "USAGE"],
    ["/v1/session", 405, "USAGE", { method: "POST" }],
    ["/v1/session?nonce=abcdefghijklmnop", 403, "REGISTRY_REFUSED", { headers: { origin: "https://evil.example" } }],
  ];
  for (const [path, status, code, init] of cases) {
    const response = await fetch(registry.url + path, init);
    expect([path, response.status]).toEqual([path, status]);
    expect(await response.json()).toMatchObject({ error: { code, message: expect.any(String) } });
    expect(response.headers.get("allow")).toBe(status === 405 ? "GET, HEAD" : null);
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

test("a search counts as ten requests", async () => {
  await using registry = await openRegistry({ limits: { requestsPerMinute: 15 } });
  const statuses = [];
  for (const path of ["/v1/commands", "/v1/commands", "/healthz"]) {
    statuses.push((await fetch(registry.url + path)).status);
  }
  expect(statuses).toEqual([200, 429, 200]);
});

test("every path in docs/registry.md is one that is answered", async () => {
  const page = await Bun.file(join(import.meta.dir, "../../docs/registry.md")).text();
  const paths = [...page.matchAll(/`GET (\/[\w/<>]*)`/g)].map(([, path]) => String(path));
  expect(paths).toContain("/metrics");
  expect(paths.map((path) => routeOf(path))).toEqual(paths);
});

test("what is asked for is found in a URL with an origin, and in one without: not everybody sends a Host that makes sense", () => {
  const origins = ["http://127.0.0.1:9277", "https://a", "http://[::1]:9277", ""];
  const urls = ["/", "/v1/peers", "/v1/peers?", "/v1/peers?name=ann&after=http://b/?c", "/v1/peers/http://b"];
  const asked = origins.map((origin) => {
    return urls.map((url) => {
      const { path, params } = targetOf(origin + url);
      return [path, Object.fromEntries(params())];
    });
  });
  const expected = [
    ["/", {}],
    ["/v1/peers", {}],
    ["/v1/peers", {}],
    ["/v1/peers", { name: "ann", after: "http://b/?c" }],
    ["/v1/peers/http://b", {}],
  ];
  expect(asked).toEqual(origins.map(() => expected));
});

import { expect, test } from "bun:test";
import { createIdentity } from "../../src/identity/identity.ts";
import { signGrant } from "../../src/registry/grant.ts";
import { lookUp } from "../../src/registry/lookup.ts";
import { makeRecord, openRegistry, RawSession, socketWorld } from "./setting.ts";

const ann = await createIdentity();
const ben = await createIdentity();
const registryKey = await createIdentity();

/** A registry that answers every question with `answer`, whatever that is. */
async function hostile(
  answer: (request: Request) => Response | Promise<Response>,
  run: (url: string) => Promise<void>,
) {
  const server = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: answer });
  try {
    await run(`http://127.0.0.1:${server.port}`);
  } finally {
    await server.stop(true);
  }
}

function grantFor(id: typeof ann.id, name: string, key = registryKey): Promise<string> {
  return signGrant({ registry: registryKey.id, name, id, since: 0, notAfter: 1 }, key.privateKey);
}

test("one look finds who is there, by name, id or command, and nobody is no error", async () => {
  await using registry = await openRegistry();
  using session = new RawSession(registry.url);
  await session.logIn(ann, { record: await makeRecord(ann, { name: "ann" }) });
  const { entries, refused } = await lookUp(registry.url, { name: "ann" });
  expect(entries).toMatchObject([{ id: ann.id, name: "ann", online: true }]);
  expect(refused).toBe(0);
  expect((await lookUp(registry.url, { id: ann.id })).entries).toHaveLength(1);
  expect((await lookUp(registry.url, { id: ben.id })).entries).toEqual([]);
  expect((await lookUp(registry.url, { command: "roll" })).entries).toEqual([]);
});

test("all pages are read", async () => {
  const everybody = await Promise.all(Array.from({ length: 5 }, () => createIdentity()));
  everybody.sort((a, b) => (a.id < b.id ? -1 : 1));
  const peers = await Promise.all(
    everybody.map(async (who, n) => ({
      online: true,
      record: await makeRecord(who, { name: `peer${n}` }),
      grant: await grantFor(who.id, `peer${n}`),
    })),
  );
  const page = (request: Request): Response => {
    const after = new URL(request.url).searchParams.get("after");
    const from = after === null ? 0 : everybody.findIndex(({ id }) => id === after) + 1;
    const next = from + 2 < peers.length ? everybody[from + 1]?.id : null;
    return Response.json({ registry: registryKey.id, peers: peers.slice(from, from + 2), next });
  };
  await hostile(page, async (url) => {
    expect((await lookUp(url)).entries.map(({ name }) => name)).toEqual(["peer0", "peer1", "peer2", "peer3", "peer4"]);
  });
});

test("what a registry made up, swapped or answered to another question is left out and counted", async () => {
  const record = await makeRecord(ann, { name: "ann" });
  const forgedRecord = record.slice(0, -10) + "AAAAAAAAAA";
  const peers = [
    { online: true, record, grant: await grantFor(ann.id, "ann") }, // the one good one
    { online: true, record: forgedRecord, grant: await grantFor(ann.id, "ann") },
    { online: true, record, grant: await grantFor(ben.id, "ann") },
    { online: true, record, grant: await grantFor(ann.id, "ann", ben) },
    { online: true, record: await makeRecord(ben, { name: "ben" }), grant: await grantFor(ben.id, "ben") }, // not asked for
  ];
  await hostile(
    () => Response.json({ registry: registryKey.id, peers, next: null }),
    async (url) => {
      const { entries, refused } = await lookUp(url, { name: "ann" });
      expect(entries).toMatchObject([{ id: ann.id }]);
      expect(refused).toBe(4);
    },
  );
});

test("a registry with another key than the one that is known is not listened to", async () => {
  await hostile(
    () => Response.json({ registry: registryKey.id, peers: [], next: null }),
    async (url) => {
      expect(lookUp(url, {}, { registry: ben.id })).rejects.toMatchObject({ code: "REGISTRY_CHANGED" });
    },
  );
});

test("something else, too much, another place and nobody each have their error", async () => {
  const cases: [() => Response, string][] = [
    [() => new Response("<h1>a printer</h1>"), "REGISTRY_UNUSABLE"],
    [() => Response.json({ registry: "me", peers: [] }), "REGISTRY_UNUSABLE"],
    [() => new Response("no", { status: 500 }), "REGISTRY_UNUSABLE"],
    [() => new Response("x".repeat(9_000_000)), "REGISTRY_UNREACHABLE"],
    [() => Response.json({ error: { code: "NAME_TAKEN", message: "?" } }, { status: 409 }), "REGISTRY_UNUSABLE"],
    [() => Response.json({ error: { code: "RATE_LIMITED", message: "later" } }, { status: 429 }), "RATE_LIMITED"],
  ];
  for (const [answer, code] of cases) {
    await hostile(answer, async (url) => expect(lookUp(url)).rejects.toMatchObject({ code }));
  }
  expect(lookUp("http://127.0.0.1:1")).rejects.toMatchObject({ code: "REGISTRY_UNREACHABLE" });
});

test("a registry that takes the question and never answers is given up after five seconds", async () => {
  const world = socketWorld();
  const asked = Promise.withResolvers<void>();
  const never = (): Promise<Response> => {
    asked.resolve();
    return new Promise(() => {});
  };
  await hostile(never, async (url) => {
    const answer = lookUp(url, {}, { clock: world.clock }).catch((error: unknown) => error);
    await asked.promise;
    await world.clock.advance(4_999);
    expect(Bun.peek.status(answer)).toBe("pending");
    await world.clock.advance(1);
    expect(await answer).toMatchObject({ code: "REGISTRY_UNREACHABLE" });
  });
});

test("a registry that sends its readers elsewhere is not followed", async () => {
  await using registry = await openRegistry();
  const elsewhere = ({ url }: Request): Response => Response.redirect(registry.url + new URL(url).pathname);
  await hostile(elsewhere, async (url) => expect(lookUp(url)).rejects.toMatchObject({ code: "REGISTRY_UNREACHABLE" }));
});

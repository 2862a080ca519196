import { expect, test } from "bun:test";
import { createIdentity } from "../../src/identity/identity.ts";
import { makeRecord, openRegistry, RawSession, socketWorld } from "./setting.ts";

const NONCE = "n".repeat(32);

test("sessions are bounded in all, and whoever comes beyond is told when to come back", async () => {
  await using registry = await openRegistry({ limits: { maxSessions: 1 } });
  using first = new RawSession(registry.url);
  await first.challenge();
  const refused = await fetch(`${registry.url}/v1/session?nonce=${NONCE}`);
  expect([refused.status, refused.headers.get("retry-after")]).toEqual([503, "30"]);
  expect(await refused.json()).toMatchObject({ error: { code: "RATE_LIMITED", retryAfter: 30 } });
});

test("a frame over the limit ends its session, and one at the limit does not", async () => {
  await using registry = await openRegistry({ limits: { maxFrameBytes: 2_000 } });
  const send = async (bytes: number): Promise<string> => {
    using session = new RawSession(registry.url);
    await session.challenge();
    session.send(`"${"x".repeat(bytes - 2)}"`);
    return (await session.next()).t;
  };
  expect([await send(2_000), await send(2_001)]).toEqual(["error", "closed"]); // the one is read: it is no frame
});

test("too many frames are told with when to come back", async () => {
  await using registry = await openRegistry({ limits: { framesPerMinute: 1 }, world: socketWorld() });
  using session = new RawSession(registry.url);
  const ann = await createIdentity();
  await session.logIn(ann, { record: await makeRecord(ann, { name: "ann" }) });
  session.send({ t: "ping" });
  expect((await session.until("error")).at(-1)).toMatchObject({ code: "RATE_LIMITED", after: 10_000 });
});

test("names are bounded in all, and for each key", async () => {
  await using registry = await openRegistry({ limits: { maxNames: 3, maxNamesPerKey: 2 } });
  const [ann, ben] = [await createIdentity(), await createIdentity()];
  const claim = async (who: typeof ann, name: string, seq: number): Promise<string> => {
    using session = new RawSession(registry.url);
    const answer = await session.logIn(who, { record: await makeRecord(who, { name, seq }) });
    return answer.t === "error" ? answer.code : answer.t;
  };
  expect([await claim(ann, "a-1", 1), await claim(ann, "a-2", 2), await claim(ann, "a-3", 3)]).toEqual([
    "welcome",
    "welcome",
    "REGISTRY_REFUSED",
  ]);
  expect([await claim(ben, "b-1", 1), await claim(ben, "b-2", 2)]).toEqual(["welcome", "REGISTRY_REFUSED"]);
});

test("a page is as long as is allowed, and nobody gets a longer one", async () => {
  await using registry = await openRegistry({ limits: { maxPage: 5, maxCommands: 5 } });
  for (const path of ["/v1/peers", "/v1/commands"]) {
    expect((await fetch(`${registry.url}${path}?limit=5`)).status).toBe(200);
    expect((await fetch(`${registry.url}${path}?limit=6`)).status).toBe(400);
  }
});

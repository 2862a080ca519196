import { expect, test } from "bun:test";
import type { Address } from "../../src/base/ids.ts";
import { createIdentity } from "../../src/identity/identity.ts";
import { systemClock } from "../../src/base/world.ts";
import { createTlsTransport } from "../../src/peer/tls.ts";
import {
  DialBack,
  knockByTls,
  LOOKS_PER_MINUTE,
  MAX_LOOKS,
  MAX_PORTS,
  type Knock,
} from "../../src/registry/dial-back.ts";
import { ManualClock } from "../../src/testing/manual-clock.ts";
import { urlsOfMachine } from "../../src/registry/url.ts";
import { makeRecord, openRegistry, RawSession, SocketClock } from "./setting.ts";

const ann = await createIdentity();
const ben = await createIdentity();

/** Dial-backs of which every knock is seen; `answers` are the ports at which the peer is. */
function setUp(...answers: number[]) {
  const clock = new ManualClock();
  const knocks: Address[] = [];
  const knock: Knock = (address) => {
    knocks.push(address);
    return Promise.resolve(answers.includes(address.port));
  };
  const dialBack = new DialBack(clock, knock);
  const look = (host: string, ...ports: number[]) =>
    dialBack.look(
      host,
      ann.id,
      ports.map((port) => ({ host: "203.0.113.200", port })),
    );
  return { clock, knocks, look };
}

test("it is told whether the peer answers where it is seen, and at which port", async () => {
  const { look } = setUp(9_278);
  expect(await look("198.51.100.7", 9_278)).toEqual({ reachable: "yes", port: 9_278 });
  expect(await look("198.51.100.7", 1, 9_278)).toEqual({ reachable: "yes", port: 9_278 });
  expect(await look("198.51.100.7", 1, 2)).toEqual({ reachable: "no", port: 1 });
});

test("nobody is dialled but who was seen, whatever a record says, and at no more than two ports", async () => {
  const { look, knocks } = setUp();
  await look("198.51.100.7", ...Array.from({ length: 16 }, (_, n) => n + 1));
  expect(knocks).toEqual([
    { host: "198.51.100.7", port: 1 },
    { host: "198.51.100.7", port: 2 },
  ]);
  expect(knocks).toHaveLength(MAX_PORTS);
});

test("of this machine, of one wire and of peers that listen nowhere nothing is said, and nobody is dialled", async () => {
  const { look, knocks } = setUp();
  for (const host of ["127.0.0.1", "::1", "169.254.1.1", "fe80::1", "0.0.0.0", "224.0.0.1", "nonsense", ""]) {
    expect(await look(host, 1)).toBeUndefined();
  }
  expect(await look("198.51.100.7")).toBeUndefined();
  expect(knocks).toEqual([]);
});

test("one address is dialled ten times a minute at most; beyond that nothing is known", async () => {
  const { look, knocks, clock } = setUp();
  for (let n = 0; n < 100; n++) await look("198.51.100.7", 1);
  expect(knocks).toHaveLength(LOOKS_PER_MINUTE);
  expect(await look("198.51.100.7", 1)).toEqual({ reachable: "unknown", port: 1 });
  expect(await look("198.51.100.8", 1)).toMatchObject({ reachable: "no" });
  await clock.advance(60_000);
  expect(await look("198.51.100.7", 1)).toMatchObject({ reachable: "no" });
});

test("only so many looks are under way at once", async () => {
  const knocks = Promise.withResolvers<boolean>();
  const dialBack = new DialBack(new ManualClock(), () => knocks.promise);
  const look = (n: number) => dialBack.look(`198.51.100.${n}`, ann.id, [{ host: "x", port: 1 }]);
  const first = Array.from({ length: MAX_LOOKS }, (_, n) => look(n));
  expect(await look(200)).toMatchObject({ reachable: "unknown" });
  knocks.resolve(true);
  expect(await Promise.all(first)).toEqual(first.map(() => ({ reachable: "yes", port: 1 })));
  expect(await look(200)).toMatchObject({ reachable: "yes" });
});

test("a peer is known by its key; another one, somebody else's server and nobody are not it", async () => {
  const transport = createTlsTransport({ identity: ann, clock: systemClock });
  let links = 0;
  await using listener = await transport.listen({ host: "127.0.0.1", port: 0 }, () => void links++);
  const at = { host: "127.0.0.1", port: listener.port };
  expect(await knockByTls(at, ann.id, systemClock)).toBe(true);
  expect(await knockByTls(at, ben.id, systemClock)).toBe(false);
  const web = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: () => new Response("hello") });
  expect(await knockByTls({ host: "127.0.0.1", port: web.port ?? 0 }, ann.id, systemClock)).toBe(false);
  await web.stop(true);
  expect(await knockByTls({ host: "127.0.0.1", port: 1 }, ann.id, systemClock)).toBe(false);
  expect(links).toBe(0); // for the peer nobody has come
});

test("who takes the call and says nothing is given up after three seconds", async () => {
  const clock = new SocketClock();
  const opened = Promise.withResolvers<void>();
  const mute = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { open: () => opened.resolve(), data() {} } });
  const answer = knockByTls({ host: "127.0.0.1", port: mute.port }, ann.id, clock);
  await opened.promise;
  await clock.advance(3_000);
  expect(await answer).toBe(false);
  mute.stop(true);
});

const [elsewhere] = urlsOfMachine("0.0.0.0", 1).map((url) => new URL(url).hostname);

test.skipIf(elsewhere === undefined)("a registry dials back unless it is told not to", async () => {
  const transport = createTlsTransport({ identity: ann, clock: systemClock });
  await using listener = await transport.listen({ host: "0.0.0.0", port: 0 }, () => {});
  const addresses = [{ host: "203.0.113.200", port: listener.port }];
  for (const dialsBack of [true, false]) {
    await using registry = await openRegistry({ host: "0.0.0.0", dialsBack });
    using session = new RawSession(`http://${elsewhere}:${registry.port}`);
    expect(await session.logIn(ann, { record: await makeRecord(ann, { name: "ann", addresses }) })).toMatchObject({
      t: "welcome",
      seen: elsewhere,
    });
    const said = new Set<string>();
    for (let n = 0; n < 100 && !said.has("reachable"); n++) {
      session.send({ t: "ping" });
      said.add((await session.next()).t);
    }
    expect([...said].includes("reachable")).toBe(dialsBack);
  }
});

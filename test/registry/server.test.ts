import { expect, test } from "bun:test";
import { createIdentity } from "../../src/identity/identity.ts";
import { DAY_MS, openGrant } from "../../src/registry/grant.ts";
import { signGoodbye, signLogin } from "../../src/registry/proof.ts";
import { startRegistry } from "../../src/registry/server.ts";
import { makeRecord, openRegistry, RawSession, socketWorld, temporaryFolder } from "./setting.ts";

const ann = await createIdentity();
const ben = await createIdentity();
const annRecord = await makeRecord(ann, { name: "ann" });
const benRecord = await makeRecord(ben, { name: "ben" });

/** Ann is logged in and watches, with everything there is already told. */
async function watching(url: string): Promise<RawSession> {
  const session = new RawSession(url);
  await session.logIn(ann, { record: annRecord });
  session.send({ t: "subscribe" });
  await session.until("synced");
  return session;
}

async function onlineNames(url: string): Promise<string[]> {
  const { peers } = (await (await fetch(`${url}/v1/peers?online=true`)).json()) as { peers: { name: string }[] };
  return peers.map(({ name }) => name).sort();
}

test("a login is welcomed with a grant of the name", async () => {
  await using registry = await openRegistry();
  using session = new RawSession(registry.url);
  const welcome = await session.logIn(ann, { record: annRecord });
  if (welcome.t !== "welcome") throw new Error(`"${welcome.t}"`);
  expect(welcome.seen).toBe("127.0.0.1");
  expect(await openGrant(welcome.grant, { registry: registry.id, name: "ann", id: ann.id })).toMatchObject({
    since: expect.any(Number),
  });
  expect(await onlineNames(registry.url)).toEqual(["ann"]);
});

test("a subscriber is told of everybody, then of who comes, and of who goes at once after a goodbye", async () => {
  await using registry = await openRegistry({ world: socketWorld() });
  using first = await watching(registry.url);
  using second = new RawSession(registry.url);
  const { registry: id, nonce } = await second.challenge();
  const login = await signLogin({ id: ben.id, registry: id, nonce, origin: registry.url }, ben.privateKey);
  second.send({ t: "login", login, record: benRecord });
  expect(await first.next()).toMatchObject({ t: "peer", online: true, record: benRecord });
  expect((await second.next()).t).toBe("welcome");
  second.send({ t: "goodbye", goodbye: await signGoodbye({ id: ben.id, registry: id, nonce }, ben.privateKey) });
  expect((await second.next()).t).toBe("bye");
  expect(await first.next()).toMatchObject({ t: "peer", online: false, record: benRecord });
  expect(await onlineNames(registry.url)).toEqual(["ann"]);
});

test("a broken connection is an event only when the grace period is over", async () => {
  const world = socketWorld();
  await using registry = await openRegistry({ world });
  using first = await watching(registry.url);
  const second = new RawSession(registry.url);
  await second.logIn(ben, { record: benRecord });
  await first.next();
  second[Symbol.dispose]();
  using third = new RawSession(registry.url); // a round trip after the break: the registry has noticed it
  await third.challenge();
  await world.clock.advance(9_000);
  expect(await onlineNames(registry.url)).toEqual(["ann", "ben"]);
  await world.clock.advance(2_000);
  expect(await first.next()).toMatchObject({ t: "peer", online: false, record: benRecord });
});

test("coming back within the grace period is no event", async () => {
  const world = socketWorld();
  await using registry = await openRegistry({ world });
  using first = await watching(registry.url);
  const second = new RawSession(registry.url);
  await second.logIn(ben, { record: benRecord });
  await first.next();
  second[Symbol.dispose]();
  using again = new RawSession(registry.url);
  expect(await again.logIn(ben, { record: benRecord })).toMatchObject({ t: "welcome" });
  await world.clock.advance(20_000);
  first.send({ t: "ping" });
  expect(await first.next()).toEqual({ t: "pong" });
});

test("who resumes from a cursor is told exactly what it missed", async () => {
  const world = socketWorld();
  await using registry = await openRegistry({ world });
  const first = new RawSession(registry.url);
  await first.logIn(ann, { record: annRecord });
  first.send({ t: "subscribe" });
  const synced = (await first.until("synced")).at(-1);
  const after = synced?.t === "synced" ? synced.cursor : "";
  first[Symbol.dispose]();
  using second = new RawSession(registry.url);
  await second.logIn(ben, { record: benRecord });
  const changed = await makeRecord(ben, { name: "ben", seq: 2, card: { about: "new", commands: [] } });
  second.send({ t: "record", record: changed });
  expect(await second.next()).toMatchObject({ t: "recorded", seq: 2 });
  using again = new RawSession(registry.url);
  await again.logIn(ann, { record: annRecord });
  again.send({ t: "subscribe", after });
  const frames = await again.until("synced");
  expect(frames.map(({ t }) => t)).toEqual(["peer", "synced"]);
  expect(frames[0]).toMatchObject({ online: true, record: changed });
});

test("an unknown cursor gets a snapshot", async () => {
  await using registry = await openRegistry();
  for (const after of ["elsewhere.1", "nonsense", ""]) {
    using session = new RawSession(registry.url);
    await session.logIn(ann, { record: annRecord });
    session.send({ t: "subscribe", after });
    expect((await session.until("synced")).map(({ t }) => t)).toEqual(["snapshot", "peer", "synced"]);
  }
});

test("a name that another key holds is refused, and the refusal says who has it and since when", async () => {
  const world = socketWorld();
  await using registry = await openRegistry({ world });
  using first = await watching(registry.url);
  using second = new RawSession(registry.url);
  const answer = await second.logIn(ben, { record: await makeRecord(ben, { name: "ann" }) });
  expect(answer).toMatchObject({ code: "NAME_TAKEN", holder: { id: ann.id, since: world.clock.now() } });
  expect((await second.next()).t).toBe("closed");
  first.send({ t: "ping" });
  expect(await first.next()).toEqual({ t: "pong" });
});

test("a stale record is refused with the last one, so that its owner can go on above it", async () => {
  await using registry = await openRegistry();
  const newest = await makeRecord(ann, { name: "ann", seq: 9 });
  using first = new RawSession(registry.url);
  await first.logIn(ann, { record: newest });
  using second = new RawSession(registry.url);
  expect(await second.logIn(ann, { record: annRecord })).toMatchObject({ code: "RECORD_STALE", last: newest });
});

test("the newest login of a key is active, the older is told why, and one that yields does not come between", async () => {
  await using registry = await openRegistry({ world: socketWorld() });
  using first = new RawSession(registry.url);
  await first.logIn(ann, { record: annRecord });
  using second = new RawSession(registry.url);
  expect(await second.logIn(ann, { record: annRecord })).toMatchObject({ t: "welcome" });
  expect(await first.next()).toMatchObject({ t: "error", code: "TWO_INSTANCES" });
  expect((await first.next()).t).toBe("closed");
  using third = new RawSession(registry.url);
  expect(await third.logIn(ann, { record: annRecord, ifFree: true })).toMatchObject({ code: "TWO_INSTANCES" });
  second.send({ t: "ping" });
  expect(await second.next()).toEqual({ t: "pong" });
  expect(await onlineNames(registry.url)).toEqual(["ann"]);
});

test("names outlive a restart, and who was online is waited for without a word", async () => {
  await using folder = await temporaryFolder();
  const world = socketWorld();
  {
    await using registry = await openRegistry({ folder: folder.path, world });
    using session = new RawSession(registry.url);
    await session.logIn(ann, { record: annRecord });
  }
  await using registry = await openRegistry({ folder: folder.path, world });
  expect(await onlineNames(registry.url)).toEqual(["ann"]);
  using thief = new RawSession(registry.url);
  expect(await thief.logIn(ben, { record: await makeRecord(ben, { name: "ann" }) })).toMatchObject({
    code: "NAME_TAKEN",
    holder: { id: ann.id },
  });
  await world.clock.advance(46_000);
  expect(await onlineNames(registry.url)).toEqual([]);
});

test("after a long time off nobody is taken for online", async () => {
  await using folder = await temporaryFolder();
  const world = socketWorld();
  {
    await using registry = await openRegistry({ folder: folder.path, world });
    using session = new RawSession(registry.url);
    await session.logIn(ann, { record: annRecord });
  }
  world.clock.jump(3_600_000);
  await using registry = await openRegistry({ folder: folder.path, world });
  expect(await onlineNames(registry.url)).toEqual([]);
});

test("a registry that lost its names is told by the grants, and the earlier one wins", async () => {
  await using old = await temporaryFolder();
  await using restored = await temporaryFolder();
  const world = socketWorld();
  let grant: string | undefined;
  {
    await using registry = await openRegistry({ folder: old.path, world });
    using session = new RawSession(registry.url);
    const welcome = await session.logIn(ann, { record: annRecord });
    grant = welcome.t === "welcome" ? welcome.grant : undefined;
  }
  for (const file of ["key.pem", "certificate.pem"]) {
    await Bun.write(`${restored.path}/${file}`, Bun.file(`${old.path}/${file}`));
  }
  await world.clock.advance(60_000);
  await using registry = await openRegistry({ folder: restored.path, world });
  using usurper = new RawSession(registry.url);
  expect(await usurper.logIn(ben, { record: await makeRecord(ben, { name: "ann" }) })).toMatchObject({ t: "welcome" });
  using owner = new RawSession(registry.url);
  expect(await owner.logIn(ann, { record: annRecord, grant })).toMatchObject({ t: "welcome" });
  expect(await usurper.next()).toMatchObject({ t: "error", code: "NAME_TAKEN" });
  expect(await onlineNames(registry.url)).toEqual(["ann"]);
});

test("a record that is not renewed ends with its time to live", async () => {
  const world = socketWorld();
  await using registry = await openRegistry({ world, limits: { leaseMs: 3_600_000 } });
  using session = new RawSession(registry.url);
  await session.logIn(ann, { record: await makeRecord(ann, { name: "ann", ttl: 60 }) });
  await world.clock.advance(59_000);
  expect(await onlineNames(registry.url)).toEqual(["ann"]);
  await world.clock.advance(2_000);
  expect(await session.next()).toMatchObject({ t: "error", code: "RECORD_STALE" });
  expect(await onlineNames(registry.url)).toEqual([]);
});

test("who says nothing for a lease is gone; who pings stays", async () => {
  const world = socketWorld();
  await using registry = await openRegistry({ world });
  using silent = new RawSession(registry.url);
  await silent.logIn(ann, { record: annRecord });
  using lively = new RawSession(registry.url);
  await lively.logIn(ben, { record: benRecord });
  await world.clock.advance(30_000);
  lively.send({ t: "ping" });
  await lively.next();
  await world.clock.advance(11_000);
  expect(await silent.next()).toMatchObject({ t: "error", code: "REGISTRY_REFUSED" });
  lively.send({ t: "ping" });
  expect(await lively.next()).toEqual({ t: "pong" });
  await world.clock.advance(12_000);
  expect(await onlineNames(registry.url)).toEqual(["ben"]);
});

test("a port in use is said to be so, with the way out", async () => {
  await using registry = await openRegistry();
  await using folder = await temporaryFolder();
  const second = startRegistry({ port: registry.port, folder: folder.path });
  expect(second).rejects.toMatchObject({ code: "PORT_IN_USE", message: expect.stringContaining("--port") });
});

test("one process at a time runs the registry of a folder, also at another port; when it has ended, the next one may", async () => {
  await using folder = await temporaryFolder();
  {
    await using _ = await openRegistry({ folder: folder.path });
    const second = await startRegistry({ port: 0, folder: folder.path }).catch((error: unknown) => error);
    expect(second).toMatchObject({ code: "IDENTITY_IN_USE", message: expect.stringContaining("--store") });
  }
  await (await startRegistry({ port: 0, folder: folder.path }))[Symbol.asyncDispose]();
});

test("an address of another machine is said to be so", async () => {
  await using folder = await temporaryFolder();
  const start = startRegistry({ host: "192.0.2.1", port: 0, folder: folder.path });
  expect(start).rejects.toMatchObject({ code: "HOST_UNAVAILABLE" });
});

// What a hostile client may try.

test("a login that was meant for another registry, or was overheard, gets nobody in", async () => {
  await using registry = await openRegistry();
  const attempts = [
    { origin: "http://evil.example:9277", says: "--url http://evil.example:9277" },
    { origin: registry.url.replace("http", "https"), says: "not known as" },
    { origin: "http://127.0.0.1:1", says: "not known as" },
    { nonce: "n".repeat(32), says: "another session" },
    { registry: ben.id, says: "another registry" },
  ];
  for (const { says, ...more } of attempts) {
    using session = new RawSession(registry.url);
    const answer = await session.logIn(ann, { record: annRecord, ...more });
    expect(answer).toMatchObject({ t: "error", code: "REGISTRY_REFUSED", message: expect.stringContaining(says) });
    expect((await session.next()).t).toBe("closed");
  }
  expect(await onlineNames(registry.url)).toEqual([]);
});

test("an operator's own URL is a good origin", async () => {
  await using registry = await openRegistry({ urls: ["https://chat.example"] });
  using session = new RawSession(registry.url);
  const answer = await session.logIn(ann, { record: annRecord, origin: "https://chat.example" });
  expect(answer).toMatchObject({ t: "welcome" });
});

test("nobody registers somebody else", async () => {
  await using registry = await openRegistry();
  using session = new RawSession(registry.url);
  const answer = await session.logIn(ben, { record: annRecord });
  expect(answer).toMatchObject({
    t: "error",
    code: "RECORD_INVALID",
    message: expect.stringContaining("another peer"),
  });
});

test("nobody says goodbye for somebody else, or with an old goodbye", async () => {
  await using registry = await openRegistry();
  for (const [signer, nonce] of [
    [ben, undefined],
    [ann, "n".repeat(32)],
  ] as const) {
    using session = new RawSession(registry.url);
    const challenge = await session.challenge();
    const body = { id: ann.id, registry: registry.id, nonce: challenge.nonce };
    const login = await signLogin({ ...body, origin: registry.url }, ann.privateKey);
    session.send({ t: "login", login, record: annRecord });
    await session.next();
    const goodbye = { ...body, id: signer.id, nonce: nonce ?? body.nonce };
    session.send({ t: "goodbye", goodbye: await signGoodbye(goodbye, signer.privateKey) });
    expect(await session.next()).toMatchObject({ t: "error", code: "REGISTRY_REFUSED" });
  }
  expect(await onlineNames(registry.url)).toEqual(["ann"]); // shown through the grace period
});

test("what is no frame, or comes before its time, ends the session", async () => {
  await using registry = await openRegistry();
  const cases: [string | Uint8Array | object, string][] = [
    ["hello", "FRAME_MALFORMED"],
    ["[]", "FRAME_MALFORMED"],
    ['{"t":1}', "FRAME_MALFORMED"],
    ['{"t":"login"}', "FRAME_MALFORMED"],
    [new Uint8Array([1, 2, 3]), "FRAME_MALFORMED"],
    [{ t: "login", login: "x", record: "y" }, "REGISTRY_REFUSED"],
    [{ t: "subscribe" }, "PROTOCOL_VIOLATION"],
    [{ t: "record", record: annRecord }, "PROTOCOL_VIOLATION"],
    [{ t: "goodbye", goodbye: "x" }, "PROTOCOL_VIOLATION"],
  ];
  for (const [frame, code] of cases) {
    using session = new RawSession(registry.url);
    await session.challenge();
    session.send(frame);
    expect(await session.next()).toMatchObject({ t: "error", code });
    expect((await session.next()).t).toBe("closed");
  }
});

test("what is sent at once is answered in its order, a record that nobody signed too, and nothing after that", async () => {
  await using registry = await openRegistry();
  const who = await createIdentity();
  const [first = "", second = "", third = "", last = ""] = await Promise.all(
    [1, 2, 3, 4].map((seq) => makeRecord(who, { name: "ann", seq })),
  );
  const session = new RawSession(registry.url);
  await session.logIn(who, { record: first });
  const unsigned = third.replace(/\.[^.]*$/, last.slice(last.lastIndexOf(".")));
  session.send({ t: "record", record: second });
  session.send({ t: "ping" });
  session.send({ t: "record", record: third });
  session.send({ t: "record", record: unsigned });
  session.send({ t: "record", record: last });
  expect(await session.next()).toMatchObject({ t: "recorded", seq: 2 });
  expect(await session.next()).toEqual({ t: "pong" });
  expect(await session.next()).toMatchObject({ t: "recorded", seq: 3 });
  expect(await session.next()).toMatchObject({ t: "error", code: "RECORD_INVALID" });
  expect(await session.next()).toEqual({ t: "closed" });
});

test("a kind of frame that a later version adds is passed over, and counted", async () => {
  await using registry = await openRegistry({ limits: { framesPerMinute: 100 } });
  using session = new RawSession(registry.url);
  await session.logIn(ann, { record: annRecord });
  session.send({ t: "sing", song: 1 });
  session.send({ t: "ping" });
  expect((await session.next()).t).toBe("pong");
  for (let n = 0; n < 100; n++) session.send({ t: "sing" });
  expect(await session.next()).toMatchObject({ t: "error", code: "RATE_LIMITED" });
});

test("a frame over the limit ends the session unread", async () => {
  await using registry = await openRegistry();
  using session = new RawSession(registry.url);
  await session.challenge();
  session.send("x".repeat(49_153));
  expect((await session.next()).t).toBe("closed");
});

test("who does not log in is sent away in time", async () => {
  const world = socketWorld();
  await using registry = await openRegistry({ world });
  using session = new RawSession(registry.url);
  await session.challenge();
  await world.clock.advance(6_000);
  expect(await session.next()).toMatchObject({ t: "error", message: expect.stringContaining("no login") });
  expect((await session.next()).t).toBe("closed");
});

test("a flood of frames ends its session and no other", async () => {
  await using registry = await openRegistry({ limits: { framesPerMinute: 20 }, world: socketWorld() });
  using quiet = await watching(registry.url);
  using loud = new RawSession(registry.url);
  await loud.logIn(ben, { record: benRecord });
  for (let n = 0; n < 40; n++) loud.send({ t: "ping" });
  expect((await loud.until("error")).at(-1)).toMatchObject({ code: "RATE_LIMITED" });
  expect(await quiet.next()).toMatchObject({ t: "peer", record: benRecord });
  quiet.send({ t: "ping" });
  expect(await quiet.next()).toEqual({ t: "pong" });
});

test("sessions of one address are bounded, open ones and new ones", async () => {
  const world = socketWorld();
  await using registry = await openRegistry({ world, limits: { maxUnknownPerAddress: 2, sessionsPerMinute: 6 } });
  const upgrade = (): Promise<Response> => fetch(`${registry.url}/v1/session?nonce=${"n".repeat(16)}`);
  using first = new RawSession(registry.url);
  using second = new RawSession(registry.url);
  await first.challenge();
  await second.challenge();
  expect((await upgrade()).status).toBe(429); // two are not logged in
  for (let n = 0; n < 3; n++) await (await upgrade()).text();
  const refused = await upgrade();
  expect(refused.status).toBe(429);
  expect(refused.headers.get("retry-after")).toBe("10");
});

test("who has logged in no longer counts as a stranger", async () => {
  await using registry = await openRegistry({ limits: { maxUnknownPerAddress: 1 } });
  using first = new RawSession(registry.url);
  await first.logIn(ann, { record: annRecord });
  using second = new RawSession(registry.url);
  expect(await second.logIn(ben, { record: benRecord })).toMatchObject({ t: "welcome" });
});

test("who stays longer than a day is given a fresh grant", async () => {
  const world = socketWorld();
  await using registry = await openRegistry({ world, limits: { leaseMs: 3_600_000 } });
  using session = new RawSession(registry.url);
  await session.logIn(ann, { record: annRecord });
  world.clock.jump(DAY_MS);
  await world.clock.advance(61_000);
  const frame = await session.next();
  if (frame.t !== "recorded") throw new Error(`"${frame.t}"`);
  const grant = await openGrant(frame.grant, { registry: registry.id, name: "ann", id: ann.id });
  expect(grant.notAfter).toBeGreaterThanOrEqual(world.clock.now() + 90 * DAY_MS - 1_000);
});

test("a registry that itself stood still takes that time from nobody's lease", async () => {
  const world = socketWorld();
  await using registry = await openRegistry({ world });
  using session = new RawSession(registry.url);
  await session.logIn(ann, { record: annRecord });
  world.clock.stall(60_000);
  await world.clock.advance(2_000);
  session.send({ t: "ping" });
  expect(await session.next()).toEqual({ t: "pong" });
});

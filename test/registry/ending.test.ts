/** How a registry ends: what it says to whom, and that nobody can hold it up. */
import { connect } from "node:net";
import { expect, test } from "bun:test";
import { createIdentity } from "../../src/identity/identity.ts";
import {
  makeRecord,
  openRegistry,
  RawSession,
  socketWorld,
  temporaryFolder,
  turnUntil,
  watchedClient,
} from "./setting.ts";

test("who asks whether it is ready is told, before and while it ends", async () => {
  await using registry = await openRegistry();
  const ready = await fetch(`${registry.url}/readyz`);
  expect([ready.status, await ready.json()]).toEqual([200, { status: "ready" }]);
  registry.drain();
  const ending = await fetch(`${registry.url}/readyz`);
  expect([ending.status, await ending.json()]).toEqual([503, { status: "not ready", faults: ["it is ending"] }]);
  const session = await fetch(`${registry.url}/v1/session?nonce=abcdefghijklmnop`);
  expect([session.status, session.headers.get("retry-after")]).toEqual([503, "1"]);
  expect((await fetch(`${registry.url}/healthz`)).status).toBe(200);
});

test("at its end it asks each peer to come back at another moment", async () => {
  const draws = [0.1, 0.9];
  const world = { ...socketWorld(), random: () => draws.pop() ?? 0 };
  const registry = await openRegistry({ world });
  const sessions: RawSession[] = [];
  for (const name of ["ann", "ben"]) {
    const who = await createIdentity();
    const session = new RawSession(registry.url);
    await session.logIn(who, { record: await makeRecord(who, { name }) });
    sessions.push(session);
  }
  using stranger = new RawSession(registry.url);
  await stranger.challenge();
  const stream = await fetch(`${registry.url}/v1/events?name=nobody`);
  draws.push(0.5, 0.25); // the last one is for the stream
  await registry[Symbol.asyncDispose]();
  expect(await sessions[0]?.next()).toEqual({ t: "bye", after: 20 }); // of 10 ms for each of the four
  expect(await sessions[1]?.next()).toEqual({ t: "bye", after: 36 });
  expect(await stranger.next()).toEqual({ t: "closed" }); // a word that it does not expect would be an error to it
  expect(await stream.text()).toEndWith('retry: 10\nevent: bye\ndata: {"after":10}\n\n');
});

test("a client comes back when it was asked to, and its peer was never seen to go", async () => {
  await using folder = await temporaryFolder();
  const world = { ...socketWorld(), random: () => 0.999 };
  const options = { folder: folder.path, world };
  const first = await openRegistry(options);
  await using client = await watchedClient({ url: first.url, name: "ann", world });
  await client.until("connected");
  await first[Symbol.asyncDispose]();
  await client.until("disconnected");
  await using again = await openRegistry({ ...options, port: first.port });
  using watcher = new RawSession(again.url);
  const ben = await createIdentity();
  await watcher.logIn(ben, { record: await makeRecord(ben, { name: "ben" }) });
  watcher.send({ t: "subscribe" });
  expect((await watcher.until("synced")).map(({ t }) => t)).toEqual(["snapshot", "peer", "peer", "synced"]);
  await world.clock.advance(250); // its own wait; it was asked to stay away for 9 ms more
  expect(client.told.filter((line) => line === "connected")).toHaveLength(1);
  await world.clock.advance(9);
  const back = (async () => {
    while (client.told.filter((line) => line === "connected").length < 2) await new Promise(setImmediate);
  })();
  await turnUntil(world, back);
  watcher.send({ t: "ping" });
  expect(await watcher.next()).toEqual({ t: "pong" }); // and nothing before it
}, 10_000);

test("who does not take the last word holds the end up for two seconds and no longer", async () => {
  const world = socketWorld();
  const registry = await openRegistry({ world });
  const deaf = connect(registry.port, "127.0.0.1");
  deaf.write(
    "GET /v1/session?nonce=abcdefghijklmnop HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
      "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n",
  );
  await new Promise((resolve) => deaf.once("data", resolve));
  const state = { hasEnded: false };
  const end = registry[Symbol.asyncDispose]().then(() => (state.hasEnded = true));
  await world.clock.advance(1_999);
  expect(state.hasEnded).toBe(false);
  await world.clock.advance(1);
  await end;
  deaf.destroy();
});

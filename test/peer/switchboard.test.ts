import { expect, test } from "bun:test";
import type { WarrenError } from "../../src/base/errors.ts";
import type { PeerId, PeerInfo } from "../../src/base/ids.ts";
import type { Peer } from "../../src/peer/peer.ts";
import type { Connection } from "../../src/peer/connection.ts";
import { Switchboard } from "../../src/peer/switchboard.ts";
import { SimulatedNetwork } from "../../src/testing/simulated-network.ts";
import { createSimulatedWorld } from "../../src/testing/world.ts";
import { createBurrow, hear, testId } from "./burrow.ts";
import { RawPeer } from "./raw-peer.ts";

const [ANN, BOB] = [testId("ann"), testId("bob")]; // ann's id is the lower one: she decides

/** Two switchboards without a peer above: the least that says `ready` and then a number on each chosen connection. */
function createPair(seed = 1) {
  const world = createSimulatedWorld(seed);
  const network = new SimulatedNetwork({ clock: world.clock, latency: () => 1 + Math.floor(world.random() * 20) });
  const sides = [createSide(ANN, "ann"), createSide(BOB, "bob")] as const;

  function createSide(id: PeerId, name: string) {
    const self: PeerInfo = { id, name, kind: "person" };
    const transport = network.transport(id, name);
    const side = {
      /** What the other side said on a connection that counted for both. */
      heard: [] as number[],
      chosen: undefined as Connection | undefined,
      /** Said on every connection that comes to count, until the other side has it. */
      saying: 0,
      switchboard: new Switchboard({
        world,
        self,
        port: () => 0,
        arrival: () => undefined,
        refusal: () => undefined,
        refused: () => {},
        overran: () => {},
        met: () => {},
        chosen(connection) {
          side.chosen = connection;
          connection.send({ t: "ready", have: null, w: 1 });
        },
        ready: (connection) => connection.send({ t: "got", k: side.saying }),
        frame: (_, frame) => frame.t === "got" && side.heard.push(frame.k),
        behind: () => {},
        drained: () => {},
        lost(connection) {
          if (side.chosen === connection) side.chosen = undefined;
        },
        replaced: () => {},
        notice: (error) => {
          throw error;
        },
      }),
      async dial(to: string): Promise<void> {
        const { signal } = new AbortController();
        const link = await transport.dial({ host: to, port: 1 }, { expect: undefined, signal });
        await side.switchboard.connect(link).catch(() => {}); // one of two may be refused
      },
    };
    void transport.listen({ host: name, port: 1 }, (link) => side.switchboard.accept(link));
    return side;
  }

  return { world, network, sides };
}

test.each([0, 1, 50])("two peers that dial each other %i ms apart end with the same one connection", async (skew) => {
  const { world, network, sides } = createPair(skew);
  const [ann, bob] = sides;
  for (let round = 1; round <= 3_334; round++) {
    ann.saying = bob.saying = round;
    const [first, second] = world.random() < 0.5 ? ([ann, bob] as const) : ([bob, ann] as const);
    const dials = [first.dial(first === ann ? "bob" : "ann")];
    await world.clock.advance(skew);
    dials.push(second.dial(second === ann ? "bob" : "ann"));
    await world.clock.advance(150);
    await Promise.all(dials);
    expect(ann.chosen?.name).toBeString();
    expect(ann.chosen?.name).toBe(bob.chosen?.name ?? "none at bob's side");
    expect(ann.chosen).toBe(ann.switchboard.connectionWith(BOB));
    expect(countLinks(network)).toBe(2); // the two ends of one connection
    expect([ann.heard.at(-1), bob.heard.at(-1)]).toEqual([round, round]);
    network.cut();
  }
});

test.each([0, 1, 50])(
  "peers that write to each other %i ms apart after each cut lose and double nothing",
  async (skew) => {
    await using burrow = createBurrow(skew);
    const [ann, bob] = [await burrow.open("ann"), await burrow.open("bob")];
    await burrow.introduce(ann, bob);
    const [atAnn, atBob] = [hear(ann), hear(bob)];
    const said: string[] = [];
    for (let round = 1; round <= 100; round++) {
      said.push(`m${round}`);
      burrow.network.cut();
      const first = ann.send("bob", `m${round}`);
      await burrow.settle(skew);
      await Promise.all([first, bob.send("ann", `m${round}`), burrow.settle(300)]);
    }
    await burrow.settle(30_000);
    expect(atAnn).toEqual(said);
    expect(atBob).toEqual(said);
    expect(countLinks(burrow.network)).toBe(2);
  },
);

test("wherever in its first moments a connection is cut, what it was dialled for arrives on the next one", async () => {
  for (const [from, to] of [
    ["ann", "bob"],
    ["bob", "ann"],
  ] as const) {
    for (let ms = 1; ms <= 12; ms++) {
      await using burrow = createBurrow(ms);
      const peers = { ann: await burrow.open("ann"), bob: await burrow.open("bob") };
      await burrow.introduce(peers.ann, peers.bob);
      const heard = hear(peers[to]);
      burrow.network.cut();
      await burrow.settle(30_000);
      burrow.network.cut();
      const sending = peers[from].send(to, "here I am");
      await burrow.settle(ms);
      burrow.network.cut();
      await burrow.settle(2_000);
      await sending;
      expect([from, ms, ...heard]).toEqual([from, ms, "here I am"]);
    }
  }
});

test("a newcomer wins when its peer no longer holds the old connection, and the old one is told", async () => {
  await using burrow = createBurrow();
  const bob = await burrow.open("bob");
  const [before, after] = [new RawPeer(burrow, "zed"), new RawPeer(burrow, "zed")];
  await before.join(bob);
  await after.join(bob, { conn: "c2" });
  expect(before.farewell).toBe("REPLACED");
  expect(before.isClosed).toBe(true);
  expect(after.isClosed).toBe(false);
});

test("a newcomer is one too many when its peer still holds the connection that is held here", async () => {
  await using burrow = createBurrow();
  const bob = await burrow.open("bob");
  const [before, after] = [new RawPeer(burrow, "zed"), new RawPeer(burrow, "zed")];
  await before.join(bob);
  await after.meet(bob, { conn: "c2", holds: "c1" });
  expect(after.farewell).toBe("DUPLICATE");
  expect(before.isClosed).toBe(false);
});

test("a newcomer waits until the choice before it is answered, and takes over when it is not", async () => {
  await using burrow = createBurrow();
  const bob = await burrow.open("bob");
  const [before, after] = [new RawPeer(burrow, "zed"), new RawPeer(burrow, "zed")];
  await before.meet(bob); // never answers with its own `ready`
  await after.meet(bob, { conn: "c2" });
  expect(after.all("ready")).toEqual([]);
  await burrow.settle(5_000);
  expect(before.isClosed).toBe(true);
  expect(after.all("ready")).toHaveLength(1);
});

test("a peer that does not decide cannot choose by saying ready where it was not asked to", async () => {
  await using burrow = createBurrow();
  const bob = await burrow.open("bob");
  const [before, after] = [new RawPeer(burrow, "zed"), new RawPeer(burrow, "zed")];
  await before.meet(bob);
  await after.meet(bob, { conn: "c2" });
  const ready = { t: "ready", have: null, w: 1 };
  after.say(ready);
  await burrow.settle();
  expect(after.all("ready")).toEqual([]);
  before.say(ready);
  await burrow.settle();
  expect([before.farewell, after.farewell]).toEqual([undefined, "DUPLICATE"]);
});

test("a newcomer takes over when the connection whose choice was not answered is gone", async () => {
  await using burrow = createBurrow();
  const bob = await burrow.open("bob");
  const [before, after] = [new RawPeer(burrow, "zed"), new RawPeer(burrow, "zed")];
  await before.meet(bob);
  await after.meet(bob, { conn: "c2" });
  before.hangUp();
  await burrow.settle(5);
  expect(after.all("ready")).toHaveLength(1);
});

test("a close that comes late does not take the connection that has come since", async () => {
  await using burrow = createBurrow();
  const bob = await burrow.open("bob");
  const heard = hear(bob);
  const [before, after] = [new RawPeer(burrow, "abe"), new RawPeer(burrow, "abe")]; // abe decides
  await before.join(bob);
  await after.join(bob, { conn: "c2" });
  before.hangUp();
  await burrow.settle();
  after.say({ t: "msg", n: 1, id: "a", at: 1, text: "still here" });
  await burrow.settle();
  expect(heard).toEqual(["still here"]);
  expect(after.all("ack")).toMatchObject([{ n: 1 }]);
});

test("two living processes with one key are both told, once, and do not push each other out in a circle", async () => {
  await using burrow = createBurrow();
  const bob = await burrow.open("bob");
  const [one, two] = [await burrow.open("ann"), await burrow.open("ann")];
  const told = { one: notices(one), two: notices(two), bob: notices(bob) };
  await burrow.introduce(one, bob);
  await burrow.introduce(two, bob);
  await burrow.settle(240_000);
  expect(told).toEqual({
    one: ["TWO_INSTANCES: another process with your key has connected: end one of the two"],
    two: ["TWO_INSTANCES: another process with your key was connected: end one of the two"],
    bob: ["TWO_INSTANCES: another process with the key of ann is running too"],
  });
});

test("a process that was killed and started again is nobody's second instance", async () => {
  await using burrow = createBurrow();
  const bob = await burrow.open("bob");
  const told = notices(bob);
  const [before, after] = [new RawPeer(burrow, "zed"), new RawPeer(burrow, "zed")];
  await before.join(bob); // it is dead, and nobody has noticed: it says nothing more
  await after.join(bob, { instance: "i2", conn: "c2" });
  expect(after.all("ready")).toHaveLength(1);
  await burrow.settle(10_000);
  expect(before.isClosed).toBe(true);
  expect(told).toEqual([]);
});

test("a silent peer is asked after 15 s and given up within 40 s; one that answers is kept", async () => {
  await using burrow = createBurrow();
  const bob = await burrow.open("bob");
  const [silent, awake] = [new RawPeer(burrow, "yan"), new RawPeer(burrow, "zed")];
  await silent.join(bob);
  await awake.join(bob);
  await burrow.settle(14_900);
  expect(silent.all("ping")).toEqual([]);
  await burrow.settle(5_200);
  expect(silent.all("ping")).toHaveLength(1);
  for (let second = 20; second < 40; second++) {
    awake.say({ t: "pong" });
    await burrow.settle(1_000);
  }
  expect([silent.isClosed, silent.farewell]).toEqual([true, "PEER_SILENT"]);
  expect(awake.isClosed).toBe(false);
});

test("a ping is answered", async () => {
  await using burrow = createBurrow();
  const raw = await new RawPeer(burrow, "zed").join(await burrow.open("bob"));
  raw.say({ t: "ping" });
  await burrow.settle();
  expect(raw.all("pong")).toHaveLength(1);
});

test.each([
  ["says nothing", ""],
  ["says half a hello", '{"t":"hello","v":1,'],
])("a stranger that %s is closed within 25 s", async (_, text) => {
  await using burrow = createBurrow();
  const raw = await new RawPeer(burrow, "zed").dial(await burrow.open("bob"));
  raw.say(text);
  for (let second = 0; second < 25; second++) await burrow.settle(1_000);
  expect([raw.isClosed, raw.farewell]).toEqual([true, "PEER_SILENT"]);
});

test("a byte a second does not keep a stranger alive", async () => {
  await using burrow = createBurrow();
  const raw = await new RawPeer(burrow, "zed").dial(await burrow.open("bob"));
  for (const byte of JSON.stringify(raw.hello()).slice(0, 25)) {
    raw.say(byte);
    await burrow.settle(1_000);
  }
  expect(raw.isClosed).toBe(true);
});

test("a connection that its peer never chooses is closed", async () => {
  await using burrow = createBurrow();
  const raw = await new RawPeer(burrow, "abe").meet(await burrow.open("bob")); // abe decides, and does not
  for (let second = 0; second < 40; second++) {
    raw.say({ t: "ping" });
    await burrow.settle(1_000);
  }
  expect([raw.isClosed, raw.farewell]).toEqual([true, "PEER_SILENT"]);
});

test("who dials reaches the right connection, or none", async () => {
  await using burrow = createBurrow();
  const bob = await burrow.open("bob");
  const raw = new RawPeer(burrow, "zed");
  const attempt = bob.resolve(await raw.listen()).catch((error: WarrenError) => error.code);
  await burrow.settle();
  raw.say(raw.hello({ conn: "not the one that bob has named" }));
  await burrow.settle();
  expect(await attempt).toBe("FRAME_MALFORMED"); // blanks are no part of a name
  const again = bob.resolve(await raw.listen()).catch((error: WarrenError) => error.code);
  await burrow.settle();
  raw.say(raw.hello({ conn: "c9" }));
  await burrow.settle();
  expect(await again).toBe("PROTOCOL_VIOLATION");
  expect(raw.farewell).toBe("PROTOCOL_VIOLATION");
});

test("a bye instead of a hello is a refusal that says why", async () => {
  await using burrow = createBurrow();
  const bob = await burrow.open("bob");
  const raw = new RawPeer(burrow, "zed");
  const attempt = bob.resolve(await raw.listen()).catch((error: WarrenError) => `${error.code}: ${error.message}`);
  await burrow.settle();
  raw.say({ t: "bye", code: "BUSY", message: "too many are here" });
  await burrow.settle();
  expect(await attempt).toBe("PEER_REFUSED: too many are here");
});

test("at most 256 strangers wait for their hello; the next is closed at once, and later there is room again", async () => {
  await using burrow = createBurrow();
  const bob = await burrow.open("bob");
  const crowd = Array.from({ length: 257 }, (_, i) => new RawPeer(burrow, `z${i}`));
  for (const raw of crowd) await raw.dial(bob);
  await burrow.settle();
  expect(crowd.map(({ isClosed }) => isClosed).indexOf(true)).toBe(256);
  await burrow.settle(25_000);
  const late = await new RawPeer(burrow, "late").join(bob);
  expect(late.all("ready")).toHaveLength(1);
});

test.each([
  ["slept", 60_000, 0],
  ["slept with a clock that does not count it", 0, 60_000],
])("a machine that %s asks everybody, and gives up after 5 s who does not answer", async (_, skipped, jumped) => {
  await using burrow = createBurrow();
  const bob = await burrow.open("bob");
  const [gone, there] = [new RawPeer(burrow, "yan"), new RawPeer(burrow, "zed")];
  await gone.join(bob);
  await there.join(bob);
  burrow.world.clock.skip(skipped);
  burrow.world.clock.jump(jumped);
  for (let n = 0; n < 11 && there.all("ping").length === 0; n++) await burrow.settle(500); // until it looks
  expect([gone, there].map((raw) => raw.all("ping").length)).toEqual([1, 1]);
  there.say({ t: "pong" });
  await burrow.settle(5_001);
  expect([gone.isClosed, there.isClosed]).toEqual([true, false]);
});

test.each([
  ["is lost before it was chosen", 0],
  ["is never chosen", 40_000],
])("a connection that we have dialled and that %s is tried again", async (_, ms) => {
  await using burrow = createBurrow();
  const bob = await burrow.open("bob");
  const raw = new RawPeer(burrow, "abe"); // abe decides, and does not
  const meeting = bob.resolve(await raw.listen());
  await burrow.settle();
  raw.say(raw.hello({ conn: raw.heard.at(-1)?.["conn"] }));
  await burrow.settle();
  await meeting;
  raw.hangUp();
  await Promise.all([bob.send(raw.id, "hello"), burrow.settle()]);
  raw.say(raw.hello({ conn: raw.heard.at(-1)?.["conn"] }));
  await burrow.settle(ms);
  raw.hangUp();
  raw.heard.length = 0;
  await burrow.settle(1_000);
  expect(raw.all("hello")).toHaveLength(1);
});

test("a peer that closes says goodbye", async () => {
  await using burrow = createBurrow();
  const bob = await burrow.open("bob");
  const raw = await new RawPeer(burrow, "zed").join(bob);
  const closing = bob.close();
  await burrow.settle(20);
  await closing;
  await burrow.settle(20);
  expect([raw.isClosed, raw.farewell]).toEqual([true, "CLOSED"]);
});

function notices(peer: Peer): string[] {
  const told: string[] = [];
  peer.on("notice", ({ code, message }) => void told.push(`${code}: ${message}`));
  return told;
}

/** Both ends of every connection that there is. */
function countLinks(network: SimulatedNetwork): number {
  let count = 0;
  network.cut(() => ++count === 0); // asked for each, cuts none
  return count;
}

import { expect, test } from "bun:test";
import { WarrenError } from "../../src/base/errors.ts";
import type { Address } from "../../src/base/ids.ts";
import { Dialler } from "../../src/peer/dialler.ts";
import type { DialOptions, Link } from "../../src/peer/link.ts";
import { sleep } from "../../src/base/world.ts";
import { createSimulatedWorld, type SimulatedWorld } from "../../src/testing/world.ts";
import type { Hello } from "../../src/wire/frames.ts";
import { createBurrow, testId } from "./burrow.ts";

const BOB = testId("bob");
const REFUSED = new WarrenError("PEER_UNREACHABLE", "nobody is there");

const HELLO: Hello = { t: "hello", v: 1, instance: "i", conn: "c", holds: null, name: "bob", kind: "bot", port: 1 };

type Answer = (address: Address, signal: AbortSignal) => Promise<Link>;

const hangs: Answer = (_, signal) =>
  new Promise((_resolve, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
const refuses: Answer = () => Promise.reject(REFUSED);

interface Dial {
  readonly at: number;
  readonly host: string;
  ended?: number;
}

/** A dialler of which every attempt is seen, and answered by the test. */
class Setting {
  readonly world: SimulatedWorld;
  readonly dialler: Dialler;
  readonly dials: Dial[] = [];
  readonly connected: Link[] = [];
  terminated = 0;
  expectsBob = true;
  answer: Answer;
  isWanted = true;
  hello = (): Promise<Hello> => {
    this.isWanted = false;
    return Promise.resolve(HELLO);
  };

  constructor({ addresses = places(1), answer = refuses, seed = 1 } = {}) {
    this.world = createSimulatedWorld(seed);
    this.answer = answer;
    this.dialler = new Dialler({
      world: this.world,
      transport: {
        dial: (address, options) => this.#dial(address, options),
        listen: () => Promise.reject(REFUSED),
        addresses: () => [],
      },
      addressesOf: () => Promise.resolve(addresses),
      isWanted: () => this.isWanted,
      connect: (link) => {
        this.connected.push(link);
        return this.hello();
      },
    });
  }

  link(): Link {
    return {
      peer: BOB,
      remote: { host: "bob", port: 1 },
      dialled: true,
      open() {},
      write: () => 0,
      pause() {},
      resume() {},
      end() {},
      terminate: () => void this.terminated++,
    };
  }

  async #dial(address: Address, { signal, expect: expected }: DialOptions): Promise<Link> {
    if (this.expectsBob) expect(expected).toBe(BOB);
    const dial: Dial = { at: this.world.clock.steady(), host: address.host };
    this.dials.push(dial);
    try {
      return await this.answer(address, signal);
    } finally {
      dial.ended = this.world.clock.steady();
    }
  }
}

function places(count: number): Address[] {
  return Array.from({ length: count }, (_, i) => ({ host: `h${i}`, port: 1 }));
}

test("it never gives up, and never waits for longer than 30 s", async () => {
  const { dialler, dials, world } = new Setting();
  dialler.want(BOB);
  await world.clock.advance(3_600_000);
  const pauses = dials.slice(1).map(({ at }, i) => at - (dials[i]?.at ?? 0));
  expect(Math.max(...pauses)).toBeLessThanOrEqual(30_000);
  expect(Math.max(...pauses)).toBeGreaterThan(20_000);
  expect(dials.length).toBeGreaterThan(120);
  expect(dials.length).toBeLessThan(400); // and is no nuisance
});

test("the first pauses are short, and grow", async () => {
  const all = await Promise.all(
    Array.from({ length: 50 }, async (_, seed) => {
      const { dialler, dials, world } = new Setting({ seed });
      dialler.want(BOB);
      await world.clock.advance(60_000);
      return dials.slice(1, 5).map(({ at }, i) => at - (dials[i]?.at ?? 0));
    }),
  );
  [250, 500, 1_000, 2_000].forEach((ceiling, n) => {
    const pauses = all.map((run) => run[n] ?? NaN);
    expect(Math.max(...pauses)).toBeLessThanOrEqual(ceiling);
    expect(Math.max(...pauses)).toBeGreaterThan(ceiling / 2); // at random, so that not all come back at once
    expect(Math.min(...pauses)).toBeLessThan(ceiling / 2);
  });
});

test("addresses are tried 250 ms apart, without waiting for those that hang", async () => {
  const { dialler, dials, world } = new Setting({ addresses: places(4), answer: hangs });
  dialler.want(BOB);
  await world.clock.advance(1_000);
  expect(dials.map(({ at, host }) => [at, host])).toEqual([
    [0, "h0"],
    [250, "h1"],
    [500, "h2"],
    [750, "h3"],
  ]);
});

test("no record, however long, makes it dial more than 25 addresses", async () => {
  const { dialler, dials, world } = new Setting({ addresses: places(500), answer: hangs });
  dialler.want(BOB);
  await world.clock.advance(9_999);
  expect(dials).toHaveLength(25);
});

test("a record that names somebody else's machine, and changes all the time, has it dialled a few times a minute", async () => {
  const victim = Array.from({ length: 16 }, (_, n) => ({ host: "203.0.113.9", port: n + 1 }));
  const setting = new Setting({ addresses: victim });
  setting.dialler.want(BOB);
  for (let second = 0; second < 3_600; second++) {
    await setting.world.clock.advance(1_000);
    setting.dialler.hurry(BOB); // its peer is back again
  }
  expect(setting.dials.length / 60).toBeLessThan(40);
  expect(setting.dials.length / 60).toBeGreaterThan(1);
});

test("an address has 6 s, and all of them together have 10 s", async () => {
  const { dialler, dials, world } = new Setting({ addresses: places(25), answer: hangs });
  dialler.want(BOB);
  await world.clock.advance(10_000);
  expect(dials.map(({ at, ended }) => (ended ?? Infinity) - at)).toEqual(
    places(25).map((_, i) => Math.min(6_000, 10_000 - i * 250)),
  );
});

test("the first address that answers wins, and the others are left alone", async () => {
  const setting = new Setting({ addresses: places(4), answer: hangs });
  const { dialler, dials, world } = setting;
  setting.answer = ({ host }, signal) =>
    host === "h1" ? Promise.resolve(setting.link()) : hangs({ host, port: 1 }, signal);
  dialler.want(BOB);
  await world.clock.advance(60_000);
  expect(dials.map(({ host, ended }) => [host, ended])).toEqual([
    ["h0", 250],
    ["h1", 250],
  ]);
  expect(setting.connected).toHaveLength(1);
});

test("an address that fails does not keep the next one from being tried", async () => {
  const setting = new Setting({ addresses: places(3) });
  setting.answer = ({ host }) => (host === "h2" ? Promise.resolve(setting.link()) : Promise.reject(REFUSED));
  setting.dialler.want(BOB);
  await setting.world.clock.advance(500);
  expect(setting.connected).toHaveLength(1);
});

test("a link that comes after another has won is closed, and is no success if that one is refused", async () => {
  const setting = new Setting({ addresses: places(2) });
  const { world } = setting;
  // Deaf to the signal, as a transport may be in the moment in which it succeeds.
  setting.answer = async () => {
    await sleep(world.clock, 1_000 - world.clock.steady());
    return setting.link();
  };
  setting.hello = async () => {
    await sleep(world.clock, 1_000);
    throw REFUSED;
  };
  setting.dialler.want(BOB);
  await world.clock.advance(1_900);
  expect([setting.connected.length, setting.terminated]).toEqual([1, 1]);
  await world.clock.advance(1_000);
  expect(setting.dials.length).toBeGreaterThan(2);
});

test("a peer that is wanted twice is dialled once", async () => {
  const { dialler, dials, world } = new Setting({ answer: hangs });
  dialler.want(BOB);
  dialler.want(BOB);
  await world.clock.advance(100);
  expect(dials).toHaveLength(1);
});

test("a peer that nobody wants any more is not dialled again", async () => {
  const setting = new Setting();
  setting.dialler.want(BOB);
  await setting.world.clock.advance(10);
  setting.isWanted = false;
  const { length } = setting.dials;
  await setting.world.clock.advance(600_000);
  expect(setting.dials).toHaveLength(length);
  setting.dialler.want(BOB);
  await setting.world.clock.advance(600_000);
  expect(setting.dials).toHaveLength(length);
});

test("news of a peer end the pause", async () => {
  const { dialler, dials, world } = new Setting();
  dialler.want(BOB);
  while (dials.length < 12) await world.clock.advance(100);
  const { length } = dials;
  dialler.hurry(BOB);
  await world.clock.advance(0);
  expect(dials).toHaveLength(length + 1);
  await world.clock.advance(251);
  expect(dials.length).toBeGreaterThan(length + 1); // from now on the pauses are short again
});

test("a peer whose connections break before they did any good is not tried in a circle", async () => {
  const setting = new Setting();
  setting.answer = () => Promise.resolve(setting.link());
  for (let ms = 0; ms < 60_000; ms += 10) {
    setting.isWanted = true; // it has broken again
    setting.dialler.want(BOB);
    await setting.world.clock.advance(10);
  }
  expect(setting.dials.length).toBeLessThan(30);
});

test("a peer whose connection was good for something is dialled at once when it breaks", async () => {
  const setting = new Setting();
  setting.answer = () => Promise.resolve(setting.link());
  for (let n = 1; n <= 10; n++) {
    setting.isWanted = true;
    setting.dialler.want(BOB);
    await setting.world.clock.advance(0);
    expect(setting.connected).toHaveLength(n);
    setting.dialler.progressed(BOB);
  }
});

test("a peer that is to be left alone is, for as long as that, unless there is news", async () => {
  const { dialler, dials, world } = new Setting();
  dialler.pause(BOB, 300_000);
  dialler.want(BOB);
  await world.clock.advance(299_999);
  expect(dials).toHaveLength(0);
  await world.clock.advance(1);
  expect(dials).toHaveLength(1);
});

test("closing ends what is under way and all that waits", async () => {
  const { dialler, dials, world } = new Setting({ answer: hangs });
  dialler.want(BOB);
  await world.clock.advance(10);
  dialler.close();
  await world.clock.advance(600_000);
  expect(dials).toEqual([{ at: 0, host: "h0", ended: 10 }]);
});

test("peers find each other again after a cut, whichever of them has dialled", async () => {
  await using burrow = createBurrow();
  const [ann, bob] = [await burrow.open("ann"), await burrow.open("bob")];
  await burrow.introduce(ann, bob);
  burrow.network.cut();
  await burrow.settle(1_000);
  for (const peer of [ann, bob]) expect((await peer.users()).map(({ online }) => online)).toEqual([true, true]);
});

test("who was just met is not dialled again while it may still be choosing that connection", async () => {
  const setting = new Setting({ answer: () => Promise.resolve(setting.link()) });
  setting.expectsBob = false; // an address is met, whoever is there
  setting.hello = () => Promise.resolve(HELLO); // it is let in, and not chosen yet
  await setting.dialler.meet({ host: "somewhere", port: 1 });
  setting.dialler.want(BOB);
  await setting.world.clock.advance(499);
  expect(setting.dials.map(({ host }) => host)).toEqual(["somewhere"]);
  await setting.world.clock.advance(1);
  expect(setting.dials).toHaveLength(2);
  setting.dialler.close();
});

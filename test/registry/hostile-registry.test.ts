/** What a registry could do to its peers, and that each of it is caught or does no harm. */
import { expect, test } from "bun:test";
import { createLog } from "../../src/base/log.ts";
import type { PeerId } from "../../src/base/ids.ts";
import { createIdentity } from "../../src/identity/identity.ts";
import { lookUp } from "../../src/registry/lookup.ts";
import { keptGrant, lastSeq, pinnedKey } from "../../src/registry/memory.ts";
import type { ServerFrame } from "../../src/registry/frames.ts";
import { openLogin } from "../../src/registry/proof.ts";
import { HostileRegistry, tell, tellNobody, type Tricks, type Victim } from "./hostile-registry.ts";
import {
  makeRecord,
  openRegistry,
  RawSession,
  socketWorld,
  someTurns,
  watchedClient,
  type Watched,
} from "./setting.ts";

const ben = await createIdentity();
const cat = await createIdentity();

interface Visit {
  registry: HostileRegistry;
  ann: Watched;
  world: ReturnType<typeof socketWorld>;
  warnings: string[];
}

/** Ann at a registry with such tricks. Her waits between two attempts are as long as they can be. */
async function visit(tricks: Tricks, run: (visit: Visit) => Promise<void>): Promise<void> {
  const world = { ...socketWorld(), random: () => 1 };
  await using registry = await HostileRegistry.open(tricks);
  const warnings: string[] = [];
  const log = createLog("registry", (level, _source, text) => level === "warn" && warnings.push(text));
  await using ann = await watchedClient({ url: registry.url, name: "ann", world, log });
  await run({ registry, ann, world, warnings });
}

function shown({ client }: Watched): string[] {
  return [...client.entries()].map(({ name, online }) => `${name} ${online ? "on" : "off"}`);
}

/** A refusal that ends the session. */
function dismiss(victim: Victim, more: Partial<Extract<ServerFrame, { t: "error" }>> = {}): void {
  victim.say({ t: "error", code: "REGISTRY_REFUSED", message: "go away", ...more });
  victim.hangUp();
}

test("what it forges, swaps, has another key sign or repeats of old is dropped, and one warning says so", () =>
  visit(
    {
      async subscribe(victim) {
        const { registry } = victim;
        const [one, two] = [
          await registry.entry(ben, { name: "ben", seq: 5 }),
          await registry.entry(cat, { name: "cat" }),
        ];
        const forged = { ...one, record: `${one.record.slice(0, -12)}AAAAAAAAAAAA` };
        const swapped = { ...one, grant: two.grant };
        const otherKey = { ...one, grant: await registry.grant("ben", ben.id, cat) };
        const older = await registry.entry(ben, { name: "ben", seq: 4 });
        tell(forged, swapped, otherKey, two, one, older)(victim);
      },
    },
    async ({ ann, warnings }) => {
      await ann.until("connected");
      expect(shown(ann)).toEqual(["cat on", "ben on"]);
      expect(ann.client.refused).toBe(4);
      expect(warnings).toHaveLength(1);
    },
  ));

test("whom it leaves out or calls offline is known on, with the addresses", () =>
  visit(
    {
      async subscribe(victim) {
        tell(await victim.registry.entry(ben, { name: "ben" }))(victim);
        tellNobody(victim);
      },
    },
    async ({ ann }) => {
      await ann.until("offline ben");
      expect([...ann.client.entries()]).toMatchObject([{ name: "ben", online: false, addresses: [{ port: 9_278 }] }]);
    },
  ));

test("a frame that is too large, no text, no JSON, or says what no frame may say ends the session", async () => {
  const addresses = Array.from({ length: 1_000_000 }, () => ({ host: "192.0.2.1", port: 1 }));
  const bad: (string | Uint8Array | object)[] = [
    { t: "peer", online: true, age: 0, record: JSON.stringify(addresses), grant: "" },
    new Uint8Array(1_000),
    "}{",
    { t: "synced", cursor: "x".repeat(65) },
    { t: "welcome", grant: "", leaseMs: 40_000, seen: "x".repeat(300) },
  ];
  for (const frame of bad) {
    await visit({ subscribe: (victim) => victim.say(frame) }, async ({ ann }) => {
      await ann.until("disconnected");
      expect(ann.told).toEqual(["notice FRAME_MALFORMED", "disconnected"]);
    });
  }
});

test("a lease of nothing, or of a lifetime, is not taken", async () => {
  for (const leaseMs of [0, -1, 999, 1e12, 0.5]) {
    const tricks: Tricks = { login: (victim, frame) => victim.registry.welcome(victim, frame, { leaseMs }) };
    await visit(tricks, async ({ ann }) => ann.until("notice FRAME_MALFORMED"));
  }
});

test("one that tells everything again and again, and never comes to an end, is left", () =>
  visit(
    {
      subscribe(victim) {
        for (let n = 0; n < 1_000; n++) victim.say({ t: "snapshot" });
      },
    },
    async ({ ann }) => ann.until("notice REGISTRY_UNUSABLE"),
  ));

test("one that never says that everybody was told is used as far as it goes", () =>
  visit(
    {
      async subscribe(victim) {
        victim.say({ t: "snapshot" });
        victim.say(await victim.registry.entry(ben, { name: "ben" }));
      },
    },
    async ({ ann }) => {
      await ann.until("online ben");
      expect(ann.client.isConnected).toBe(false);
    },
  ));

test("a cursor that goes backwards repeats what is known, and that is no news", () =>
  visit(
    {
      async subscribe(victim) {
        const one = await victim.registry.entry(ben, { name: "ben" });
        tell(one)(victim);
        for (const position of [9, 3, 1]) victim.say({ ...one, cursor: `h.${position}` });
        victim.say(await victim.registry.entry(cat, { name: "cat" }));
      },
    },
    async ({ ann }) => {
      await ann.until("online cat");
      expect(ann.told).toEqual(["online ben", "connected", "online cat"]);
    },
  ));

test("one that lets everybody in and sends them away at once is not run against: the pauses grow", () =>
  visit(
    {
      async login(victim, frame) {
        await victim.registry.welcome(victim, frame);
        dismiss(victim);
      },
    },
    async ({ registry, ann, world }) => {
      await ann.until("disconnected");
      for (let second = 0; second < 120; second++) {
        await world.clock.advance(1_000);
        await someTurns();
      }
      expect(registry.dials).toBeLessThan(15);
      expect(ann.told.filter((line) => line.startsWith("notice"))).toEqual(["notice REGISTRY_REFUSED"]);
    },
  ));

test("errors without end are told once, and cannot drive a terminal", async () => {
  const texts: string[] = [];
  const tricks: Tricks = {
    subscribe(victim) {
      for (let n = 0; n < 1_000; n++) {
        victim.say({ t: "error", code: "NAME_TAKEN", message: `\u001b[2J\u009b31m\r\n\u202e${n}` });
      }
      tellNobody(victim);
    },
  };
  await visit(tricks, async ({ ann }) => {
    ann.client.on("notice", ({ message }) => texts.push(message));
    await ann.until("connected");
    expect(texts).toHaveLength(1);
    // eslint-disable-next-line no-control-regex -- control characters are what this is about
    expect(texts[0]).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u202e]/);
  });
  await using registry = await HostileRegistry.open({
    asked: () => Response.json({ error: { code: "USAGE", message: "\u001b[2J" } }, { status: 400 }),
  });
  const error: unknown = await lookUp(registry.url).catch((failure: unknown) => failure);
  expect(String(error)).toContain(String.raw`says: \u001b[2J`);
});

test("a record that somebody else signed does not drive the number of one's own up; nor does one's own again", () =>
  visit(
    {
      async subscribe(victim) {
        const { heard } = victim.registry;
        const login = heard.find((frame) => frame.t === "login");
        const highest = await makeRecord(ben, { name: "ann", seq: Number.MAX_SAFE_INTEGER });
        const forged = `${login?.record.split(".", 1)[0]}.${highest.split(".").slice(1).join(".")}`;
        const stale = { t: "error", code: "RECORD_STALE", message: "old" };
        for (const last of [highest, forged, login?.record, "", undefined]) victim.say({ ...stale, last });
        tellNobody(victim);
      },
    },
    async ({ registry, ann, world }) => {
      await ann.until("connected");
      await world.clock.advance(1_000);
      expect(lastSeq(ann.memory, ann.identity.id)).toBe(1);
      expect(registry.heard.filter(({ t }) => t === "record")).toEqual([]);
    },
  ));

test("one that calls every record old has none signed in a circle", () =>
  visit(
    {
      record: (victim, { record }) => victim.say({ t: "error", code: "RECORD_STALE", message: "old", last: record }),
    },
    async ({ registry, ann, world }) => {
      await ann.until("connected");
      const card = { about: "new", commands: [] };
      ann.client.announce({ ...describe(ann), card });
      await world.clock.advance(100);
      await registry.until("record");
      for (let n = 0; n < 50; n++) {
        await world.clock.advance(100);
        await someTurns();
      }
      expect(registry.heard.filter(({ t }) => t === "record")).toHaveLength(1);
      expect(lastSeq(ann.memory, ann.identity.id)).toBe(2);
    },
  ));

async function minute({ clock }: Visit["world"]): Promise<void> {
  for (let tenth = 0; tenth < 600; tenth++) {
    await clock.advance(100);
    await someTurns(3);
  }
}

test("one that changes its mind all the time of where a peer answers has few records made", () => {
  let n = 0;
  const changeItsMind = (victim: Victim): void =>
    victim.say({ t: "reachable", reachable: n++ % 2 ? "no" : "yes", port: 9_278 });
  const tricks: Tricks = {
    login: (victim, frame) => victim.registry.welcome(victim, frame, { seen: "198.51.100.7" }),
    subscribe(victim) {
      tellNobody(victim);
      changeItsMind(victim);
    },
    record: changeItsMind,
  };
  return visit(tricks, async ({ ann, world }) => {
    await ann.until("connected");
    await minute(world);
    expect(lastSeq(ann.memory, ann.identity.id)).toBeLessThan(25);
  });
});

test("one that is always busy is sent a record once a second at most", () =>
  visit(
    {
      record(victim) {
        for (let n = 0; n < 100; n++) victim.say({ t: "error", code: "REGISTRY_BUSY", message: "later", after: 0 });
      },
    },
    async ({ registry, ann, world }) => {
      await ann.until("connected");
      ann.client.announce({ ...describe(ann), card: { about: "new", commands: [] } });
      const sent = (): number => registry.heard.filter(({ t }) => t === "record").length;
      const began = world.clock.steady();
      while (sent() < 2) await world.clock.advance(100);
      await minute(world);
      expect(sent()).toBeLessThanOrEqual(2 + (world.clock.steady() - began) / 1_000);
    },
  ));

test("a grant that is another's, or by another key, is not kept", async () => {
  const grants = [
    ({ registry }: Victim) => registry.grant("ann", ben.id),
    ({ registry }: Victim, id: PeerId) => registry.grant("ann", id, ben),
    ({ registry }: Victim, id: PeerId) => registry.grant("fox", id),
  ];
  for (const give of grants) {
    const tricks: Tricks = {
      async login(victim, frame) {
        const { id } = await openLogin(frame.login);
        await victim.registry.welcome(victim, frame, { grant: await give(victim, id) });
      },
    };
    await visit(tricks, async ({ registry, ann }) => {
      await ann.until("notice REGISTRY_UNUSABLE");
      expect(keptGrant(ann.memory, registry.key.id, "ann")).toBeUndefined();
      expect(pinnedKey(ann.memory, registry.url)).toBeUndefined();
    });
  }
});

test("one that sends its peers elsewhere is not followed", async () => {
  await using other = await HostileRegistry.open();
  const asked = ({ pathname, search }: URL): Response => Response.redirect(other.url + pathname + search);
  await visit({ asked }, async ({ ann }) => {
    await ann.until("disconnected");
    expect(other.dials).toBe(0);
    expect(other.heard).toEqual([]);
  });
});

test("one that passes a login on, with the other's own challenge, gets in nowhere", async () => {
  await using real = await openRegistry({ world: socketWorld() });
  const answer = Promise.withResolvers<string>();
  const inside = new Map<number, RawSession>();
  const tricks: Tricks = {
    async opened(victim) {
      const session = new RawSession(real.url, victim.dialled);
      inside.set(victim.number, session);
      victim.say(await session.next());
    },
    async login(victim, frame) {
      const session = inside.get(victim.number);
      session?.send(frame);
      const said = await session?.next();
      answer.resolve(said?.t === "error" ? said.code : String(said?.t));
    },
  };
  await visit(tricks, async () => expect(await answer.promise).toBe("REGISTRY_REFUSED"));
  for (const session of inside.values()) session[Symbol.dispose]();
});

test("one that never answers is given up, and so is one that has no word after the login", async () => {
  for (const tricks of [{ opened() {} }, { login() {} }] satisfies Tricks[]) {
    await visit(tricks, async ({ registry, ann, world }) => {
      while (registry.dials === 0) await new Promise((resolve) => setImmediate(resolve));
      await world.clock.advance(10_000);
      await ann.until("disconnected");
    });
  }
});

test("one that falls silent after that is given up when its lease has ended", () =>
  visit({ ping() {} }, async ({ ann, world }) => {
    await ann.until("connected");
    for (let second = 0; second < 60; second++) await world.clock.advance(1_000);
    await ann.until("disconnected");
  }));

test("one that says nonsense of where it sees a peer has nothing of it published", () =>
  visit(
    {
      login: (victim, frame) => victim.registry.welcome(victim, frame, { seen: "\u001b[2Jvictim.example" }),
      subscribe(victim) {
        victim.say({ t: "reachable", reachable: "yes", port: 25 });
        tellNobody(victim);
      },
    },
    async ({ registry, ann, world }) => {
      await ann.until("connected");
      await world.clock.advance(1_000);
      expect(registry.heard.filter(({ t }) => t === "record")).toEqual([]);
    },
  ));

test("a list of peers without an end, or one that goes in a circle, is not read on", async () => {
  let pages = 0;
  const ids = [ben.id, cat.id].sort();
  await using registry = await HostileRegistry.open({
    asked: (_url, { key }) => Response.json({ registry: key.id, peers: [], next: ids[++pages % 2] }),
  });
  expect(await lookUp(registry.url).catch((error: unknown) => error)).toMatchObject({ code: "REGISTRY_UNUSABLE" });
  expect(pages).toBeLessThanOrEqual(4);
});

function describe({ identity }: Watched) {
  return { id: identity.id, name: "ann", kind: "person" as const, addresses: [] };
}

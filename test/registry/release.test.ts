import { expect, test } from "bun:test";
import { createIdentity, type Identity } from "../../src/identity/identity.ts";
import { keptGrant, pinKey } from "../../src/registry/memory.ts";
import { signRelease } from "../../src/registry/proof.ts";
import { releaseName } from "../../src/registry/release.ts";
import type { Registry } from "../../src/registry/server.ts";
import { HostileRegistry } from "./hostile-registry.ts";
import { makeRecord, openRegistry, RawSession, socketWorld, watchedClient } from "./setting.ts";

const ann = await createIdentity();
const ben = await createIdentity();

/** Ann was online as fox, and has gone. Resolves to what she remembers. */
async function hadFox(registry: Registry): Promise<Map<string, string>> {
  const memory = new Map<string, string>();
  await using client = await watchedClient({ url: registry.url, name: "fox", identity: ann, memory });
  await client.until("connected");
  return memory;
}

async function asFox({ url }: { url: string }, who: Identity, seq: number, grant?: string): Promise<string> {
  using session = new RawSession(url);
  const answer = await session.logIn(who, { record: await makeRecord(who, { name: "fox", seq }), grant });
  return answer.t === "error" ? answer.code : answer.t;
}

function release(url: string, identity: Identity, memory = new Map<string, string>()): Promise<unknown> {
  const options = { url, name: "fox", identity, memory, world: socketWorld() };
  return releaseName(options).then(
    () => "released",
    (error: { code: string }) => error.code,
  );
}

test("a name that was given back is the next one's who asks, and the grant that was given for it is worth nothing", async () => {
  await using registry = await openRegistry();
  const memory = await hadFox(registry);
  const grant = keptGrant(memory, registry.id, "fox");
  expect(await asFox(registry, ben, 1)).toBe("NAME_TAKEN");
  expect(await release(registry.url, ann, memory)).toBe("released");
  expect(keptGrant(memory, registry.id, "fox")).toBeUndefined();
  expect(await asFox(registry, ben, 1)).toBe("welcome");
  expect(await asFox(registry, ann, 50, grant)).toBe("NAME_TAKEN");
});

test("who is online under a name that is given back goes, and may have it again like anybody", async () => {
  await using registry = await openRegistry();
  using session = new RawSession(registry.url);
  await session.logIn(ann, { record: await makeRecord(ann, { name: "fox" }) });
  expect(await release(registry.url, ann)).toBe("released");
  expect(await session.next()).toMatchObject({ t: "error" });
  expect(await asFox(registry, ann, 2)).toBe("welcome");
});

test("nobody gives back what another key holds, or what nobody does", async () => {
  await using registry = await openRegistry();
  expect(await release(registry.url, ann)).toBe("REGISTRY_REFUSED");
  await hadFox(registry);
  expect(await release(registry.url, ben)).toBe("REGISTRY_REFUSED");
  expect(await asFox(registry, ben, 1)).toBe("NAME_TAKEN");
});

test("a release that was overheard, or meant for another registry, gives nothing back", async () => {
  await using registry = await openRegistry();
  await hadFox(registry);
  const about = { id: ann.id, name: "fox" };
  const cases = [
    { nonce: "x".repeat(32), origin: registry.url },
    { origin: "http://elsewhere.example" },
    { origin: registry.url, registry: ben.id },
  ];
  for (const more of cases) {
    using session = new RawSession(registry.url);
    const { registry: id, nonce } = await session.challenge();
    const body = { ...about, registry: id, nonce, ...more };
    session.send({ t: "release", release: await signRelease(body, ann.privateKey) });
    expect(await session.next()).toMatchObject({ t: "error", code: "REGISTRY_REFUSED" });
  }
  expect(await asFox(registry, ben, 1)).toBe("NAME_TAKEN");
});

test("a registry that is another one than before, does not answer, or answers something else is told apart", async () => {
  await using hostile = await HostileRegistry.open();
  const memory = new Map<string, string>();
  pinKey(memory, hostile.url, ben.id);
  expect(await release(hostile.url, ann, memory)).toBe("REGISTRY_CHANGED");
  expect(hostile.heard).toEqual([]);
  expect(await release("http://127.0.0.1:1", ann)).toBe("REGISTRY_UNREACHABLE");
  await using odd = await HostileRegistry.open({
    opened: (victim) => victim.say({ t: "pong" }),
  });
  expect(await release(odd.url, ann)).toBe("REGISTRY_UNUSABLE");
});

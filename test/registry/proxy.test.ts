import { expect, test } from "bun:test";
import { createIdentity } from "../../src/identity/identity.ts";
import { RegistryClient } from "../../src/registry/client.ts";
import { keepPass, keptPass, pinKey } from "../../src/registry/memory.ts";
import { lookUp } from "../../src/registry/lookup.ts";
import { callerAddress, parseProxies } from "../../src/registry/proxy.ts";
import { LocalDoor } from "../../src/registry/local-door.ts";
import { openRegistry, socketWorld, temporaryFolder, watchedClient } from "./setting.ts";

const loopback = new Set(["127.0.0.1"]);

test("whom a trusted proxy saw is who asks, whatever was said before it", () => {
  expect(callerAddress("127.0.0.1", "10.9.9.9, 192.0.2.7", loopback)).toBe("192.0.2.7");
  expect(callerAddress("127.0.0.1", "10.9.9.9, 192.0.2.7, 127.0.0.1", loopback)).toBe("192.0.2.7");
  expect(callerAddress("::ffff:127.0.0.1", "192.0.2.7:4711", loopback)).toBe("192.0.2.7");
  expect(callerAddress("127.0.0.1", "[2001:db8::7]:4711", loopback)).toBe("2001:db8::7");
});

test("nobody but a trusted proxy is believed, and nonsense is not", () => {
  expect(callerAddress("192.0.2.7", "127.0.0.1", loopback)).toBe("192.0.2.7");
  expect(callerAddress("127.0.0.1", "192.0.2.7", new Set())).toBe("127.0.0.1");
  expect(callerAddress("127.0.0.1", "unknown, <b>", loopback)).toBe("127.0.0.1");
  expect(callerAddress("127.0.0.1", null, loopback)).toBe("127.0.0.1");
});

test("proxies are addresses, with commas between", () => {
  expect(parseProxies("127.0.0.1, ::1")).toEqual(["127.0.0.1", "::1"]);
  expect(() => parseProxies("nginx.lab")).toThrow(expect.objectContaining({ code: "USAGE" }));
});

test("behind a proxy the limits hold for each address that it saw", async () => {
  await using registry = await openRegistry({
    proxies: ["127.0.0.1"],
    world: socketWorld(),
    limits: { requestsPerMinute: 2 },
  });
  const ask = async (forwarded: string): Promise<number> => {
    return (await fetch(`${registry.url}/v1/peers`, { headers: { "x-forwarded-for": forwarded } })).status;
  };
  const [one, another] = ["192.0.2.7", "192.0.2.8"];
  expect([await ask(one), await ask(one), await ask(one), await ask(another)]).toEqual([200, 200, 429, 200]);
  expect(await ask(`192.0.2.9, ${one}`)).toBe(429); // it may say what it likes
});

test("a closed registry is read by its own machine and by whom it lets in, and says no name to anybody else", async () => {
  await using folder = await temporaryFolder();
  const options = { proxies: ["127.0.0.1"], folder: folder.path, isClosed: true };
  await using registry = await openRegistry(options);
  await using door = await LocalDoor.open(folder.path, socketWorld());
  const identity = await createIdentity();
  await door.allow(identity.id);
  await using peer = await watchedClient({ url: registry.url, name: "ann", identity });
  await peer.until("connected");
  const pass = keptPass(peer.memory, registry.id) ?? "";
  const ask = async (path: string, headers: Record<string, string>): Promise<number> => {
    return (await fetch(registry.url + path, { headers })).status;
  };
  const afar = { "x-forwarded-for": "192.0.2.7" };
  const secrets = ["/", "/v1/peers", `/v1/peers/${identity.id}`, "/v1/commands", "/v1/events", "/v1/series"];
  for (const path of secrets) expect([path, await ask(path, afar)]).toEqual([path, 403]);
  for (const path of ["/healthz", "/readyz", "/v1/registry", "/v1/limits"]) expect(await ask(path, afar)).toBe(200);
  expect(await ask("/v1/peers", {})).toBe(200);
  expect(await ask("/v1/peers", { ...afar, authorization: `Bearer ${pass}` })).toBe(200);
  const other = await createIdentity();
  await door.allow(other.id);
  const forged = `Bearer ${other.id}.${pass.split(".")[1]}`;
  expect(await ask("/v1/peers", { ...afar, authorization: forged })).toBe(403);
  expect((await lookUp(registry.url, {}, { pass })).entries).toHaveLength(1);
  await door.block(identity.id);
  expect(await ask("/v1/peers", { ...afar, authorization: `Bearer ${pass}` })).toBe(403);
  await registry[Symbol.asyncDispose]();
  await using open = await openRegistry({ ...options, readers: "everyone" });
  expect((await fetch(`${open.url}/v1/peers`, { headers: afar })).status).toBe(200);
});

test("what its operator says of reading is heeded within a second", async () => {
  await using folder = await temporaryFolder();
  const world = socketWorld();
  await using registry = await openRegistry({ proxies: ["127.0.0.1"], folder: folder.path, world });
  await using door = await LocalDoor.open(folder.path, world);
  const ask = async (): Promise<number> => {
    await world.clock.advance(1_000);
    return (await fetch(`${registry.url}/v1/peers`, { headers: { "x-forwarded-for": "192.0.2.7" } })).status;
  };
  expect(await ask()).toBe(200);
  await door.close();
  expect(await ask()).toBe(403);
  await door.open();
  expect(await ask()).toBe(200);
});

test("a peer looks others up by the pass that this very registry gave it", async () => {
  const asked: (string | null)[] = [];
  await using registry = await openRegistry();
  using watcher = Bun.serve({
    port: 0,
    fetch(request) {
      asked.push(request.headers.get("authorization"));
      return fetch(registry.url + new URL(request.url).pathname);
    },
  });
  const memory = new Map<string, string>();
  const url = `http://127.0.0.1:${watcher.port}`;
  await using client = new RegistryClient({ url, identity: await createIdentity(), memory });
  keepPass(memory, registry.id, "of.ours");
  await client.find({}); // whose key it is, is not known yet
  pinKey(memory, url, registry.id);
  await client.find({});
  expect(asked).toEqual([null, "Bearer of.ours"]);
});

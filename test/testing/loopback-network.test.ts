import { expect, test } from "bun:test";
import { existsSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Address } from "../../src/base/ids.ts";
import { definePlugin } from "../../src/bot/plugin.ts";
import { openPeer } from "../../src/warren.ts";
import { createTestWarren } from "../../src/testing/kit.ts";

const NAME = `placed-${crypto.randomUUID().slice(0, 8)}`; // tests of other processes run beside this one

/** A bot that knows where it listens, for the test to look there. */
const placed = (seen: Address[]) =>
  definePlugin({
    name: NAME,
    about: "knows where it is",
    setup: (bot) =>
      bot.on("message", async ({ reply }) => {
        const [self] = await bot.find({ name: NAME });
        seen.push(...(self?.addresses ?? []));
        await reply(bot.self.id);
      }),
  });

/** The temporary folder of the kit in which that bot runs. */
function home(): string | undefined {
  const folders = readdirSync(tmpdir()).filter((name) => name.startsWith("warren-test-"));
  return folders.map((name) => join(tmpdir(), name)).find((one) => existsSync(join(one, "bots", NAME)));
}

test("peers listen on a real port, with keys and databases on disk, and nothing of it is left", async () => {
  const seen: Address[] = [];
  const warren = await createTestWarren({ plugins: [placed(seen)], network: "loopback" });
  await warren.person("ann").says("where?", { to: NAME });
  const [address] = seen;
  expect(address?.host).toBe("127.0.0.1");
  const port = address?.port ?? 0;
  expect(readdirSync(join(home() ?? "", "bots", NAME))).toContain("key.pem");
  const connect = (): Promise<string> =>
    Bun.connect({ hostname: "127.0.0.1", port, socket: { data() {}, open: (socket) => socket.terminate() } }).then(
      () => "somebody is there",
      () => "nobody is there",
    );
  expect(await connect()).toBe("somebody is there");
  await warren[Symbol.asyncDispose]();
  expect([await connect(), home()]).toEqual(["nobody is there", undefined]);
});

async function idOf(seed: number): Promise<string | undefined> {
  await using warren = await createTestWarren({ plugins: [placed([])], seed, network: "loopback" });
  await warren.person("ann").says("who?", { to: NAME });
  return warren.person("ann").heard[0];
}

test("nothing is left on disk of a test that cannot end", async () => {
  const warren = await createTestWarren({ plugins: [placed([])], network: "loopback" });
  expect(home()).toBeString();
  warren.clock.settle = () => Promise.reject(new Error("the clock is broken"));
  expect(await warren[Symbol.asyncDispose]().catch(String)).toContain("the clock is broken");
  expect(home()).toBeUndefined();
});

test("the same seed gives the same peers", async () => {
  const seven = await idOf(7);
  expect(await idOf(7)).toBe(seven);
  expect(await idOf(8)).not.toBe(seven);
});

test("a peer from outside is answered, and holds nothing up", async () => {
  const seen: Address[] = [];
  await using warren = await createTestWarren({ plugins: [placed(seen)], network: "loopback" });
  await warren.person("ann").says("where?", { to: NAME });
  const outside = join(tmpdir(), `warren-outside-${crypto.randomUUID()}`);
  using _ = { [Symbol.dispose]: () => rmSync(outside, { recursive: true }) };
  await using stranger = await openPeer({ name: "eve", home: outside, host: "127.0.0.1", registry: "none" });
  const answer = Promise.withResolvers<string>();
  stranger.on("message", ({ text }) => answer.resolve(text));
  const state = { isOver: false };
  void stranger
    .send(`127.0.0.1:${seen[0]?.port}`, "and you?")
    .then(() => answer.promise)
    .then(() => (state.isOver = true));
  while (!state.isOver) await warren.quiet();
  await warren.person("ann").says("still there?", { to: NAME });
  expect(warren.person("ann").heard).toHaveLength(2);
});

import { expect, test } from "bun:test";
import { existsSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Address } from "../../src/base/ids.ts";
import { definePlugin } from "../../src/bot/plugin.ts";
import { openPeer } from "../../src/warren.ts";
import { createTestWarren } from "../../src/testing/kit.ts";

/** A bot that knows where it listens, for the test to look there. */
const placed = (seen: Address[]) =>
  definePlugin({
    name: "placed",
    about: "knows where it is",
    setup: (bot) =>
      bot.on("message", async ({ reply }) => {
        const [self] = await bot.find({ name: "placed" });
        seen.push(...(self?.addresses ?? []));
        await reply(bot.self.id);
      }),
  });

const folders = (): string[] => readdirSync(tmpdir()).filter((name) => name.startsWith("warren-test-"));

test("peers listen on a real port, with keys and databases on disk, and nothing of it is left", async () => {
  const before = new Set(folders());
  const seen: Address[] = [];
  const warren = await createTestWarren({ plugins: [placed(seen)], network: "loopback" });
  await warren.person("ann").says("where?", { to: "placed" });
  const [address] = seen;
  expect(address?.host).toBe("127.0.0.1");
  const port = address?.port ?? 0;
  const mine = folders().filter((name) => !before.has(name));
  const home = mine.map((name) => join(tmpdir(), name)).find((one) => existsSync(join(one, "bots", "placed")));
  expect(readdirSync(join(home ?? "", "bots", "placed"))).toContain("key.pem");
  const connect = (): Promise<string> =>
    Bun.connect({ hostname: "127.0.0.1", port, socket: { data() {}, open: (socket) => socket.terminate() } }).then(
      () => "somebody is there",
      () => "nobody is there",
    );
  expect(await connect()).toBe("somebody is there");
  await warren[Symbol.asyncDispose]();
  expect([await connect(), existsSync(home ?? "")]).toEqual(["nobody is there", false]);
});

async function idOf(seed: number): Promise<string | undefined> {
  await using warren = await createTestWarren({ plugins: [placed([])], seed, network: "loopback" });
  await warren.person("ann").says("who?", { to: "placed" });
  return warren.person("ann").heard[0];
}

test("the same seed gives the same peers", async () => {
  const seven = await idOf(7);
  expect(await idOf(7)).toBe(seven);
  expect(await idOf(8)).not.toBe(seven);
});

test("a peer from outside is answered, and holds nothing up", async () => {
  const seen: Address[] = [];
  await using warren = await createTestWarren({ plugins: [placed(seen)], network: "loopback" });
  await warren.person("ann").says("where?", { to: "placed" });
  const home = join(tmpdir(), `warren-outside-${crypto.randomUUID()}`);
  using _ = { [Symbol.dispose]: () => rmSync(home, { recursive: true }) };
  await using stranger = await openPeer({ name: "eve", home, host: "127.0.0.1", registry: "none" });
  const answer = Promise.withResolvers<string>();
  stranger.on("message", ({ text }) => answer.resolve(text));
  const state = { isOver: false };
  void stranger
    .send(`127.0.0.1:${seen[0]?.port}`, "and you?")
    .then(() => answer.promise)
    .then(() => (state.isOver = true));
  while (!state.isOver) await warren.quiet();
  await warren.person("ann").says("still there?", { to: "placed" });
  expect(warren.person("ann").heard).toHaveLength(2);
});

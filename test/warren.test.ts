import { expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { z } from "zod";
import { type Bot, definePlugin } from "../src/bot/plugin.ts";
import { openPeer } from "../src/warren.ts";

test("a plugin on a peer of one's own reaches the network", async () => {
  const home = await mkdtemp(join(tmpdir(), "warren-fetch-"));
  using server = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: () => new Response("hello") });
  try {
    await using peer = await openPeer({ name: "ann", home, host: "127.0.0.1", registry: "none" });
    const heard: string[] = [];
    const setup = async (bot: Bot): Promise<void> => void heard.push(await (await bot.fetch(server.url)).text());
    await using _ = await peer.use(definePlugin({ name: "web", about: "looks at the web", setup }));
    expect(heard).toEqual(["hello"]);
  } finally {
    await rm(home, { recursive: true });
  }
});

test("a plugin on a peer of one's own is given its configuration in code, checked as elsewhere", async () => {
  const home = await mkdtemp(join(tmpdir(), "warren-use-"));
  try {
    await using peer = await openPeer({ name: "ann", home, host: "127.0.0.1", registry: "none" });
    const seen: number[] = [];
    const plugin = definePlugin({
      name: "hook",
      about: "looks at its configuration",
      config: z.object({ port: z.number() }),
      setup: (bot) => void seen.push(bot.config.port),
    });
    await using _ = await peer.use(plugin, { config: { port: 80 } });
    expect(seen).toEqual([80]);
    expect(await peer.use(plugin).catch((error: unknown) => error)).toMatchObject({ code: "CONFIG_MISSING" });
    expect(await peer.use(plugin, { config: { port: "80" } }).catch(String)).toContain("config.port given in code");
  } finally {
    await rm(home, { recursive: true });
  }
});

test("how much a peer keeps is remembered, and is a size", async () => {
  const home = await mkdtemp(join(tmpdir(), "warren-keep-"));
  const shared = { name: "ann", home, host: "127.0.0.1", registry: "none" };
  try {
    const refused = await openPeer({ ...shared, keepHistory: "a lot" }).catch((error: unknown) => error);
    expect(refused).toMatchObject({ code: "USAGE" });
    const limits: string[] = [];
    for (const more of [{ keepHistory: "2 MiB" }, {}]) {
      await using peer = await openPeer({ ...shared, ...more });
      limits.push(peer.retention.limit);
    }
    expect(limits).toEqual(["2 MiB", "2 MiB"]);
  } finally {
    await rm(home, { recursive: true });
  }
});

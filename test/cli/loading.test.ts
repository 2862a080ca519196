/** What a command loads: the greater part of the time that it takes (docs/performance.md, one-shot). */
import { expect, test } from "bun:test";
import { join } from "node:path";
import { PEER_PROGRAM, TestHome } from "./processes.ts";

const MAX_FILES = 120; // of Warren; there are 106

/** The modules that a command has loaded when it ends. */
function loadedBy(home: TestHome, ...args: string[]): string[] {
  const command = [process.execPath, "--preload", join(import.meta.dir, "tell-loaded.ts"), PEER_PROGRAM, ...args];
  const { stderr, exitCode } = Bun.spawnSync(command, { env: home.environment, cwd: home.path, stdout: "ignore" });
  const [, modules] = /^LOADED (.*)$/m.exec(stderr.toString()) ?? [];
  if (modules === undefined) throw new Error(`it ended with ${exitCode}: ${stderr.toString()}`);
  return JSON.parse(modules) as string[];
}

test("sending a message loads no schemas, no certificates, no bots, and no more of Warren than it needs", async () => {
  await using home = await TestHome.make();
  const as = ["--registry", "none", "--name", "ann"];
  const id = "a".repeat(51);
  await home.run(["whoami", ...as]); // the first one makes a key
  const loaded = loadedBy(home, "send", `${id}a`, "hello", "--timeout", "0", ...as);
  expect(loaded.some((file) => file.endsWith("/src/peer/outbox.ts"))).toBe(true);
  const packages = loaded.flatMap((file) => /\/node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(file)?.[1] ?? []);
  expect([...new Set(packages)].toSorted()).toEqual(["commander", "nanoid"]);
  expect(loaded.filter((file) => file.endsWith("/src/bot/host.ts"))).toEqual([]);
  expect(loaded.filter((file) => file.includes("/src/")).length).toBeLessThanOrEqual(MAX_FILES);
});

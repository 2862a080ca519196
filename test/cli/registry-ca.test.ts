import { expect } from "bun:test";
import { join } from "node:path";
import { authority, withOpenssl } from "../registry/test-authority.ts";
import { openRegistry } from "../registry/setting.ts";
import { TestHome } from "./processes.ts";

withOpenssl(
  "with --registry-ca a peer, its bots and its commands use a registry of an authority of one's own",
  async () => {
    await using own = await authority();
    await own.issue("registry");
    await using registry = await openRegistry({ tls: own });
    await using home = await TestHome.make();
    const at = ["-r", registry.url, "--registry-ca", own.caFile];
    const bot = await home.putBot(
      "dice",
      `export default definePlugin({ name: "dice", about: "dice", setup(bot) {
      bot.command("roll", { about: "rolls", run: () => "4" });
    } });`,
    );
    const found = async () => await home.run(["find", "roll", ...at]);
    const peer = await home.peer("ann", ...at, "--bot", bot);
    for (let out = ""; !out.includes("dice");) ({ out } = await found());
    void peer.child.stdin.end();
    await peer.child.exited;
    expect(await home.run(["release", "ann", ...at])).toMatchObject({
      code: 0,
      out: expect.stringContaining("nobody's"),
    });
    const status = [process.execPath, join(import.meta.dir, "../../src/cli/registry.ts"), "status", "-r", registry.url];
    const asked = Bun.spawn(status, { env: { ...home.environment, WARREN_REGISTRY_CA: own.caFile }, stdout: "pipe" });
    expect([await asked.stdout.text(), await asked.exited]).toEqual([expect.stringContaining("ready"), 0]);
    const untrusted = await home.run(["find", "roll", "-r", registry.url]);
    expect(untrusted).toMatchObject({ code: 1, err: expect.stringContaining("--registry-ca <file>") });
    const missing = await home.run(["find", "roll", "-r", registry.url, "--registry-ca", "nowhere.pem"]);
    expect(missing).toMatchObject({ code: 1, err: expect.stringContaining("nowhere.pem cannot be read") });
  },
  60_000,
);

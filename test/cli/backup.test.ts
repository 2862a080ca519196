import { expect, test } from "bun:test";
import { readdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { openPeer } from "../../src/warren.ts";
import { TestHome } from "./processes.ts";

const LIMIT_MS = 60_000;

const keyOf = (place: TestHome): Promise<string> => readFile(join(place.path, "peers/ann/key.pem"), "utf8");

const COUNTER = `
  export default definePlugin({ name: "counter", about: "counts", setup(bot) {
    const counts = bot.store("counts");
    bot.on("message", async ({ reply }) => reply("no. " + await counts.update("n", (n = 0) => n + 1)));
  } });`;

test.concurrent(
  "a running bot is backed up, and restored when it does not run; it is the same peer and counts on from there",
  async () => {
    await using home = await TestHome.make();
    await home.putBot("counter", COUNTER);
    const ann = await home.peer("ann");
    await ann.sees("counter");
    ann.say({ do: "send", to: "counter", text: "one" });
    const first = await ann.next(({ text }) => text === "no. 1");
    const file = join(home.path, "counter.backup");
    const made = await home.run(["backup", "--for-bot", "counter", "counter.backup"]);
    expect(made).toMatchObject({ code: 0, err: "" });
    expect(made.out).toMatch(
      /counter\.backup: \d+ bytes, with the key of counter: whoever has the file can be counter\n$/,
    );
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect((await readdir(join(home.path, "bots", "counter"))).filter((name) => name.startsWith("snapshot"))).toEqual(
      [],
    );
    ann.say({ do: "send", to: "counter", text: "two" });
    await ann.next(({ text }) => text === "no. 2");

    const restore = (...more: string[]) => home.run(["restore", "--for-bot", "counter", file, ...more]);
    expect(await restore("--force")).toMatchObject({
      code: 1,
      err: "warren: counter is running: stop it, then restore\n",
    });
    ann.say({ do: "stop" });
    await ann.child.exited;
    const refused = await restore();
    expect(refused.code).toBe(1);
    expect(refused.err).toMatch(
      /^warren: counter is here already; --force replaces it, and loses all that was received, sent and stored since \S+Z, and what waits for others\n$/,
    );
    expect(await restore("--force")).toMatchObject({
      code: 0,
      out: expect.stringMatching(/^counter is as it was at \S+Z; what came after that is lost here\n$/),
    });
    const again = await home.peer("ann");
    await again.sees("counter");
    again.say({ do: "send", to: "counter", text: "three" });
    expect((await again.next(({ text }) => text === "no. 2"))["from"]).toEqual(first["from"]);
  },
  LIMIT_MS,
);

test.concurrent(
  "an identity that does not run goes to another home with its key, its history and its port",
  async () => {
    await using home = await TestHome.make();
    await using other = await TestHome.make();
    const ann = (...args: string[]) => home.run(args);
    expect(await ann("backup")).toMatchObject({ code: 1, err: expect.stringContaining("nobody has run here") });
    await using bob = await openPeer({
      name: "bob",
      home: join(home.path, "bob"),
      host: "127.0.0.1",
      registry: "none",
    });
    const at = `127.0.0.1:${bob.port}`;
    expect((await ann("-n", "ann", "-r", "none", "send", at, "hello")).code).toBe(0);
    await writeFile(join(home.path, "peers/ann/settings.json"), '{"port":0}\n');
    const file = join(home.path, "ann.backup");
    expect((await ann("backup", file)).code).toBe(0);
    expect(await ann("backup", file)).toMatchObject({ code: 1, err: expect.stringContaining("is there already") });

    expect(await other.run(["restore", "--for-bot", "ann", file])).toMatchObject({
      code: 1,
      err: `warren: ${file} is of the person ann: restore it with --name ann, or no name\n`,
    });
    expect((await other.run(["restore", file])).out).toMatch(/^ann is as it was at \S+Z\n$/);
    expect(await keyOf(other)).toBe(await keyOf(home));
    for (const part of ["key.pem", "peer.db", "settings.json"]) {
      expect((await stat(join(other.path, "peers/ann", part))).mode & 0o777).toBe(0o600);
    }
    const history = await other.run(["-r", "none", "history", bob.id]);
    expect(history).toMatchObject({ code: 0, out: expect.stringContaining("hello") });

    await writeFile(file, "not a backup\n");
    expect(await other.run(["restore", file])).toMatchObject({ code: 1, err: expect.stringContaining("is no backup") });
    expect(await ann("backup", "--for-bot", "ghost")).toMatchObject({
      code: 1,
      err: "warren: no bot named ghost has run here: --home says where to look\n",
    });
  },
  LIMIT_MS,
);

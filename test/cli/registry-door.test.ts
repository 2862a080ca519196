import { expect, setDefaultTimeout, test } from "bun:test";
import { join } from "node:path";
import { createIdentity } from "../../src/identity/identity.ts";
import { NatsServer, NATS_SERVER } from "../registry/nats-server.ts";
import { TestHome } from "./processes.ts";

setDefaultTimeout(60_000); // for as many at a time as there are tests here, each with several processes

const REGISTRY = join(import.meta.dir, "../../src/cli/registry.ts");

async function ran(home: TestHome, ...args: string[]) {
  const child = Bun.spawn([process.execPath, REGISTRY, ...args], {
    env: home.environment,
    stdout: "pipe",
    stderr: "pipe",
  });
  const [out, err, code] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
  return { out, err, code };
}

test.concurrent(
  "a peer with an invite comes into a registry that was closed while it ran, and is gone when it is blocked",
  async () => {
    await using home = await TestHome.make();
    const registry = Bun.spawn([process.execPath, REGISTRY, "--port", "0"], { env: home.environment, stdout: "pipe" });
    try {
      const url = await urlOf(registry.stdout);
      expect((await ran(home, "close")).out).toContain("closed: new keys need an invite");
      const without = await home.peer("ann", "-r", url, "--no-bots");
      await without.next(({ code }) => code === "INVITE_NEEDED");
      void without.child.stdin.end();
      await without.child.exited;
      const { invite } = JSON.parse((await ran(home, "--json", "invite", "laptop")).out) as { invite: string };
      const peer = await home.peer("ann", "-r", url, "--no-bots", "--invite", invite);
      const id = (await peer.next((event) => event.event === "ready"))["id"] as string;
      for (let out = ""; !out.includes(id);) ({ out } = await ran(home, "allow"));
      expect((await ran(home, "invites")).out).toMatch(/^\w{6} {2}used 1 of 1 {2}used up {2}laptop\n$/);
      await ran(home, "block", id);
      await peer.next(({ code }) => code === "KEY_BLOCKED");
      expect((await ran(home, "block")).out).toContain(id);
    } finally {
      registry.kill();
      await registry.exited;
    }
  },
);

test.concurrent("where no registry has run yet, it says so", async () => {
  await using home = await TestHome.make();
  expect((await ran(home, "close")).out).toMatch(/\nno registry has run in .*--home/);
  expect((await ran(home, "close")).out).not.toContain("no registry has run");
});

test.concurrent("what cannot be done is said, with what to do", async () => {
  await using home = await TestHome.make();
  const { id } = await createIdentity();
  for (const [args, word] of [
    [["invite", "--revoke", "nope"], "bun run registry invites"],
    [["unblock", id], "bun run registry block lists"],
    [["allow", id, "--remove"], "bun run registry allow"],
    [["block", "ann"], "52 characters"],
    [["invite", "--expires", "soon"], "as in 12h"],
  ] as const) {
    expect(await ran(home, ...args)).toMatchObject({ code: 2, out: "", err: expect.stringContaining(word) });
  }
});

test.skipIf(NATS_SERVER === undefined)(
  "of a registry that is two processes an invite lets one key in, and a blocked one is gone from whichever has it",
  async () => {
    await using nats = await NatsServer.start();
    await using home = await TestHome.make();
    const store = ["--store", nats.address, "--store-name", "lab"];
    expect(await ran(home, ...store, "invites")).toMatchObject({
      code: 2,
      err: expect.stringContaining("--store-name"),
    });
    const key = join(home.path, "registry/key.pem");
    await using processes = new AsyncDisposableStack();
    const start = async (...args: string[]): Promise<string> => {
      const command = [process.execPath, REGISTRY, "--port", "0", ...store, ...args];
      const child = Bun.spawn(command, { env: home.environment, stdout: "pipe" });
      processes.defer(async () => {
        child.kill();
        await child.exited;
      });
      return await urlOf(child.stdout);
    };
    const first = await start("--closed");
    const second = await start("--key", key);
    const { invite } = JSON.parse((await ran(home, ...store, "--json", "invite", "laptop")).out) as { invite: string };
    const come = async (name: string, url: string) => await home.peer(name, "-r", url, "--no-bots", "--invite", invite);
    const peers = await Promise.all([come("ann", first), come("ben", second)]);
    const ids = peers.map(({ seen }) => String(seen.find(({ event }) => event === "ready")?.["id"]));
    let [members, registered] = [[] as { id: string }[], 0];
    while (registered === 0) {
      ({ members } = JSON.parse((await ran(home, ...store, "--json", "allow")).out) as { members: { id: string }[] });
      registered = members.length;
    }
    expect(registered).toBe(1);
    const winner = ids.indexOf(String(members[0]?.id));
    await peers[1 - winner]?.next(({ code }) => code === "INVITE_INVALID");
    expect((await ran(home, ...store, "invites")).out).toContain("used 1 of 1  used up  laptop");
    await ran(home, ...store, "block", String(ids[winner]));
    expect(await peers[winner]?.next((event) => event.event === "error")).toMatchObject({ code: "KEY_BLOCKED" });
    for (const url of [first, second])
      expect(await (await fetch(`${url}/v1/peers`)).json()).toMatchObject({ peers: [] });
  },
);

/** Where a registry is, once it is ready. What it prints after that is read, too: it would end if nobody did. */
function urlOf(stream: ReadableStream<Uint8Array>): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  void (async () => {
    let text = "";
    for await (const chunk of stream) {
      text += Buffer.from(chunk).toString();
      const url = /registry ready at (\S+)\n/.exec(text)?.[1];
      if (url !== undefined) resolve(url);
    }
    reject(new Error(`it has ended: ${text}`));
  })();
  return promise;
}

import { expect, test } from "bun:test";
import { join } from "node:path";
import { createIdentity } from "../../src/identity/identity.ts";
import { TestHome } from "./processes.ts";

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

test("a peer with an invite comes into a registry that was closed while it ran, and is gone when it is blocked", async () => {
  await using home = await TestHome.make();
  const registry = Bun.spawn([process.execPath, REGISTRY, "--port", "0"], { env: home.environment, stdout: "pipe" });
  try {
    const url = (await firstLine(registry.stdout)).replace(/.* /, "");
    expect((await ran(home, "close")).out).toContain("closed: new keys need an invite");
    const without = await home.peer("ann", "-r", url, "--no-bots");
    expect(await without.next((event) => event.event === "error")).toMatchObject({ code: "INVITE_NEEDED" });
    void without.child.stdin.end();
    await without.child.exited;
    const { invite } = JSON.parse((await ran(home, "--json", "invite", "laptop")).out) as { invite: string };
    const peer = await home.peer("ann", "-r", url, "--no-bots", "--invite", invite);
    const id = (await peer.next((event) => event.event === "ready"))["id"] as string;
    for (let out = ""; !out.includes(id);) ({ out } = await ran(home, "allow"));
    expect((await ran(home, "invites")).out).toMatch(/^\w{6} {2}used 1 of 1 {2}used up {2}laptop\n$/);
    await ran(home, "block", id);
    expect(await peer.next((event) => event.event === "error")).toMatchObject({ code: "KEY_BLOCKED" });
    expect((await ran(home, "block")).out).toContain(id);
  } finally {
    registry.kill();
    await registry.exited;
  }
}, 20_000);

test("where no registry has run yet, it says so", async () => {
  await using home = await TestHome.make();
  expect((await ran(home, "close")).out).toMatch(/\nno registry has run in .*--home/);
  expect((await ran(home, "close")).out).not.toContain("no registry has run");
});

test("what cannot be done is said, with what to do", async () => {
  await using home = await TestHome.make();
  const { id } = await createIdentity();
  for (const [args, word] of [
    [["invite", "--revoke", "nope"], "bun run registry invites"],
    [["unblock", id], "bun run registry block lists"],
    [["allow", id, "--remove"], "bun run registry allow"],
    [["block", "ann"], "52 characters"],
    [["invite", "--expires", "soon"], "as in 12h"],
    [["invite", "--store", "nats://127.0.0.1"], "leave out --store"],
    [["--closed", "--store", "nats://127.0.0.1"], "leave out --store"],
  ] as const) {
    expect(await ran(home, ...args)).toMatchObject({ code: 2, out: "", err: expect.stringContaining(word) });
  }
}, 20_000);

async function firstLine(stream: ReadableStream<Uint8Array>): Promise<string> {
  let text = "";
  for await (const chunk of stream) {
    text += Buffer.from(chunk).toString();
    if (text.includes("\n")) break;
  }
  return text.split("\n", 1)[0] ?? "";
}

import { expect, test } from "bun:test";
import { TestHome } from "./processes.ts";

async function holderOf(home: TestHome, name: string): Promise<string | undefined> {
  const response = await fetch(`${home.registryUrl}/v1/peers?name=${name}`);
  return ((await response.json()) as { peers: { id: string }[] }).peers[0]?.id;
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

test("a name is handed on by one command, taken by another, and given back by a third", async () => {
  await using old = await TestHome.make();
  await using fresh = await TestHome.make(old);
  const host = await old.peer("host", "--no-bots");
  const before = await old.peer("fox", "--no-bots");
  while ((await holderOf(old, "fox")) === undefined) await turn();
  before.say({ do: "stop" });
  await before.child.exited;
  const { out } = await fresh.run(["whoami", "-n", "fox", "--json"]);
  const { id } = JSON.parse(out) as { id: string };
  const statement = (await old.run(["transfer", "fox", id])).out.trim();
  expect((await fresh.run(["take", "fox", `${statement}x`])).code).toBe(1);
  expect((await old.run(["take", "fox", statement])).err).toContain("ask for a transfer to that");
  expect((await fresh.run(["take", "fox", statement])).out).toStartWith("fox is taken over from ");
  const fox = await fresh.peer("fox", "--no-bots");
  while ((await holderOf(old, "fox")) !== id) await turn();
  expect((await fresh.run(["release", "fox"])).err).toContain("fox is running, and would claim the name again");
  fox.say({ do: "stop" });
  await fox.child.exited;
  const released = await fresh.run(["release", "fox", "--json"]);
  expect(JSON.parse(released.out)).toEqual({ event: "released", name: "fox", registry: old.registryUrl });
  expect(await holderOf(old, "fox")).toBeUndefined();
  expect((await fresh.run(["release", "fox"])).err).toContain("no registry at");
  expect((await fresh.run(["transfer", "hen", id])).err).toContain("there is no identity hen here");
  host.say({ do: "stop" });
  await host.child.exited;
}, 30_000);

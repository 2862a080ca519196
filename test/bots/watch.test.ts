import { describe, expect, spyOn, test } from "bun:test";
import { createTestWarren, type TestWarren } from "warren/testing";
import watch from "../../bots/watch.ts";
import { NETWORKS } from "./networks.ts";

const MINUTE = 60_000;
const PAGE = "https://a.example/health";

/** A warren in which ann may do what the bot can, and bob may not. */
async function open(warren: TestWarren, commands: Record<string, string[]> = {}, seconds = 60) {
  const [ann, bob] = [warren.person("ann"), warren.person("bob")];
  const allow = [await ann.id()];
  await warren.addBot(watch, { allow, commands, seconds });
  return { ann, bob, allow };
}

describe.each(NETWORKS)("%s", (network) => {
  test("whoever asked is told when a page goes down, how, and when it is back, and of nothing else", async () => {
    await using warren = await createTestWarren({ network, plugins: [] });
    const { ann } = await open(warren);
    warren.http.on(`GET ${PAGE}`, () => new Response("fine"));
    await ann.says(`watch add ${PAGE}`, { to: "watch" });
    const added = 'watch 1: you are told when it changes ("watch stop 1" ends it)';
    expect(ann.heard.toSorted()).toEqual([`${PAGE} is up (200)`, added].toSorted());
    const pass = async (minutes: number): Promise<void> => {
      await warren.clock.advance(minutes * MINUTE);
      await warren.quiet();
    };
    await pass(10);
    warren.http.on(`GET ${PAGE}`, () => new Response("no", { status: 503 }));
    await pass(10);
    await warren.restart("watch");
    await pass(10);
    warren.http.on(`GET ${PAGE}`, () => Promise.reject(Object.assign(new Error("no"), { code: "ECONNREFUSED" })));
    await pass(5);
    warren.http.on(`GET ${PAGE}`, async () => {
      await warren.clock.sleep(31_000);
      return new Response();
    });
    await pass(6);
    warren.http.on(`GET ${PAGE}`, () => new Response("fine"));
    await pass(10);
    expect(ann.heard.slice(2)).toEqual([
      `${PAGE} is down (503); it was up (200)`,
      `${PAGE} is down (ECONNREFUSED); it was down (503)`,
      `${PAGE} is down (TimeoutError); it was down (ECONNREFUSED)`,
      `${PAGE} is up (200); it was down (TimeoutError)`,
    ]);
    expect(warren.errors).toEqual([]);
  });
});

test("what is watched is listed and stopped, and is looked at as often as was said", async () => {
  await using warren = await createTestWarren({ plugins: [], http: { [`GET ${PAGE}`]: () => new Response() } });
  const { ann } = await open(warren);
  for (const text of [`add ${PAGE} 1h`, "list", "stop 2"]) await ann.says(text, { to: "watch" });
  await warren.clock.advance(150 * MINUTE);
  expect(warren.http.requests).toHaveLength(3);
  for (const text of ["stop 1", "list"]) await ann.says(text, { to: "watch" });
  await warren.clock.advance(150 * MINUTE);
  expect(warren.http.requests).toHaveLength(3);
  expect(ann.heard.slice(2)).toEqual([`1: ${PAGE} is up (200)`, "there is no such watch", "stopped", "nothing"]);
});

test("nobody else may do anything, and what somebody watched who may not any more is looked at no more", async () => {
  await using warren = await createTestWarren({ plugins: [], http: { [`GET ${PAGE}`]: () => new Response() } });
  const { ann, bob, allow } = await open(warren, { hello: ["echo", "hello"] });
  for (const text of [`watch add ${PAGE}`, "watch list", "watch stop 1", "run hello"])
    await bob.says(text, { to: "watch" });
  expect(bob.heard).toEqual(
    ["watch add", "watch list", "watch stop", "run"].map((what) => `you may not use "${what}"`),
  );
  expect(warren.http.requests).toEqual([]);

  await ann.says(`watch add ${PAGE}`, { to: "watch" });
  expect(warren.http.requests).toHaveLength(1);
  allow.splice(0, 1, await bob.id()); // as one edits warren.toml
  await warren.restart("watch");
  await warren.clock.advance(60 * MINUTE);
  expect(warren.http.requests).toHaveLength(1);
});

test("a redirect is told and not followed, and what is no web address is refused", async () => {
  await using warren = await createTestWarren({ plugins: [] });
  const { ann } = await open(warren);
  warren.http.on(`GET ${PAGE}`, () => Response.redirect("http://127.0.0.1:9277/"));
  await ann.says(`watch add ${PAGE}`, { to: "watch" });
  for (const url of ["file:///etc/passwd", "a.example"]) await ann.says(`watch add ${url}`, { to: "watch" });
  await ann.says(`watch add ${PAGE} 10s`, { to: "watch" });
  const [first, second, ...refusals] = ann.heard;
  expect([first, second]).toContain(`${PAGE} is up (302)`);
  expect(refusals).toEqual([
    expect.stringContaining("give the whole address: https://…"),
    expect.stringContaining("give the whole address: https://…"),
    expect.stringContaining("look every 1m to 7d"),
  ]);
  expect(warren.http.requests.map(({ url }) => url)).toEqual([PAGE]);
});

/** What ann hears of a command: a real process, which takes real time. */
async function run(warren: TestWarren, name: string): Promise<string | undefined> {
  const ann = warren.person("ann");
  const before = ann.heard.length;
  await ann.says(`run ${name}`, { to: "watch" });
  while (ann.heard.length === before) await warren.quiet();
  return ann.heard.at(-1);
}

const BUN = (code: string): string[] => [process.execPath, "-e", code];

test("a command of the configuration is run as it stands there, and no other", async () => {
  await using warren = await createTestWarren({ plugins: [] });
  await open(warren, {
    hello: ["echo", "$HOME; hello"],
    fail: BUN("console.log('oh'); process.exit(3)"),
    much: BUN("console.log('x'.repeat(100_000))"),
    struck: BUN("process.kill(process.pid, 'SIGTERM'); setInterval(() => {}, 1_000)"),
    silent: BUN(";"),
    secrets: BUN("console.log(Object.keys(process.env).filter((key) => key !== 'PATH' && key !== 'HOME'))"),
    missing: ["no-such-program"],
  });
  expect(await run(warren, "hello")).toBe("$HOME; hello");
  expect(await run(warren, "fail")).toBe("oh\n(exit code 3)");
  expect(await run(warren, "much")).toBe(`${"x".repeat(4_000)}\n(and more)`);
  expect(await run(warren, "struck")).toBe("(SIGTERM)");
  expect(await run(warren, "silent")).toBe("(it said nothing)");
  expect(await run(warren, "secrets")).toBe("[]");
  expect(await run(warren, "missing")).toContain("no-such-program");
  const others = "you can run: hello, fail, much, struck, silent, secrets, missing";
  for (const name of ["hello; rm -rf x", "constructor", "ls"]) expect(await run(warren, name)).toBe(others);
});

test("a command that takes too long is ended", async () => {
  await using warren = await createTestWarren({ plugins: [] });
  await open(warren, { endless: ["sleep", "3600"] }, 0.05);
  using spawn = spyOn(Bun, "spawn");
  expect(await run(warren, "endless")).toBe("(ended after 0.05 s)");
  const child = spawn.mock.results[0]?.value as Bun.Subprocess | undefined;
  await child?.exited;
  expect(child?.signalCode).toBe("SIGKILL");
});

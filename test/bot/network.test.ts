import { expect, test } from "bun:test";
import { Scope } from "../../src/base/scope.ts";
import { attachPlugin } from "../../src/bot/host.ts";
import { type Fetch, Network } from "../../src/bot/network.ts";
import { type Bot, definePlugin } from "../../src/bot/plugin.ts";
import { ManualClock } from "../../src/testing/manual-clock.ts";
import { ann, FakePeer } from "./fake-peer.ts";

/** A network that never answers, and shows what it is asked. */
function silentNetwork() {
  const asked: { input: unknown; init: RequestInit }[] = [];
  const fetch: Fetch = (input, init = {}) => {
    asked.push({ input, init });
    const { promise, reject } = Promise.withResolvers<Response>();
    init.signal?.addEventListener("abort", () => reject(init.signal?.reason));
    return promise;
  };
  return { asked, fetch };
}

function build() {
  const { asked, fetch } = silentNetwork();
  const scope = new Scope();
  const clock = new ManualClock();
  return { asked, scope, clock, network: new Network(fetch, clock, scope) };
}

const reasonOf = (promise: Promise<unknown>): Promise<string> => promise.then(() => "answered", String);

test("what is asked is passed on as it is, but for the time limit and the signal", async () => {
  const { asked, network, scope, clock } = build();
  const reason = reasonOf(network.fetch("https://a.example/", { method: "POST", body: "x", timeout: "1s" }));
  expect(asked).toEqual([
    { input: "https://a.example/", init: { method: "POST", body: "x", signal: expect.any(AbortSignal) } },
  ]);
  await scope.close();
  const late = reasonOf(network.fetch("https://a.example/"));
  await clock.settle();
  expect([await reason, await late]).toEqual(Array(2).fill("AbortError: the scope was closed"));
  expect(asked).toHaveLength(1);
});

test("a request ends with the signal that it was given, in its options or its Request", async () => {
  const { network } = build();
  const [first, second] = [new AbortController(), new AbortController()];
  const request = new Request("https://a.example/", { signal: second.signal });
  const reasons = [
    reasonOf(network.fetch("https://a.example/", { signal: first.signal })),
    reasonOf(network.fetch(request)),
  ];
  first.abort("one");
  second.abort("two");
  expect(await Promise.all(reasons)).toEqual(["one", "two"]);
});

test("a time limit is one of the bot's clock, and leaves no timer when the bot ends", async () => {
  const { network, clock, scope } = build();
  const reason = reasonOf(network.fetch("https://a.example/", { timeout: "10s" }));
  void reasonOf(network.fetch("https://a.example/", { timeout: "1h" }));
  await clock.advance(10_000);
  expect(await reason).toBe("TimeoutError: it was not done within 10s");
  await scope.close();
  expect(clock.untilNext).toBeUndefined();
  expect(await reasonOf(network.fetch("https://a.example/", { timeout: "soon" as never }))).toContain(
    "is not a duration",
  );
});

test("a request ends with the handler within which it was made, and others do not", async () => {
  const { network, clock } = build();
  const [one, two] = [new AbortController(), new AbortController()];
  const reasons = [one, two].map((work) =>
    network.within(work, async () => {
      await Promise.resolve();
      return await reasonOf(network.fetch("https://a.example/"));
    }),
  );
  await Promise.resolve();
  one.abort("given up");
  await clock.settle();
  expect(await reasons[0]).toBe("given up");
  two.abort("given up, too");
  await clock.settle();
  expect(await reasons[1]).toBe("given up, too");
});

async function attach(setup: (bot: Bot) => unknown) {
  const peer = new FakePeer();
  const { asked, fetch } = silentNetwork();
  await attachPlugin(definePlugin({ name: "dice", about: "rolls dice", setup }), peer, { fetch });
  const isAborted = (): boolean | undefined => asked[0]?.init.signal?.aborted;
  return { peer, isAborted };
}

test("what a handler fetches ends with the handler's signal", async () => {
  const { peer, isAborted } = await attach((bot) => bot.on("message", () => reasonOf(bot.fetch("https://a.example/"))));
  const handler = new AbortController();
  const answers = peer.hear("hi", { signal: handler.signal });
  await peer.clock.settle();
  expect(isAborted()).toBe(false);
  handler.abort();
  expect(isAborted()).toBe(true);
  await peer.clock.settle();
  await answers;
});

test("what a dialog fetches ends with the dialog", async () => {
  const { peer, isAborted } = await attach((bot) => {
    const ask = bot.dialog("ask", () => reasonOf(bot.fetch("https://a.example/")));
    bot.command("ask", { about: "begin", run: ({ from }) => ask.start(from) });
    bot.command("stop", { about: "end", run: ({ from }) => ask.cancel(from) });
  });
  await peer.hear("ask");
  await peer.clock.settle();
  expect(isAborted()).toBe(false);
  await peer.hear("!stop", { from: ann });
  expect(isAborted()).toBe(true);
});

test("what a job fetches ends with the run of the job", async () => {
  const { peer, isAborted } = await attach((bot) => bot.every("1h", () => reasonOf(bot.fetch("https://a.example/"))));
  await peer.clock.advance(3_600_000);
  expect(isAborted()).toBe(false);
  peer.tasks.close(); // as a commit that fails does
  expect(isAborted()).toBe(true);
});

test("a bot whose surroundings give it no network has none", async () => {
  const peer = new FakePeer();
  const plugin = definePlugin({
    name: "dice",
    about: "rolls dice",
    setup: (bot) => bot.on("message", async ({ reply }) => reply(await reasonOf(bot.fetch("https://a.example/")))),
  });
  await attachPlugin(plugin, peer);
  expect(await peer.hear("hi")).toEqual(["Error: this bot was given no network"]);
});

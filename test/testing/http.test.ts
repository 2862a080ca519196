import { expect, test } from "bun:test";
import { z } from "zod";
import { type Bot, definePlugin, type Plugin } from "../../src/bot/plugin.ts";
import { createTestWarren } from "../../src/testing/kit.ts";

const plugin = (setup: (bot: Bot) => unknown): Plugin =>
  definePlugin({ name: "web", about: "looks at the web", setup });

/** Answers `get <url>` with the status and the text, or with what went wrong. */
const getter = plugin((bot) =>
  bot.command("get", {
    about: "get a page",
    args: z.object({ url: z.string() }),
    async run({ args, reply }) {
      try {
        const response = await bot.fetch(args.url, { timeout: "10s" });
        await reply(`${response.status} ${response.url} ${await response.text()}`);
      } catch (error) {
        await reply(String(error));
      }
    },
  }),
);

test("what a bot fetches is answered by the test, and is there to be looked at", async () => {
  const poster = plugin((bot) =>
    bot.on("message", async ({ text, reply }) => {
      const init = { method: "post", body: JSON.stringify({ text }), headers: { Authorization: "Bearer hunter2" } };
      const response = await bot.fetch(new URL("https://api.example/say?loud#here"), init);
      await reply(
        `${response.status} ${response.headers.get("content-type")} ${JSON.stringify(await response.json())}`,
      );
    }),
  );
  await using warren = await createTestWarren({
    plugins: [poster],
    http: {
      "POST https://api.example/say?loud": async (request) => Response.json(await request.json(), { status: 201 }),
    },
  });
  const ann = warren.person("ann");
  await ann.says("hi", { to: "web" });
  expect(ann.heard).toEqual([expect.stringMatching(/^201 application\/json\S* \{"text":"hi"\}$/)]);
  const [request] = warren.http.requests;
  expect(request).toMatchObject({
    bot: "web",
    method: "POST",
    url: "https://api.example/say?loud",
    body: '{"text":"hi"}',
  });
  expect(request?.headers.get("authorization")).toBe("Bearer hunter2");
});

test("the latest answer for a request counts, and a star stands for anything", async () => {
  await using warren = await createTestWarren({ plugins: [getter] });
  const ann = warren.person("ann");
  warren.http.on("* https://*.example/*", ({ url }) => new Response(`all of ${url}`));
  warren.http.on("GET https://api.example", () => new Response("the root"));
  for (const url of ["https://api.example/", "https://api.example/x?y=1"]) await ann.says(`get ${url}`, { to: "web" });
  warren.http.on("GET https://api.example/", () => new Response("gone", { status: 410 }));
  await ann.says("get https://api.example/", { to: "web" });
  expect(ann.heard).toEqual([
    "200 https://api.example/ the root",
    "200 https://api.example/x?y=1 all of https://api.example/x?y=1",
    "410 https://api.example/ gone",
  ]);
});

test("a request that nothing answers fails at once, and says what is missing also where the bot says nothing", async () => {
  await using warren = await createTestWarren({ plugins: [getter] });
  warren.http.on("GET https://b.example/", () => new Response());
  const ann = warren.person("ann");
  await ann.says("get https://a.example/b", { to: "web" });
  const text =
    'GET https://a.example/b: this test answers GET https://b.example/; add warren.http.on("GET https://a.example/b", () => new Response("…"))';
  expect(ann.heard).toEqual([`Error: ${text}`]);
  expect(warren.errors).toEqual([`web: ${text}`]);
  expect(warren.http.requests).toHaveLength(1);
});

test("what is no request to be answered is refused", async () => {
  await using warren = await createTestWarren({ plugins: [] });
  for (const what of ["https://a.example/", "get https://a.example/", "GET /weather", "GET"]) {
    expect(() => warren.http.on(what, () => new Response())).toThrow(`"${what}" is no request: write a method and`);
  }
});

test("a network that fails is one whose answer throws, or is an error", async () => {
  await using warren = await createTestWarren({ plugins: [getter] });
  const ann = warren.person("ann");
  warren.http.on("GET https://a.example/", () => {
    throw new Error("ECONNREFUSED");
  });
  warren.http.on("GET https://b.example/", () => Response.error());
  for (const url of ["https://a.example/", "https://b.example/"]) await ann.says(`get ${url}`, { to: "web" });
  expect(ann.heard).toEqual(["Error: ECONNREFUSED", "TypeError: GET https://b.example/: the network failed"]);
});

test("an answer may come late, and too late, as the clock is turned", async () => {
  await using warren = await createTestWarren({ plugins: [getter] });
  const ann = warren.person("ann");
  for (const seconds of [9, 11]) {
    warren.http.on(`GET https://a.example/${seconds}`, async () => {
      await warren.clock.sleep(seconds * 1_000);
      return new Response("at last");
    });
    await ann.says(`get https://a.example/${seconds}`, { to: "web" });
  }
  expect(ann.heard).toEqual(["200 https://a.example/9 at last", "TimeoutError: it was not done within 10s"]);
});

test("a body comes in pieces, and the time limit holds for all of it", async () => {
  const reader = plugin((bot) =>
    bot.on("message", async ({ reply }) => {
      const response = await bot.fetch("https://a.example/", { timeout: "10s" });
      try {
        for await (const piece of response.body ?? []) await reply(new TextDecoder().decode(piece));
      } catch (error) {
        await reply(String(error));
      }
    }),
  );
  await using warren = await createTestWarren({ plugins: [reader] });
  warren.http.on("GET https://a.example/", () => {
    let count = 0;
    const pieces = new ReadableStream({
      async pull(body) {
        if (count > 0) await warren.clock.sleep(4_000);
        body.enqueue(new TextEncoder().encode(`piece ${++count}`));
      },
    });
    return new Response(pieces);
  });
  const ann = warren.person("ann");
  await ann.says("go", { to: "web" });
  expect(ann.heard).toEqual(["piece 1", "piece 2", "piece 3", "TimeoutError: it was not done within 10s"]);
});

test("redirects are followed as by fetch, or shown, or refused", async () => {
  const seen: string[] = [];
  const follower = plugin((bot) =>
    bot.on("message", async ({ text }) => {
      const [method = "", redirect = "", path = ""] = text.split(" ");
      const mode = redirect === "manual" || redirect === "error" ? redirect : "follow";
      const init = { method, redirect: mode, ...(method === "POST" && { body: "x" }) } as const;
      const response = await bot.fetch(`https://a.example/${path}`, init).catch(String);
      seen.push(typeof response === "string" ? response : `${response.status} ${response.url} ${response.redirected}`);
    }),
  );
  await using warren = await createTestWarren({ plugins: [follower] });
  for (const status of [302, 303, 307]) {
    const moved = () => new Response(null, { status, headers: { Location: "/new" } });
    warren.http.on(`* https://a.example/${status}`, moved);
  }
  warren.http.on("* https://a.example/new", ({ method }) => new Response(method));
  warren.http.on("* https://a.example/loop", () => Response.redirect("https://a.example/loop"));
  const ann = warren.person("ann");
  const said = ["GET follow 302", "POST follow 302", "POST follow 303", "POST follow 307", "GET manual 302"];
  for (const text of [...said, "GET error 302", "GET follow loop"]) await ann.says(text, { to: "web" });
  expect(seen).toEqual([
    ...Array.from({ length: 4 }, () => "200 https://a.example/new true"),
    "302 https://a.example/302 false",
    "TypeError: https://a.example/302 redirects to /new, which is refused",
    "TypeError: https://a.example/loop redirects more than 20 times",
  ]);
  const followed = warren.http.requests.filter(({ url }) => url.endsWith("/new"));
  expect(followed.map(({ method, body }) => `${method} ${body}`.trim())).toEqual(["GET", "GET", "GET", "POST x"]);
});

test("a bot that was killed hears no more of what it has asked, and asks nothing more", async () => {
  const heard: string[] = [];
  const pause = Promise.withResolvers<void>();
  const clerk = plugin((bot) =>
    bot.on("message", () => {
      void bot.fetch("https://a.example/before").then(({ url }) => heard.push(url));
      void pause.promise.then(() => bot.fetch("https://a.example/after")).then(({ url }) => heard.push(url));
    }),
  );
  await using warren = await createTestWarren({ plugins: [clerk] });
  const answer = Promise.withResolvers<Response>();
  warren.http.on("GET https://a.example/before", () => answer.promise);
  warren.http.on("GET https://a.example/after", () => new Response());
  await warren.person("ann").says("go", { to: "web" });
  await warren.restart("web");
  answer.resolve(new Response());
  pause.resolve();
  await warren.quiet();
  expect(warren.http.requests.map(({ url }) => url)).toEqual(["https://a.example/before"]);
  expect(heard).toEqual([]);
});

test("a bot may fetch while it is set up", async () => {
  const early = plugin(async (bot) => {
    const motto = await (await bot.fetch("https://a.example/motto")).text();
    bot.on("message", ({ reply }) => reply(motto));
  });
  await using warren = await createTestWarren({
    plugins: [early],
    http: { "GET https://a.example/motto": () => new Response("slow and steady") },
  });
  const ann = warren.person("ann");
  await ann.says("hm?", { to: "web" });
  expect(ann.heard).toEqual(["slow and steady"]);
});

const watchman = (name: string): Plugin =>
  definePlugin({
    name: "web",
    about: name,
    setup(bot) {
      const report = async (): Promise<void> => {
        const state = await bot.fetch("https://a.example/").then(
          () => "up",
          () => "down",
        );
        await bot.send("ann", `${name}: ${state}`);
      };
      const later = bot.job("later", report);
      const ask = bot.dialog("ask", report);
      bot.on("message", async ({ from }) => {
        await later.in("0s");
        await ask.start(from);
      });
    },
  });

test("a job or a dialog that ends with its bot does not take that for a bad network", async () => {
  await using warren = await createTestWarren({ plugins: [watchman("old")] });
  warren.http.on("GET https://a.example/", () => new Promise(() => {}));
  const ann = warren.person("ann");
  await ann.says("go", { to: "web" });
  expect(warren.http.requests).toHaveLength(2);
  warren.http.on("GET https://a.example/", () => new Response());
  await warren.reload("web", watchman("new"));
  await warren.quiet();
  expect(ann.heard).toEqual(["new: up", "new: up"]);
  expect(warren.errors).toEqual([]);
});

const asker = (name: string): Plugin =>
  definePlugin({
    name: "web",
    about: name,
    setup(bot) {
      bot.on("message", async ({ signal, reply }) => {
        try {
          await bot.fetch("https://a.example/");
          await reply(`${name}: up`);
        } catch {
          signal.throwIfAborted();
          await reply(`${name}: down`);
        }
      });
    },
  });

test("a handler that lets the end of its bot pass is run again by the next, and nobody is at fault", async () => {
  await using warren = await createTestWarren({ plugins: [asker("old")] });
  let isUp = false;
  warren.http.on("GET https://a.example/", async () => {
    if (!isUp) await warren.clock.sleep(60_000);
    return new Response();
  });
  const ann = warren.person("ann");
  const saying = ann.says("go", { to: "web" });
  while (warren.http.requests.length === 0) await warren.clock.advance(1);
  isUp = true;
  await warren.reload("web", asker("new"));
  await saying;
  expect(ann.heard).toEqual(["new: up"]);
  expect(warren.errors).toEqual([]);
});

test("a bot that ends has left no request running", async () => {
  const outcomes: string[] = [];
  const forgetful = plugin((bot) => {
    bot.on("message", () => {
      bot.fetch("https://a.example/", { timeout: "1h" }).then(
        () => outcomes.push("answered"),
        (error: unknown) => outcomes.push(String(error)),
      );
    });
  });
  await using warren = await createTestWarren({ plugins: [forgetful] });
  warren.http.on("GET https://a.example/", () => {
    setTimeout(() => {}, 60_000).unref(); // of the test, not of the bot
    return new Promise(() => {});
  });
  await warren.person("ann").says("go", { to: "web" });
  await warren.end("web");
  expect(await warren.leaks()).toEqual([]);
  expect(outcomes).toEqual(["AbortError: the scope was closed"]);
});

import { afterAll, expect, test } from "bun:test";
import type { Card } from "../../src/base/card.ts";
import { createIdentity } from "../../src/identity/identity.ts";
import { Browser, noBrowser } from "./browser.ts";
import { makeRecord, openRegistry, RawSession } from "./setting.ts";

const LIMIT_MS = 30_000;
const PLENTY = { sessionsPerMinute: 10_000, maxUnknownPerAddress: 1_000, requestsPerMinute: 100_000 };

if (noBrowser !== undefined) console.warn(`the page of the registry is not tested in a browser: ${noBrowser}`);

const browser = noBrowser === undefined ? await Browser.start() : undefined;
afterAll(async () => await browser?.[Symbol.asyncDispose]());

function inBrowser(run: (browser: Browser) => Promise<void>): () => Promise<void> {
  return async () => {
    if (browser) await run(browser);
  };
}

const integer = (more: object) => ({ type: "integer", minimum: -9_007_199_254_740_991, ...more });
const DICE: Card = {
  about: "rolls dice",
  commands: [
    {
      name: "roll",
      about: "roll some dice",
      args: {
        type: "object",
        properties: {
          sides: integer({ minimum: 2, default: 20 }),
          times: integer({ minimum: 1, maximum: 100, default: 3 }),
          loud: { type: "boolean", default: false },
        },
      },
    },
    {
      name: "bet",
      about: "bet on a number",
      args: {
        type: "object",
        properties: {
          onWhat: { type: "string", enum: ["odd", "even"] },
          against: { type: "string", format: "peer" },
          in: { type: "string", format: "duration" },
          why: { type: "string" },
        },
        required: ["onWhat", "against", "why"],
      },
    },
  ],
};
const HOSTILE: Card = {
  about: `<img src=x onerror="document.title='owned'">`,
  commands: [
    {
      name: "pwn",
      about: "<script>document.title='owned'</script>",
      args: { type: "object", properties: { "<b>": { type: "string", default: "<u>'\"", description: "<i>x</i>" } } },
    },
  ],
};

async function logIn(url: string, name: string, card?: Card): Promise<RawSession> {
  const who = await createIdentity();
  const session = new RawSession(url);
  const kind = card ? "bot" : "person";
  const record = await makeRecord(who, { name, kind, ...(card && { card }) });
  expect(await session.logIn(who, { record })).toMatchObject({ t: "welcome" });
  return session;
}

const TEXTS = (selector: string): string =>
  `[...document.querySelectorAll("${selector}")].map((one) => one.textContent)`;
const LIVE = `document.getElementById("state").textContent === "live"`;

test("a browser is given a page that may ask nobody but the registry, everybody else is given text", async () => {
  await using registry = await openRegistry();
  const page = await fetch(registry.url, { headers: { accept: "text/html,application/xhtml+xml,*/*;q=0.8" } });
  expect(page.headers.get("content-type")).toBe("text/html; charset=utf-8");
  const policy = page.headers.get("content-security-policy") ?? "";
  expect(policy).toStartWith("default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'");
  expect(policy).not.toContain("unsafe");
  const text = await fetch(registry.url);
  expect([text.headers.get("content-type"), text.headers.get("vary")]).toEqual(["text/plain; charset=utf-8", "accept"]);
  for (const [path, type] of [
    ["/page.css", "text/css; charset=utf-8"],
    ["/page.js", "text/javascript; charset=utf-8"],
  ]) {
    const file = await fetch(registry.url + path);
    expect([file.headers.get("content-type"), file.headers.get("content-security-policy")]).toEqual([
      type ?? "",
      policy,
    ]);
    const all = await file.text();
    expect(all.match(/https?:\/\/(?!www\.w3\.org\/2000\/svg)/g)).toBeNull(); // no address of anybody else
  }
  const html = await page.text();
  expect(html).not.toMatch(/ style=| on[a-z]+=|<script>|<style>|https?:/);
  const again = await fetch(registry.url, {
    headers: { accept: "text/html", "if-none-match": page.headers.get("etag") ?? "" },
  });
  // A browser takes the headers of a 304 for those of what it keeps: a stricter policy would stop the page's own script.
  expect([again.status, again.headers.get("content-security-policy")]).toEqual([304, null]);
});

test.skipIf(browser === undefined)(
  "the page says who is online, and how to ask each bot",
  inBrowser(async (view) => {
    await using registry = await openRegistry();
    using _ = await logIn(registry.url, "ann");
    using bot = await logIn(registry.url, "dice", DICE);
    for (let visit = 0; visit < 2; visit++) {
      await view.open(bot.url); // the second time from its cache
      await view.until(LIVE);
      await view.until(`document.getElementById("online-title").textContent === "1 person and 1 bot online"`);
    }
    expect(await view.ask<string[]>(TEXTS("#people h3"))).toEqual(["ann"]);
    expect(await view.ask<string[]>(TEXTS("#people .address"))).toEqual(["127.0.0.1:9278"]);
    expect(await view.ask<string[]>(TEXTS("#bots h3, #bots > li > p"))).toEqual(["dice", "rolls dice"]);
    expect(await view.ask<string[]>(TEXTS("#bots code"))).toEqual([
      "roll --sides 20 --times 3 [--loud]",
      "bet --on-what odd --against <who> [--in 10m] <why>",
    ]);
    expect(await view.ask<string[]>(TEXTS("#bots .takes"))).toEqual([
      "sides: 2 or more, 20 if left out · times: 1 to 100, 3 if left out",
      "onWhat: odd or even · in: may be left out",
    ]);
    expect(await view.ask<string>(`document.getElementById("key").textContent`)).toBe(registry.id);
    expect(await view.ask<string>(`document.getElementById("join").textContent`)).toBe(
      `bun run peer -r ${registry.url}`,
    );
    expect(view.complaints).toEqual([]);
  }),
  LIMIT_MS,
);

test.skipIf(browser === undefined)(
  "who comes and who goes is seen without loading the page again",
  inBrowser(async (view) => {
    await using registry = await openRegistry({ limits: { graceMs: 0 } });
    await view.open(registry.url);
    await view.until(`${LIVE} && document.getElementById("online-title").textContent === "Nobody is here yet"`);
    await view.ask("void (window.sameLoad = true)");
    const bot = await logIn(registry.url, "dice", DICE);
    await view.until(`document.querySelector("#bots h3")?.textContent === "dice"`);
    bot[Symbol.dispose]();
    await view.until(`document.querySelector("#bots h3") === null`);
    expect(await view.ask<boolean>("window.sameLoad")).toBe(true);
  }),
  LIMIT_MS,
);

test.skipIf(browser === undefined)(
  "what peers say is text, whatever it looks like",
  inBrowser(async (view) => {
    await using registry = await openRegistry();
    using bot = await logIn(registry.url, "evil", HOSTILE);
    await view.open(bot.url);
    await view.until(`document.querySelector("#bots h3")?.textContent === "evil"`);
    expect(await view.ask<string[]>(TEXTS("#bots p"))).toEqual([
      HOSTILE.about,
      HOSTILE.commands[0]?.about ?? "",
      "<b>: <i>x</i>, <u>'\" if left out",
    ]);
    expect(await view.ask<number>(`document.querySelectorAll("#bots :is(img, script, b, u, i)").length`)).toBe(0);
    expect(await view.ask<string>("document.title")).toBe("Warren registry");
    const run = `(() => { const s = document.createElement("script"); s.textContent = "window.ran = 1"; document.body.append(s); return window.ran ?? 0 })()`;
    expect(await view.ask<number>(run)).toBe(0); // and if it were markup, the policy would still stop it
  }),
  LIMIT_MS,
);

const ODD: object[] = [
  { properties: { a: { type: "string", default: { toString: 1, valueOf: 1 } } } },
  { properties: { a: { type: "string", enum: [{ toString: null }, null, []] }, b: { const: { toString: 1 } } } },
  {
    properties: { a: { type: "string", format: "constructor" }, b: { type: "string", format: "__proto__" } },
    required: 5,
  },
  { properties: { a: null, b: 7, c: { type: ["string"], minimum: "x", maximum: {}, description: {} } } },
  { properties: null },
  { properties: "text" },
  {},
];

test.skipIf(browser === undefined)(
  "a bot whose schemas make no sense harms nothing but its own lines",
  inBrowser(async (view) => {
    await using registry = await openRegistry();
    const commands = ODD.map((args, n) => ({
      name: `odd${n}`,
      about: "",
      args: args as Card["commands"][number]["args"],
    }));
    using odd = await logIn(registry.url, "odd", { about: "", commands });
    using _ = await logIn(registry.url, "zoe", DICE);
    await view.open(odd.url);
    await view.until(`document.querySelectorAll("#bots > li").length === 2`);
    expect((await view.ask<string[]>(TEXTS("#bots code"))).slice(0, ODD.length)).toEqual([
      "odd0 [a]",
      `odd1 --a "{\\"toString\\":null}" --b "{\\"toString\\":1}"`,
      "odd2 [--a <a>] [--b <b>]",
      "odd3 [--a <a>] [--b <b>] [--c <c>]",
      "odd4",
      "odd5 [--0 <0>] [--1 <1>] [--2 <2>] [--3 <3>]",
      "odd6",
    ]);
    expect((await view.ask<string[]>(TEXTS("#bots .takes")))[0]).toBe('a: {"toString":1,"valueOf":1} if left out');
    expect(view.complaints).toEqual([]);
  }),
  LIMIT_MS,
);

test.skipIf(browser === undefined)(
  "a search leaves those with all of its words; a long list is shown in parts",
  inBrowser(async (view) => {
    await using registry = await openRegistry({ limits: PLENTY });
    const names = Array.from({ length: 250 }, (_, n) => `p${n}`);
    const sessions = await Promise.all(names.map((name) => logIn(registry.url, name)));
    sessions.push(await logIn(registry.url, "dice", DICE));
    await view.open(registry.url);
    await view.until(`document.querySelectorAll("#people > li").length === 100`);
    expect((await view.ask<string[]>(TEXTS("#people h3"))).slice(0, 3)).toEqual(["p0", "p1", "p2"]);
    expect(await view.ask<string>(`document.getElementById("people-more").textContent`)).toBe("Show 100 more of 250");
    await view.click("#people-more");
    await view.until(`document.querySelectorAll("#people > li").length === 200`);
    await view.click("#people-more");
    await view.until(`document.querySelectorAll("#people > li").length === 250`);
    expect(await view.ask<boolean>(`document.getElementById("people-more").hidden`)).toBe(true);
    await view.ask("scrollTo(0, 0)");
    await view.type("#words", "p24");
    await view.until(`document.querySelectorAll("#people > li").length === 11`);
    expect(await view.ask<string>(`document.getElementById("people-count").textContent`)).toBe("11 of 250");
    await view.type("#words", " nobody");
    await view.until(`!document.getElementById("people-none").hidden`);
    await view.ask(`(() => { document.getElementById("words").value = ""; })()`);
    await view.type("#words", "Dice bet");
    await view.until(
      `document.querySelectorAll("#bots > li").length === 1 && document.querySelector("#people > li") === null`,
    );
    for (const session of sessions) session[Symbol.dispose]();
  }),
  LIMIT_MS,
);

test.skipIf(browser === undefined)(
  "when a phone is turned upright nothing sticks out, also of what is out of sight",
  inBrowser(async (view) => {
    await using registry = await openRegistry();
    const bots = Array.from({ length: 30 }, (_, i) => logIn(registry.url, `bot-${i}`, DICE));
    const [bot] = await Promise.all(bots);
    const turn = (width: number, height: number): Promise<void> =>
      view.tell("Emulation.setDeviceMetricsOverride", { width, height, deviceScaleFactor: 1, mobile: true });
    await turn(844, 390);
    await view.open(bot?.url ?? "");
    await view.until(`document.querySelectorAll("#bots h3").length === 30`);
    await view.ask("scrollTo(0, document.documentElement.scrollHeight)");
    await view.until("scrollY > 0");
    await view.ask("scrollTo(0, 0)");
    await view.until("scrollY === 0");
    await turn(390, 844);
    await view.until("innerWidth === 390");
    expect(await view.ask<number>("document.documentElement.scrollWidth")).toBe(390);
    await view.tell("Emulation.clearDeviceMetricsOverride", {});
    for (const one of await Promise.all(bots)) one[Symbol.dispose]();
  }),
  LIMIT_MS,
);

test.skipIf(browser === undefined)(
  "on a phone nothing sticks out, in the dark it is dark, and every field has its label",
  inBrowser(async (view) => {
    await using registry = await openRegistry();
    const long = { about: "x".repeat(500), commands: [{ name: "a".repeat(32), about: "y".repeat(300), args: {} }] };
    using bot = await logIn(registry.url, "n".repeat(32), long);
    await view.tell("Emulation.setDeviceMetricsOverride", {
      width: 390,
      height: 844,
      deviceScaleFactor: 1,
      mobile: true,
    });
    for (const [scheme, isDark] of [
      ["light", false],
      ["dark", true],
    ] as const) {
      await view.tell("Emulation.setEmulatedMedia", { features: [{ name: "prefers-color-scheme", value: scheme }] });
      await view.open(bot.url);
      await view.until(`document.querySelector("#bots h3") !== null`);
      expect(await view.ask<number>("document.documentElement.scrollWidth")).toBe(390);
      const [red = 0] = /\d+/.exec(await view.ask<string>("getComputedStyle(document.body).backgroundColor")) ?? [];
      expect([scheme, Number(red) < 128]).toEqual([scheme, isDark]);
    }
    await view.tell("Emulation.clearDeviceMetricsOverride", {});
    expect(await view.ask<string>(`document.getElementById("words").labels[0].textContent`)).toMatch(/^Search/);
    expect(await view.ask<string>("document.documentElement.lang")).toBe("en");
  }),
  LIMIT_MS,
);

test.skipIf(browser === undefined)(
  "when the registry is away the page says so, and goes on by itself when it is back",
  inBrowser(async (view) => {
    const folder = await openRegistry();
    await view.open(folder.url);
    await view.until(LIVE);
    await folder[Symbol.asyncDispose]();
    await view.until(`document.getElementById("state").textContent.includes("away")`);
    await using again = await openRegistry({ port: folder.port });
    using _ = await logIn(again.url, "ann");
    await view.until(`${LIVE} && document.querySelector("#people h3")?.textContent === "ann"`);
  }),
  LIMIT_MS,
);

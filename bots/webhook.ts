import { createHash, timingSafeEqual } from "node:crypto";
import { definePlugin, secret, z } from "warren";

const MAX_BODY_BYTES = 65_536;
const MAX_TEXT_LENGTH = 4_000;

/** What is posted: a text, or JSON with one. */
const Body = z.union([
  z.object({ text: z.string().trim().min(1) }).transform(({ text }) => text),
  z.string().trim().min(1),
]);

/**
 * Passes on what a build, an alert or a script posts:
 * `curl -H "Authorization: Bearer $TOKEN" -d "the disk is full" http://127.0.0.1:8090/`
 */
export default definePlugin({
  name: "webhook",
  about: "passes on what is posted to it over HTTP",
  config: z.object({
    token: secret(),
    to: z.string().describe("who is told: a name or a peer id"),
    port: z.number().int().min(0).max(65_535).default(8_090),
    host: z.string().default("127.0.0.1"),
  }),
  setup(bot) {
    const { to, token, host: hostname, port } = bot.config;

    const server = Bun.serve({
      hostname,
      port,
      maxRequestBodySize: MAX_BODY_BYTES,
      async fetch(request) {
        if (request.method !== "POST")
          return new Response("post a text\n", { status: 405, headers: { Allow: "POST" } });
        if (!isSame(request.headers.get("authorization") ?? "", `Bearer ${token}`)) {
          return new Response("the token is missing or wrong\n", { status: 401 });
        }
        const body = Body.safeParse(parse(await request.text()));
        if (!body.success) return new Response('post a text, or {"text":"…"}\n', { status: 400 });
        try {
          await bot.send(to, body.data.slice(0, MAX_TEXT_LENGTH));
        } catch (error) {
          bot.log.warn(`nothing was passed on: ${String(error)}`);
          return new Response("it could not be passed on\n", { status: 502 });
        }
        return new Response("kept\n", { status: 202 }); // on disk: it arrives, whatever happens now
      },
    });
    bot.signal.addEventListener("abort", () => void server.stop(true));

    bot.command("where", { about: "where it listens", run: ({ reply }) => reply(server.url.href) });
  },
});

/** Takes the same time wherever the difference is. */
function isSame(given: string, wanted: string): boolean {
  return timingSafeEqual(digest(given), digest(wanted));
}

function digest(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}

/** An object or a list; anything else, "404" too, is a text as it is. */
function parse(body: string): unknown {
  try {
    const value: unknown = JSON.parse(body);
    return typeof value === "object" && value !== null ? value : body;
  } catch {
    return body;
  }
}

/** Replies: what every answer over HTTP has in common. A reply is a value until the server sends it, so that it can be counted. */
import type { ErrorCode } from "../base/errors.ts";
import { isPromiseLike } from "../base/in-turn.ts";

export interface Reply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | ReadableStream<Uint8Array> | null;
  /** Why it is a refusal, if it is one. */
  readonly code?: ErrorCode;
}

const HEADERS = {
  "cache-control": "no-store",
  "x-content-type-options": "nosniff",
  "content-security-policy": "default-src 'none'",
};

export function reply(type: string, body: Reply["body"], more: Readonly<Record<string, string>> = {}): Reply {
  return { status: 200, headers: { ...HEADERS, "content-type": type, ...more }, body };
}

export function json(body: object, status = 200): Reply {
  return { ...jsonText(JSON.stringify(body)), status };
}

export function jsonText(text: string): Reply {
  return reply("application/json", text);
}

export function plainText(text: string): Reply {
  return reply("text/plain; charset=utf-8", text);
}

export function refusal(status: number, code: ErrorCode, message: string, retryAfterMs?: number): Reply {
  const retryAfter = retryAfterMs === undefined ? undefined : Math.ceil(retryAfterMs / 1_000);
  const { headers, body } = json({ error: { code, message, ...(retryAfter !== undefined && { retryAfter }) } });
  return {
    status,
    headers: { ...headers, ...(retryAfter !== undefined && { "retry-after": String(retryAfter) }) },
    body,
    code,
  };
}

/**
 * Makes the answer only for who does not have it already; `edition` names the state that it would tell of. The tag is weak: ages
 * and signatures differ from answer to answer, and mean the same.
 */
export function unlessKnown(
  asked: string | null,
  edition: string,
  make: () => Promise<Reply> | Reply,
): Reply | Promise<Reply> {
  const headers = { etag: `W/"${edition}"`, "cache-control": "no-cache" };
  const known = asked?.split(",").map((tag) => tag.trim().replace(/^W\//, "")) ?? [];
  if (known.includes("*") || known.includes(`"${edition}"`)) {
    return { status: 304, headers, body: null }; // nothing more: what a 304 has of other headers replaces what the browser keeps
  }
  const tag = (made: Reply): Reply => ({ ...made, headers: { ...made.headers, ...headers } });
  const made = make();
  return isPromiseLike(made) ? made.then(tag) : tag(made);
}

export function toResponse({ status, headers, body }: Reply): Response {
  return new Response(body, { status, headers });
}

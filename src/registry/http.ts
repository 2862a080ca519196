/** The reading side: plain HTTP, so that `curl` is a client. Everything it says of a peer comes with the peer's signature. */
import { z } from "zod";
import { isWarrenError, WarrenError, type ErrorCode } from "../base/errors.ts";
import { formatAddress } from "../base/ids.ts";
import { parsePeerId } from "../identity/peer-id.ts";
import type { RegistryCore } from "./core.ts";
import { kindShape, nameShape, peerIdShape } from "./shapes.ts";

const DEFAULT_PAGE = 100;
const MAX_SHOWN = 1_000; // on the page for people

const HEADERS = {
  "cache-control": "no-store",
  "x-content-type-options": "nosniff",
  "content-security-policy": "default-src 'none'",
};

/** Answers a GET or HEAD request. Never throws for what a stranger asked. */
export async function answer(core: RegistryCore, url: URL): Promise<Response> {
  try {
    if (url.pathname === "/") return await frontPage(core);
    if (url.pathname === "/healthz") return json({ status: "ok" });
    if (url.pathname === "/v1/registry") return json(describe(core));
    if (url.pathname === "/v1/peers") return json(await listPeers(core, url.searchParams));
    const id = /^\/v1\/peers\/([^/]+)$/.exec(url.pathname)?.[1];
    if (id !== undefined) return json(await onePeer(core, id));
    return refusal(404, "USAGE", `there is nothing at ${url.pathname.slice(0, 100)}: try /v1/peers`);
  } catch (error) {
    if (!isWarrenError(error)) throw error;
    return refusal(error.code === "PEER_UNKNOWN" ? 404 : 400, error.code, error.message);
  }
}

export function refusal(status: number, code: ErrorCode, message: string, retryAfterMs?: number): Response {
  const seconds = retryAfterMs === undefined ? undefined : Math.ceil(retryAfterMs / 1_000);
  const headers = seconds === undefined ? HEADERS : { ...HEADERS, "retry-after": String(seconds) };
  const details = seconds === undefined ? {} : { retryAfter: seconds };
  return Response.json({ error: { code, message, ...details } }, { status, headers });
}

function json(body: object): Response {
  return Response.json(body, { headers: HEADERS });
}

function describe(core: RegistryCore): object {
  return { registry: core.id, protocol: 1, online: core.roster.size, limits: core.limits };
}

async function listPeers(core: RegistryCore, params: URLSearchParams): Promise<object> {
  const shape = z.strictObject({
    name: nameShape.optional(),
    kind: kindShape.optional(),
    command: z.string().min(1).max(32).optional(),
    online: z.stringbool({ truthy: ["true"], falsy: ["false"] }).optional(),
    after: peerIdShape.optional(),
    limit: z.coerce.number().int().min(1).max(core.limits.maxPage).default(DEFAULT_PAGE),
  });
  const query = shape.safeParse(Object.fromEntries(params));
  if (!query.success) {
    const issue = query.error.issues[0];
    const place = issue?.path.map(String).join(".") || "query";
    throw new WarrenError("USAGE", `${place}: ${issue?.message ?? "not understood"}`);
  }
  const { limit } = query.data;
  const peers = await core.peers({ ...query.data, limit: limit + 1 }); // one more says whether there is another page
  const page = peers.slice(0, limit);
  return { registry: core.id, peers: page, next: peers.length > limit ? page.at(-1)?.id : null };
}

async function onePeer(core: RegistryCore, text: string): Promise<object> {
  const peer = await core.peer(parsePeerId(text));
  if (!peer) throw new WarrenError("PEER_UNKNOWN", `no peer ${text} has registered here`);
  return { registry: core.id, peer };
}

async function frontPage(core: RegistryCore): Promise<Response> {
  const peers = await core.peers({ online: true, limit: MAX_SHOWN });
  const lines = peers.map(({ name, kind, addresses }) => {
    return `  ${name.padEnd(32)} ${kind.padEnd(6)} ${addresses.map(formatAddress).join(" ")}`;
  });
  const text = [
    "This is a Warren registry: it says who is online, where, and what each bot can do.",
    "Peers find it with: bun run peer -r <this address>. Programs read /v1/peers.",
    `Its key: ${core.id}`,
    "",
    core.roster.size === 0 ? "Nobody is online." : `Online now (${core.roster.size}):`,
    ...lines,
    "",
  ];
  return new Response(text.join("\n"), { headers: { ...HEADERS, "content-type": "text/plain; charset=utf-8" } });
}

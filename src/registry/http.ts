/** The reading side: plain HTTP, so that `curl` is a client. Everything it says of a peer comes with the peer's signature. */
import { z } from "zod";
import { isWarrenError, WarrenError } from "../base/errors.ts";
import { formatAddress } from "../base/ids.ts";
import { parsePeerId } from "../identity/peer-id.ts";
import { searchCommands } from "./command-search.ts";
import type { RegistryCore } from "./core.ts";
import { streamReply, type EventStreams } from "./event-streams.ts";
import { pageFile, wantsPage } from "./page.ts";
import { filterShape, readQuery } from "./query.ts";
import { EXPOSITION_TYPE } from "./metrics.ts";
import type { Readiness } from "./readiness.ts";
import type { Attendance } from "./registry-metrics.ts";
import { json, plainText, refusal, reply, unlessKnown, type Reply } from "./reply.ts";
import { SERIES_EVERY_MS, type Series } from "./series.ts";
import { peerIdShape } from "./shapes.ts";

const DEFAULT_PAGE = 100;
const DEFAULT_COMMANDS = 20;
const MAX_SHOWN = 1_000; // in the text for people

/** A GET or HEAD request. */
export interface Question {
  readonly url: URL;
  readonly headers: Headers;
  readonly isHead: boolean;
  /** Who asks. */
  readonly address: string;
}

export interface Reading {
  readonly core: RegistryCore;
  readonly streams: EventStreams;
  readonly series: Series;
  readonly readiness: Readiness;
  readonly attendance: () => Attendance;
  /** Whether whoever asks from `address`, with such an `Authorization`, may read of peers. */
  readonly admitsReader: (address: string, authorization: string | null) => boolean;
  /** Whether whoever asks from `address` may read the metrics. */
  readonly showsMetrics: (address: string) => boolean;
}

type Answer = (reading: Reading, question: Question) => Reply | Promise<Reply>;

const ANSWERS: Readonly<Record<string, Answer>> = {
  "/": async ({ core }, { headers }) => {
    const isPage = wantsPage(headers.get("accept"));
    const answered = await (isPage ? pageFile("page.html", headers.get("if-none-match")) : frontPage(core));
    return { ...answered, headers: { ...answered.headers, vary: "accept" } };
  },
  "/page.css": (_, { headers }) => pageFile("page.css", headers.get("if-none-match")),
  "/page.js": (_, { headers }) => pageFile("page.js", headers.get("if-none-match")),
  "/healthz": () => json({ status: "ok" }),
  "/readyz": async ({ readiness }) => {
    const faults = await readiness.faults();
    return faults.length === 0 ? json({ status: "ready" }) : json({ status: "not ready", faults }, 503);
  },
  "/metrics": ({ core, attendance, showsMetrics }, { address, isHead }) => {
    if (!showsMetrics(address)) {
      return refusal(
        403,
        "REGISTRY_REFUSED",
        "metrics are for this machine alone, unless it is started with --metrics everyone",
      );
    }
    return reply(EXPOSITION_TYPE, isHead ? null : core.metrics.text(attendance()));
  },
  "/v1/registry": ({ core }) => json(describe(core)),
  "/v1/series": ({ core, series }) => json({ registry: core.id, everyMs: SERIES_EVERY_MS, samples: series.samples() }),
  "/v1/limits": ({ core }) => json({ registry: core.id, limits: core.limits }),
  "/v1/peers": ({ core }, { url, headers }) => {
    const query = readPageQuery(core, url.searchParams);
    return unlessKnown(headers.get("if-none-match"), core.edition, async () => json(await listPeers(core, query)));
  },
  "/v1/commands": ({ core }, { url, headers }) => {
    const { q, limit } = readQuery(commandsShape(core.limits.maxCommands), url.searchParams);
    return unlessKnown(headers.get("if-none-match"), core.edition, () =>
      json({ registry: core.id, ...staleness(core), ...searchCommands(core.roster.present(), q, limit) }),
    );
  },
  "/v1/session": () => notAWebSocket(),
  "/v1/events": ({ streams }, { url, headers, isHead, address }) => {
    const { after, proof, ...filter } = readQuery(eventsShape, url.searchParams);
    if (isHead) return streamReply(null);
    return streams.open({ filter, after: headers.get("last-event-id") ?? after, address, hasProof: proof });
  },
};

/** What a closed registry says to everybody: nothing of its peers but how many there are. */
const PUBLIC: ReadonlySet<string> = new Set(["/healthz", "/readyz", "/metrics", "/v1/registry", "/v1/limits"]);

/** Never throws for what a stranger asked. */
export async function answer(reading: Reading, question: Question): Promise<Reply> {
  const { url, headers } = question;
  try {
    if (!PUBLIC.has(url.pathname) && !reading.admitsReader(question.address, headers.get("authorization"))) {
      return refusal(
        403,
        "INVITE_NEEDED",
        "this registry is closed: only peers that it lets in, and its own machine, may read",
      );
    }
    const known = Object.hasOwn(ANSWERS, url.pathname) ? ANSWERS[url.pathname] : undefined;
    if (known) return await known(reading, question);
    const id = /^\/v1\/peers\/([^/]+)$/.exec(url.pathname)?.[1];
    if (id !== undefined) return await onePeer(reading.core, id, headers);
    return refusal(404, "USAGE", `there is nothing at ${url.pathname.slice(0, 100)}: try /v1/peers`);
  } catch (error) {
    if (!isWarrenError(error)) throw error;
    return refusal(error.code === "PEER_UNKNOWN" ? 404 : 400, error.code, error.message);
  }
}

export function notAWebSocket(): Reply {
  const refused = refusal(426, "USAGE", "this is for WebSockets: see docs/registry.md");
  return { ...refused, headers: { ...refused.headers, upgrade: "websocket" } };
}

/** The name of a path in counts: strangers must not be able to make up new ones. */
export function routeOf(path: string): string {
  if (Object.hasOwn(ANSWERS, path)) return path;
  return path.startsWith("/v1/peers/") ? "/v1/peers/<id>" : "other";
}

const yesOrNo = z.stringbool({ truthy: ["true"], falsy: ["false"] });

const eventsShape = filterShape.extend({ after: z.string().max(64).optional(), proof: yesOrNo.default(true) });

const commandsShape = (most: number) =>
  z.strictObject({
    q: z.string().max(200).default(""),
    limit: z.coerce.number().int().min(1).max(most).default(Math.min(most, DEFAULT_COMMANDS)),
  });

/** Said while others may have changed what this process cannot see. */
function staleness({ isCurrent }: RegistryCore): { stale?: true } {
  return isCurrent ? {} : { stale: true };
}

function describe(core: RegistryCore): object {
  const closed = core.door.isClosed ? { closed: true } : {};
  return {
    registry: core.id,
    protocol: 1,
    online: core.roster.size,
    ...staleness(core),
    ...closed,
    limits: core.limits,
  };
}

function readPageQuery({ limits }: RegistryCore, params: URLSearchParams) {
  const shape = filterShape.extend({
    online: yesOrNo.optional(),
    after: peerIdShape.optional(),
    limit: z.coerce.number().int().min(1).max(limits.maxPage).default(DEFAULT_PAGE),
  });
  return readQuery(shape, params);
}

async function listPeers(core: RegistryCore, query: ReturnType<typeof readPageQuery>): Promise<object> {
  const { limit } = query;
  const peers = await core.peers({ ...query, limit: limit + 1 }); // one more says whether there is another page
  const page = peers.slice(0, limit);
  return { registry: core.id, ...staleness(core), peers: page, next: peers.length > limit ? page.at(-1)?.id : null };
}

async function onePeer(core: RegistryCore, text: string, headers: Headers): Promise<Reply> {
  const id = parsePeerId(text);
  return await unlessKnown(headers.get("if-none-match"), core.edition, async () => {
    const peer = await core.peer(id);
    if (!peer) throw new WarrenError("PEER_UNKNOWN", `no peer ${id} has registered here`);
    return json({ registry: core.id, ...staleness(core), peer });
  });
}

async function frontPage(core: RegistryCore): Promise<Reply> {
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
  return plainText(text.join("\n"));
}

/** The reading side: plain HTTP, so that `curl` is a client. Everything it says of a peer comes with the peer's signature. */
import { z } from "zod";
import { isWarrenError, WarrenError } from "../base/errors.ts";
import { formatAddress } from "../base/ids.ts";
import { inTurn, isPromiseLike } from "../base/in-turn.ts";
import { parsePeerId } from "../identity/peer-id.ts";
import { searchCommands } from "./command-search.ts";
import type { RegistryCore } from "./core.ts";
import { streamReply, type EventStreams } from "./event-streams.ts";
import { pageFile, wantsPage } from "./page.ts";
import { filterShape, readQuery } from "./query.ts";
import { EXPOSITION_TYPE } from "./metrics.ts";
import { peerText, withJson, type PeerView } from "./peer-text.ts";
import type { Readiness } from "./readiness.ts";
import type { Attendance } from "./registry-metrics.ts";
import { json, jsonText, plainText, refusal, reply, unlessKnown, type Reply } from "./reply.ts";
import { SERIES_EVERY_MS, type Series } from "./series.ts";
import { peerIdShape } from "./shapes.ts";

const DEFAULT_PAGE = 100;
const DEFAULT_COMMANDS = 20;
const MAX_SHOWN = 1_000; // in the text for people

/** What is asked for. */
export interface Target {
  readonly path: string;
  /** What stands behind the question mark, read when it is wanted: most are asked for without. */
  readonly params: () => URLSearchParams;
}

/** A GET or HEAD request. */
export interface Question extends Target {
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
  "/v1/peers": ({ core }, { params, headers }) => {
    const query = readPageQuery(core, params());
    return unlessKnown(headers.get("if-none-match"), core.edition, () => listPeers(core, query));
  },
  "/v1/commands": ({ core }, { params, headers }) => {
    const { q, limit } = readQuery(commandsShape(core.limits.maxCommands), params());
    return unlessKnown(headers.get("if-none-match"), core.edition, () =>
      json({ registry: core.id, ...staleness(core), ...searchCommands(core.roster.present(), q, limit) }),
    );
  },
  "/v1/session": () => notAWebSocket(),
  "/v1/events": ({ streams }, { params, headers, isHead, address }) => {
    const { after, proof, ...filter } = readQuery(eventsShape, params());
    if (isHead) return streamReply(null);
    return streams.open({ filter, after: headers.get("last-event-id") ?? after, address, hasProof: proof });
  },
};

/** What a closed registry says to everybody: nothing of its peers but how many there are. */
const PUBLIC: ReadonlySet<string> = new Set(["/healthz", "/readyz", "/metrics", "/v1/registry", "/v1/limits"]);

/** Never throws for what a stranger asked. */
export function answer(reading: Reading, question: Question): Reply | Promise<Reply> {
  return inTurn(
    () => find(reading, question),
    (found) => found,
    (error) => {
      if (!isWarrenError(error)) throw error;
      return refusal(error.code === "PEER_UNKNOWN" ? 404 : 400, error.code, error.message);
    },
  );
}

/** Of the URL of a request, as the server says it: whole, or without an origin where no `Host` that makes sense was sent. */
export function targetOf(url: string): Target {
  const start = url.startsWith("/") ? 0 : url.indexOf("/", "https://".length);
  const mark = url.indexOf("?", start);
  const end = mark === -1 ? url.length : mark;
  return { path: url.slice(start, end), params: () => new URLSearchParams(url.slice(end)) };
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

function find(reading: Reading, question: Question): Reply | Promise<Reply> {
  const { path, headers, address } = question;
  if (!PUBLIC.has(path) && !reading.admitsReader(address, headers.get("authorization"))) {
    return refusal(
      403,
      "INVITE_NEEDED",
      "this registry is closed: only peers that it lets in, and its own machine, may read",
    );
  }
  const known = Object.hasOwn(ANSWERS, path) ? ANSWERS[path] : undefined;
  if (known) return known(reading, question);
  const id = /^\/v1\/peers\/([^/]+)$/.exec(path)?.[1];
  if (id !== undefined) return onePeer(reading.core, id, headers);
  return refusal(404, "USAGE", `there is nothing at ${path.slice(0, 100)}: try /v1/peers`);
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

async function listPeers(core: RegistryCore, query: ReturnType<typeof readPageQuery>): Promise<Reply> {
  const { limit } = query;
  const peers = await core.peers({ ...query, limit: limit + 1 }); // one more says whether there is another page
  const page = peers.slice(0, limit);
  const next = peers.length > limit ? page.at(-1)?.listed.body.id : null;
  const texts = `[${page.map(peerText).join(",")}]`;
  return jsonText(withJson({ registry: core.id, ...staleness(core), next }, "peers", texts));
}

function onePeer(core: RegistryCore, text: string, headers: Headers): Reply | Promise<Reply> {
  const id = parsePeerId(text);
  const show = (peer: PeerView | undefined): Reply => {
    if (!peer) throw new WarrenError("PEER_UNKNOWN", `no peer ${id} has registered here`);
    return jsonText(withJson({ registry: core.id, ...staleness(core) }, "peer", peerText(peer)));
  };
  return unlessKnown(headers.get("if-none-match"), core.edition, () => {
    const peer = core.peer(id);
    return isPromiseLike(peer) ? peer.then(show) : show(peer);
  });
}

async function frontPage(core: RegistryCore): Promise<Reply> {
  const peers = await core.peers({ online: true, limit: MAX_SHOWN });
  const lines = peers.map(({ listed: { body } }) => {
    const { name, kind, addresses } = body;
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

/** Looking up: questions to a registry over HTTP, without a session; every answer is checked before it is believed. */
import { z } from "zod";
import { isWarrenError, WarrenError } from "../base/errors.ts";
import { shortId, type PeerId } from "../base/ids.ts";
import { oneLine } from "../base/log.ts";
import { systemClock, type Clock } from "../base/world.ts";
import { checkEntry, toEntry, type RegistryEntry, type RegistryQuery, type SignedEntry } from "./entry.ts";
import { peerIdShape } from "./shapes.ts";
import { unanswered } from "./unanswered.ts";
import { parseRegistryUrl } from "./url.ts";

const TIMEOUT_MS = 5_000;
/** For all pages of an answer together. */
const PAGES_WITHIN_MS = 30_000;
/** Of one page: 100 peers, each with the longest record twice (signed and plain). */
const MAX_ANSWER_BYTES = 8_388_608;
const MAX_PAGES = 100;
/** Of the records of all pages; a usual one has not a thousand. */
const MAX_RECORD_CHARS = 67_108_864;

const signedShape = z.object({ online: z.boolean(), record: z.string(), grant: z.string() });
const registryShape = z.object({ registry: peerIdShape });
const peerShape = registryShape.extend({ peer: signedShape });
const pageShape = registryShape.extend({ peers: z.array(signedShape), next: peerIdShape.nullable() });

export interface LookUpOptions {
  /** The registry's key, where it is known; an answer by another one is refused. */
  registry?: PeerId | undefined;
  clock?: Clock;
  timeoutMs?: number;
  /** For a registry that is closed. */
  pass?: string | undefined;
  /** PEM; for https: who must have signed its certificate. Default: whom Bun believes. */
  authority?: string | undefined;
}

export interface LookUp {
  /** Whose answer it is. */
  registry: PeerId;
  entries: RegistryEntry[];
  /** How many answers were left out because they did not stand the check. */
  refused: number;
}

/**
 * Everybody who fits, online or not.
 *
 * @throws {WarrenError} `REGISTRY_UNREACHABLE`, `REGISTRY_UNTRUSTED`, `REGISTRY_UNUSABLE`, `REGISTRY_CHANGED`, `REGISTRY_REFUSED`,
 *   `USAGE`
 */
export async function lookUp(url: string, query: RegistryQuery = {}, options: LookUpOptions = {}): Promise<LookUp> {
  const origin = parseRegistryUrl(url);
  const { id, ...filters } = query;
  const found = id ? await askForOne(origin, id, options) : await askForAll(origin, filters, options);
  const entries: RegistryEntry[] = [];
  for (const signed of found.answers) {
    const body = await checkEntry(signed, found.registry).catch(() => undefined);
    if (body && fits(body, query)) entries.push(toEntry(body, signed.online));
  }
  return { registry: found.registry, entries, refused: found.answers.length - entries.length };
}

/**
 * Asks several registries at once. Of a peer that more than one knows, what one says where it is online holds; of a name that
 * they gave to several keys, what the first of them says. Resolves if any has answered.
 *
 * @throws {WarrenError} like `lookUp`: why the first one did not answer
 */
export async function lookUpAnywhere(
  urls: readonly string[],
  query: RegistryQuery,
  optionsFor: (url: string) => LookUpOptions,
): Promise<RegistryEntry[]> {
  const answers = await Promise.allSettled(urls.map((url) => lookUp(url, query, optionsFor(url))));
  const found = answers.flatMap((answer) => (answer.status === "fulfilled" ? [answer.value.entries] : []));
  const [failed] = answers.filter((answer) => answer.status === "rejected");
  if (found.length === 0) throw failed?.reason;
  const holders = new Map<string, PeerId>(); // of each name
  const byId = new Map<PeerId, RegistryEntry>();
  for (const entry of found.flat()) {
    const holder = holders.get(entry.name) ?? entry.id;
    holders.set(entry.name, holder);
    const known = byId.get(entry.id);
    if (holder === entry.id && (!known || (entry.online && !known.online))) byId.set(entry.id, entry);
  }
  return [...byId.values()];
}

/**
 * The key of the registry at `url`, as it says itself.
 *
 * @throws {WarrenError} like `lookUp`
 */
export async function askForKey(url: string, options: LookUpOptions = {}): Promise<PeerId> {
  return (await ask(parseRegistryUrl(url), "/v1/registry", registryShape, options)).registry;
}

interface Found {
  registry: PeerId;
  answers: (SignedEntry & { online: boolean })[];
}

async function askForOne(origin: string, id: PeerId, options: LookUpOptions): Promise<Found> {
  try {
    const { registry, peer } = await ask(origin, `/v1/peers/${id}`, peerShape, options);
    return { registry, answers: [peer] };
  } catch (error) {
    if (!isWarrenError(error, "PEER_UNKNOWN")) throw error;
    return { registry: options.registry ?? (await askForKey(origin, options)), answers: [] };
  }
}

async function askForAll(origin: string, filters: Omit<RegistryQuery, "id">, options: LookUpOptions): Promise<Found> {
  const { clock = systemClock, timeoutMs = TIMEOUT_MS } = options;
  const end = clock.steady() + PAGES_WITHIN_MS;
  const params = new URLSearchParams(Object.entries(filters));
  let page = await ask(origin, `/v1/peers?${params.toString()}`, pageShape, options);
  const answers = [...page.peers];
  let chars = 0;
  for (let n = 1; page.next !== null && n < MAX_PAGES; n++) {
    chars += page.peers.reduce((sum, { record }) => sum + record.length, 0);
    const before = params.get("after") ?? "";
    const leftMs = end - clock.steady();
    if (page.next <= before || chars > MAX_RECORD_CHARS || leftMs <= 0) throw neverEnds(origin);
    params.set("after", page.next);
    const more = { ...options, registry: page.registry, timeoutMs: Math.min(timeoutMs, leftMs) };
    page = await ask(origin, `/v1/peers?${params.toString()}`, pageShape, more);
    answers.push(...page.peers);
  }
  return { registry: page.registry, answers };
}

/** A hostile registry may answer with somebody who was not asked for. */
function fits(
  entry: RegistryEntry | Omit<RegistryEntry, "online">,
  { id, name, kind, command }: RegistryQuery,
): boolean {
  if (id !== undefined && entry.id !== id) return false;
  if (name !== undefined && entry.name !== name) return false;
  if (kind !== undefined && entry.kind !== kind) return false;
  return command === undefined || entry.card.commands.some((one) => one.name === command);
}

/** One question, and an answer of its shape. @throws {WarrenError} like `lookUp` */
export async function ask<Answer extends { registry: PeerId }>(
  origin: string,
  path: string,
  shape: z.ZodType<Answer>,
  options: LookUpOptions,
): Promise<Answer> {
  const { registry } = options;
  const { status, text } = await askText(origin, path, options);
  const answer = shape.safeParse(parseJson(text));
  if (!answer.success || status !== 200) throw notAnAnswer(origin, status, text);
  if (registry !== undefined && answer.data.registry !== registry) {
    throw registryChanged(origin, registry, answer.data.registry);
  }
  return answer.data;
}

/** Whatever is answered, within bounds. @throws {WarrenError} `REGISTRY_UNREACHABLE`, `REGISTRY_UNTRUSTED` */
export async function askText(
  origin: string,
  path: string,
  { clock = systemClock, timeoutMs = TIMEOUT_MS, pass, authority }: LookUpOptions,
): Promise<{ status: number; text: string }> {
  const abort = new AbortController();
  using _ = clock.after(timeoutMs, () => abort.abort());
  try {
    const headers: Record<string, string> = pass === undefined ? {} : { authorization: `Bearer ${pass}` };
    const tls = authority === undefined ? {} : { tls: { ca: authority } };
    const response = await fetch(origin + path, { signal: abort.signal, redirect: "error", headers, ...tls });
    return { status: response.status, text: await readBounded(response) };
  } catch (error) {
    throw unanswered(origin, error);
  }
}

export function registryChanged(url: string, known: PeerId, now: PeerId): WarrenError {
  const changed = `the registry at ${url} has another key (${shortId(now)}) than before (${shortId(known)})`;
  const text = `${changed}, and is not believed: if you know why, say --accept-new-registry once, or /register ${url} in the chat`;
  return new WarrenError("REGISTRY_CHANGED", text);
}

const errorShape = z.object({
  error: z.object({
    code: z.enum(["PEER_UNKNOWN", "USAGE", "RATE_LIMITED", "REGISTRY_REFUSED", "INVITE_NEEDED"]),
    message: z.string(),
  }),
});

function notAnAnswer(origin: string, status: number, text: string): WarrenError {
  const refusal = errorShape.safeParse(parseJson(text));
  if (status === 200 || !refusal.success) {
    return new WarrenError(
      "REGISTRY_UNUSABLE",
      `what answers at ${origin} is not a Warren registry: check the address`,
    );
  }
  const { code, message } = refusal.data.error;
  return new WarrenError(code, `the registry at ${origin} says: ${oneLine(message.slice(0, 300))}`);
}

function neverEnds(origin: string): WarrenError {
  const text = `what answers at ${origin} is no registry that can be used: its list of peers does not end, or goes backwards`;
  return new WarrenError("REGISTRY_UNUSABLE", text);
}

export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // no JSON fits no shape: told there
  }
}

async function readBounded(response: Response): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  let bytes = 0;
  for await (const chunk of response.body ?? []) {
    bytes += chunk.byteLength;
    if (bytes > MAX_ANSWER_BYTES) throw new Error(`an answer of over ${MAX_ANSWER_BYTES} bytes`);
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}

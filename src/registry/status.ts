/** Status: what a registry says of itself at its endpoints, put together for its operator. */
import { z } from "zod";
import type { PeerId } from "../base/ids.ts";
import { ask, askText, parseJson, type LookUpOptions } from "./lookup.ts";
import { kindShape, peerIdShape } from "./shapes.ts";
import { parseRegistryUrl } from "./url.ts";

const registryShape = z.object({ registry: peerIdShape, online: z.int(), limits: z.record(z.string(), z.number()) });
const peersShape = z.object({
  registry: peerIdShape,
  peers: z.array(z.object({ name: z.string(), kind: kindShape })),
  next: peerIdShape.nullable(),
});
const readyShape = z.object({ faults: z.array(z.string()).default([]) });

export interface RegistryStatus {
  readonly url: string;
  readonly registry: PeerId;
  /** Why peers should not be sent to it; nothing when it is ready. */
  readonly faults: readonly string[];
  readonly online: number;
  /** Names, the first hundred in the order of ids. */
  readonly people: readonly string[];
  readonly bots: readonly string[];
  readonly limits: Readonly<Record<string, number>>;
  /** Samples of `/metrics` by their name and labels; undefined where we may not read them. */
  readonly metrics: Readonly<Record<string, number>> | undefined;
}

/** @throws {WarrenError} like `lookUp` */
export async function askStatus(url: string, options: LookUpOptions = {}): Promise<RegistryStatus> {
  const origin = parseRegistryUrl(url);
  const { registry, online, limits } = await ask(origin, "/v1/registry", registryShape, options);
  const [{ peers }, ready, metrics] = await Promise.all([
    ask(origin, "/v1/peers?online=true&limit=100", peersShape, options),
    askText(origin, "/readyz", options),
    askText(origin, "/metrics", options),
  ]);
  const named = (kind: string): string[] => peers.filter((peer) => peer.kind === kind).map(({ name }) => name);
  return {
    url: origin,
    registry,
    faults: readyShape.safeParse(parseJson(ready.text)).data?.faults ?? [`/readyz answered ${ready.status}`],
    online,
    people: named("person"),
    bots: named("bot"),
    limits,
    metrics: metrics.status === 200 ? samplesOf(metrics.text) : undefined,
  };
}

/** The samples of a text for Prometheus. */
export function samplesOf(text: string): Record<string, number> {
  const samples = text.split("\n").flatMap((line): [string, number][] => {
    const [, name, value] = /^([a-z_]+(?:\{.*\})?) (\S+)$/.exec(line) ?? [];
    return name !== undefined && Number.isFinite(Number(value)) ? [[name, Number(value)]] : [];
  });
  return Object.fromEntries(samples);
}

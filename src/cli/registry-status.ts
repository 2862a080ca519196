/** `bun run registry status`: a registry on one screen. */
import { oneLine } from "../base/log.ts";
import { describeDuration } from "../bot/duration.ts";
import { readAuthority } from "../registry/authority.ts";
import { askStatus, type RegistryStatus } from "../registry/status.ts";
import { outputPaint, print } from "./output.ts";
import type { Paint } from "./paint.ts";
import { EXIT } from "./program.ts";

const SHOWN_NAMES = 12;

/** Resolves to 1 when the registry is not ready. @throws {WarrenError} when it does not answer */
export async function registryStatus(url: string, authorityFile: string | undefined, json: boolean): Promise<number> {
  const status = await askStatus(url, { authority: await readAuthority(authorityFile, url) });
  if (json) print(JSON.stringify(status));
  else for (const line of statusLines(status, outputPaint())) print(line);
  return status.faults.length === 0 ? EXIT.done : EXIT.failed;
}

export function statusLines(status: RegistryStatus, paint: Paint): string[] {
  const { url, registry, faults, online, people, bots, limits, metrics } = status;
  const readiness = faults.length === 0 ? paint.good("ready") : paint.bad(`not ready: ${oneLine(faults.join("; "))}`);
  const row = (title: string, text: string): string => `${paint.dim(title.padEnd(9))} ${text}`;
  const lines = [
    row("registry", `${url}  ${readiness}`),
    row("key", registry),
    row("online", [`${online}`, listed("people", people), listed("bots", bots)].filter(Boolean).join("  ")),
  ];
  const bounds = `${limits["maxSessions"]} sessions, ${limits["maxNames"]} names, lease ${(limits["leaseMs"] ?? 0) / 1_000} s`;
  if (!metrics) {
    const why = "it shows them to its own machine alone, unless it is started with --metrics everyone";
    return [...lines, row("limits", bounds), row("metrics", why)];
  }
  const count = (name: string): number => metrics[`warren_registry_${name}`] ?? 0;
  const known = count('sessions{state="logged in"}');
  const unknown = count('sessions{state="not logged in"}');
  return [
    ...lines,
    row("process", processText(metrics)),
    row(
      "sessions",
      `${known} logged in, ${unknown} not yet; ${count("subscribers")} subscribed; ${count("event_streams")} event streams`,
    ),
    row("logins", byLabel(metrics, "logins_total", "result") || "none"),
    row("requests", byLabel(metrics, "requests_total", "status") || "none"),
    row("refusals", byLabel(metrics, "refusals_total", "code") || "none"),
    row("times", ["login", "lookup", "commit"].map((what) => timeText(metrics, what)).join("; ")),
    row("store", `${count("commit_seconds_count")} registrations, ${count("store_failures_total")} writes failed`),
    row("limits", bounds),
  ];
}

function listed(title: string, names: readonly string[]): string {
  if (names.length === 0) return "";
  const more = names.length > SHOWN_NAMES ? " …" : "";
  return `${title}: ${names.slice(0, SHOWN_NAMES).map(oneLine).join(" ")}${more}`;
}

function processText(metrics: Readonly<Record<string, number>>): string {
  const info = Object.keys(metrics).find((name) => name.startsWith("warren_build_info")) ?? "";
  const [, version = "?"] = /version="([^"]*)"/.exec(info) ?? [];
  const upMs = (metrics["warren_registry_uptime_seconds"] ?? 0) * 1_000;
  const mebibytes = Math.round((metrics["process_resident_memory_bytes"] ?? 0) / 1_048_576);
  return `Warren ${oneLine(version)}, up ${describeDuration(Math.max(1_000, upMs))}, ${mebibytes} MiB`;
}

/** `welcomed 40, NAME_TAKEN 2`: the samples of a counter, added up by one of their labels. */
function byLabel(metrics: Readonly<Record<string, number>>, counter: string, label: string): string {
  const sums = new Map<string, number>();
  for (const [sample, value] of Object.entries(metrics)) {
    if (!sample.startsWith(`warren_registry_${counter}{`)) continue;
    const [, of = ""] = new RegExp(`${label}="([^"]*)"`).exec(sample) ?? [];
    sums.set(of, (sums.get(of) ?? 0) + value);
  }
  return [...sums].map(([of, sum]) => `${oneLine(of)} ${sum}`).join(", ");
}

/** The mean, and the bound below which 99 of 100 lie. */
function timeText(metrics: Readonly<Record<string, number>>, what: string): string {
  const name = `warren_registry_${what}_seconds`;
  const count = metrics[`${name}_count`] ?? 0;
  if (count === 0) return `${what} never`;
  const mean = ((metrics[`${name}_sum`] ?? 0) / count) * 1_000;
  const bounds = Object.entries(metrics).flatMap(([sample, value]): [number, number][] => {
    const [, bound] = sample.startsWith(`${name}_bucket`) ? (/le="([\d.]+)"/.exec(sample) ?? []) : [];
    return bound === undefined ? [] : [[Number(bound) * 1_000, value]];
  });
  const most = bounds.sort(([a], [b]) => a - b).find(([, below]) => below >= count * 0.99);
  return `${what} ${mean.toPrecision(2)} ms${most ? ` (99 % within ${most[0]} ms)` : ""}`;
}

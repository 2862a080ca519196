/** Present: what the commands find, as lines for people. Whatever a stranger has written becomes harmless here. */
import { oneLine } from "../base/log.ts";
import type { UserInfo } from "../peer/message.ts";
import type { FaceEvent, HistoryLine } from "./events.ts";
import type { Paint } from "./paint.ts";

const two = (part: number): string => String(part).padStart(2, "0");

export type WhoAmI = Extract<FaceEvent, { event: "whoami" }>;

/** `12:04` today, else the date too; local time. */
export function timeOf(at: number, now: number): string {
  const date = new Date(at);
  const time = `${two(date.getHours())}:${two(date.getMinutes())}`;
  if (date.toDateString() === new Date(now).toDateString()) return time;
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())} ${time}`;
}

/** Everyone, who is online first: a dot, name, kind, address. */
export function userLines(peers: readonly UserInfo[], paint: Paint): string[] {
  const sorted = peers.toSorted((a, b) => Number(b.online) - Number(a.online) || a.name.localeCompare(b.name));
  const width = Math.max(0, ...sorted.map((peer) => peer.name.length));
  return sorted.map((peer) => {
    const name = oneLine(peer.name);
    const [address = "", ...others] = peer.addresses;
    const more = others.length > 0 ? ` +${others.length}` : "";
    const shown = peer.online ? paint.name(name) : paint.dim(name);
    const dot = peer.online ? paint.good("●") : paint.dim("○");
    const rest = (peer.self ? "you" : peer.kind).padEnd(7) + peer.id.slice(0, 8);
    return `${dot} ${shown}${" ".repeat(width - peer.name.length)}  ${paint.dim(`${rest}  ${address}${more}`)}`.trimEnd();
  });
}

/** Oldest first. What has not arrived, or was refused, says so; and so does a history that once was longer. */
export function historyLines(
  messages: readonly HistoryLine[],
  now: number,
  paint: Paint,
  { ids = false, forgotten = 0 }: { ids?: boolean; forgotten?: number } = {},
): string[] {
  const older = forgotten === 1 ? "1 older message is" : `${forgotten} older messages are`;
  const lines = messages.map(({ id, at, from, text, state, reason }) => {
    const fate =
      state === "handled" || state === "delivered" ? "" : `  (${state}${reason ? `: ${oneLine(reason)}` : ""})`;
    const when = ids ? `${timeOf(at, now)} ${oneLine(id)}` : timeOf(at, now);
    return `${paint.dim(when)} ${paint.name(oneLine(from.name))}: ${oneLine(text)}${paint.dim(fate)}`;
  });
  return forgotten > 0 ? [paint.dim(`${older} no longer kept`), ...lines] : lines;
}

const REACHED = {
  yes: " (others can dial you)",
  no: " (others cannot dial you where the registry sees you)",
  unknown: "",
} as const;

export function whoAmILines(whoAmI: WhoAmI, paint: Paint): string[] {
  const { name, id, port, registry, online, addresses, reachable } = whoAmI;
  const where = online ? addresses.join(" ") || `port ${port}` : "offline";
  return [
    `${paint.dim("name    ")} ${paint.bold(name)}`,
    `${paint.dim("id      ")} ${id}`,
    `${paint.dim("address ")} ${where}${REACHED[reachable]}`,
    `${paint.dim("registry")} ${registry ?? "none"}`,
  ];
}

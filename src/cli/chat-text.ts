/** What the chat looks like: everything that it prints, as text. Whatever a stranger has written becomes harmless here. */
import type { Card } from "../base/card.ts";
import { oneLine } from "../base/log.ts";
import type { MessageState } from "../peer/message.ts";
import type { Ready } from "./events.ts";
import type { Paint } from "./paint.ts";
import { timeOf } from "./present.ts";

/** Where the text of a line begins: after `12:04 ✓✓ `. */
export const TEXT_COLUMN = 9;
/** Where the two cells that tell how far a message has come are. */
export const MARK_COLUMN = 6;

export interface Said {
  readonly at: number;
  readonly who: string;
  readonly text: string;
  readonly room?: string | undefined;
}

/** Two cells: kept or on its way, over there, taken or read, given up. */
export function markOf(state: MessageState, paint: Paint): string {
  if (state === "delivered") return paint.dim("✓ ");
  if (state === "handled") return paint.good("✓✓");
  return state === "expired" || state === "failed" ? paint.bad("✗ ") : paint.dim("· ");
}

export function incomingText({ at, who, text, room }: Said, now: number, paint: Paint): string {
  const place = room === undefined ? "" : paint.dim(` in ${oneLine(room)}`);
  return `${stamp(at, now, paint)}   ${paint.name(oneLine(who))}${place}  ${textRows(text)}`;
}

/** A text that is still being written ends with a cursor of its own. */
export function growingText(said: Said, now: number, paint: Paint): string {
  return `${incomingText(said, now, paint)}${paint.dim("▍")}`;
}

export function outgoingText({ at, who, text }: Said, state: MessageState, now: number, paint: Paint): string {
  const to = `${paint.dim("you →")} ${paint.name(oneLine(who))}`;
  return `${stamp(at, now, paint)}${markOf(state, paint)} ${to}  ${textRows(text)}`;
}

/** Something that happened, beside the conversation. */
export function noteText(text: string, paint: Paint): string {
  return `${" ".repeat(TEXT_COLUMN)}${paint.dim(text)}`;
}

export function promptText(name: string, partner: string | undefined, paint: Paint): string {
  const to = partner === undefined ? "" : ` ${paint.dim("→")} ${paint.name(oneLine(partner))}`;
  return `${paint.bold(name)}${to} ${paint.dim("›")} `;
}

export interface Welcome extends Ready {
  readonly addresses: readonly string[];
  /** Whether the registry runs in this process. */
  readonly isOwnRegistry: boolean;
  readonly isRegistered: boolean;
  /** Who is there already. */
  readonly present: readonly string[];
}

/** Where the facts of the welcome begin. */
export const WELCOME_COLUMN = 10;

export function welcomeLines(welcome: Welcome, paint: Paint): string[] {
  const { name, id, port, addresses, registry, isOwnRegistry, isRegistered, present } = welcome;
  const where = addresses[0] ?? `port ${port}`;
  const bold = (text: string): string => paint.bold(text);
  const fact = (text: string): string => " ".repeat(WELCOME_COLUMN) + paint.dim(text);
  return [
    "",
    `  ${bold("warren")}  you are ${paint.name(name)} ${paint.dim(id.slice(0, 8))}`,
    fact(`listening on ${where}`),
    fact(`${registryText(registry, isRegistered)}${isOwnRegistry ? ", run by this peer" : ""}`),
    ...(present.length > 0 ? [fact(`online: ${present.map(oneLine).join(", ")}`)] : []),
    "",
    `  ${bold("@name text")} says something to somebody, ${bold("/users")} shows who is there, ${bold("/help")} the rest.`,
    "",
  ];
}

export function registryText(url: string | null, isRegistered: boolean): string {
  return `registry ${url ?? "none"}${url === null || isRegistered ? "" : ", not registered there"}`;
}

/** What a bot can do, for whoever has just turned to it. */
export function cardText({ about, commands }: Card, paint: Paint): string {
  const names = commands.map((command) => paint.bold(oneLine(command.name))).join(" ");
  return [oneLine(about), names && `commands: ${names}`].filter(Boolean).join(" · ");
}

function stamp(at: number, now: number, paint: Paint): string {
  const time = timeOf(at, now);
  return `${paint.dim(time.slice(-5))} `;
}

/** A text of several rows keeps them. */
function textRows(text: string): string {
  return text.trimEnd().split(/\r?\n/u).map(oneLine).join("\n");
}

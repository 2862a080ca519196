/** The commands of the chat: a table from which it is run, explained and completed. */
import { isPeerId, shortId } from "../base/ids.ts";
import { oneLine } from "../base/log.ts";
import { WarrenError } from "../base/errors.ts";
import type { Peer } from "../peer/peer.ts";
import { historyWith } from "./history.ts";
import type { Paint } from "./paint.ts";
import { historyLines, userLines, whoAmILines, type WhoAmI } from "./present.ts";

const HISTORY_LINES = 20;

/** What a command may do with the chat. */
export interface ChatActions {
  readonly paint: Paint;
  readonly partnerName: string | undefined;
  /** How many messages were shown since the start. */
  readonly shownCount: number;
  now(): number;
  /** @throws {WarrenError} `CLOSED` while offline */
  peer(): Peer;
  whoAmI(): WhoAmI;
  note(text: string): void;
  showLines(lines: readonly string[]): void;
  say(to: string, text: string): Promise<void>;
  /** Makes a peer the one plain lines go to, or nobody. */
  talkTo(to: string): Promise<void>;
  register(registry: string): Promise<void>;
  disconnect(): Promise<void>;
  quit(): void;
}

export interface ChatCommand {
  readonly usage: string;
  readonly about: string;
  readonly takesName?: true;
  run(chat: ChatActions, rest: string): unknown;
}

export const CHAT_COMMANDS: Readonly<Record<string, ChatCommand>> = {
  "/users": { usage: "", about: "who is there, and who has been", run: users },
  "/message": { usage: "<to> <text>", about: "says it to a name, an id or host:port", takesName: true, run: message },
  "/talk": { usage: "[name]", about: "chooses whom plain lines go to", takesName: true, run: talk },
  "/history": { usage: "[with]", about: "what was said", takesName: true, run: history },
  "/receive": { usage: "", about: "whether you are receiving", run: receive },
  "/register": { usage: "[url|none]", about: "goes online at a registry", run: (chat, rest) => chat.register(rest) },
  "/disconnect": { usage: "", about: "says goodbye and goes offline", run: (chat) => chat.disconnect() },
  "/whoami": { usage: "", about: "your name, id, address and registry", run: whoAmI },
  "/pin": { usage: "<name> <id>", about: "accepts that a name belongs to another key", takesName: true, run: pin },
  "/block": { usage: "<name>", about: "takes nothing of a peer any more", takesName: true, run: block },
  "/unblock": { usage: "<name>", about: "takes it again", takesName: true, run: unblock },
  "/help": { usage: "", about: "this list", run: help },
  "/quit": { usage: "", about: "says goodbye and ends (also Ctrl-C)", run: (chat) => chat.quit() },
};

async function users(chat: ChatActions): Promise<void> {
  const peers = await chat.peer().users();
  chat.showLines(userLines(peers, chat.paint));
}

async function message(chat: ChatActions, rest: string): Promise<void> {
  const [, to = "", text = ""] = /^(\S+)\s*(.*)$/su.exec(rest) ?? [];
  if (text === "") throw new WarrenError("USAGE", "to whom, and what? /message <to> <text>");
  await chat.say(to.replace(/^@/, ""), text);
}

async function talk(chat: ChatActions, rest: string): Promise<void> {
  await chat.talkTo(rest.replace(/^@/, ""));
}

async function history(chat: ChatActions, rest: string): Promise<void> {
  const whom = rest.replace(/^@/, "") || chat.partnerName;
  if (!whom) throw new WarrenError("USAGE", "with whom? /history <name>");
  const { messages, forgotten } = await historyWith(chat.peer(), whom, HISTORY_LINES);
  if (messages.length + forgotten === 0) return chat.note(`nothing was said between you and ${oneLine(whom)}`);
  chat.showLines(historyLines(messages, chat.now(), chat.paint, { forgotten }));
}

function receive(chat: ChatActions): void {
  chat.peer();
  const shown = chat.shownCount === 1 ? "1 message was" : `${chat.shownCount} messages were`;
  chat.note(`you are receiving all the time: messages appear as they come; ${shown} shown since the start`);
}

function whoAmI(chat: ChatActions): void {
  chat.showLines(whoAmILines(chat.whoAmI(), chat.paint));
}

async function pin(chat: ChatActions, rest: string): Promise<void> {
  const [name = "", id = ""] = rest.split(/\s+/u);
  if (!isPeerId(id)) throw new WarrenError("USAGE", "which key? /pin <name> <id of 52 characters>");
  await chat.peer().pin(name, id);
  chat.note(`${name} is ${shortId(id)} from now on`);
}

async function block(chat: ChatActions, rest: string): Promise<void> {
  const { name } = await chat.peer().block(meant(rest, "/block"));
  chat.note(`${oneLine(name)} is blocked: /unblock ${oneLine(name)} takes that back`);
}

async function unblock(chat: ChatActions, rest: string): Promise<void> {
  const { name } = await chat.peer().unblock(meant(rest, "/unblock"));
  chat.note(`${oneLine(name)} is not blocked any more`);
}

function meant(rest: string, command: string): string {
  const name = rest.replace(/^@/, "");
  if (name === "") throw new WarrenError("USAGE", `whom? ${command} <name>`);
  return name;
}

function help(chat: ChatActions): void {
  const entries = Object.entries(CHAT_COMMANDS).map(([name, { usage, about }]) => ({
    call: `${name} ${usage}`,
    about,
  }));
  const own = [{ call: "@name text", about: "says it, and plain lines go there from now on" }];
  const width = Math.max(...entries.map(({ call }) => call.length));
  chat.showLines([
    ...[...own, ...entries].map(({ call, about }) => `${call.padEnd(width)}  ${chat.paint.dim(about)}`),
    chat.paint.dim("Tab completes. ✓ it is over there, ✓✓ it was read or done, ✗ it failed."),
  ]);
}

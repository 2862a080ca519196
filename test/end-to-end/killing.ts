/** Killing: two talkers, of which one streams and one answers, while either is killed with SIGKILL again and again. */
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { Talker, type Line } from "./talker.ts";

export interface KillingOptions {
  /** Where the homes are made. */
  readonly folder: string;
  /** Of the sender; each is answered. */
  readonly messages: number;
  readonly kills: number;
}

export interface KillingReport {
  readonly killed: { readonly sender: number; readonly answerer: number };
  /** Where the histories are not what was said: one sentence each. */
  readonly differences: readonly string[];
}

/** Resolves when every message is answered; compares what both sides have then. */
export async function streamUnderKills({ folder, messages, kills }: KillingOptions): Promise<KillingReport> {
  await using sender = await Talker.start("ann", join(folder, "ann"));
  await using answerer = await Talker.start("bob", join(folder, "bob"), "answers");
  await sender.ask({ do: "meet", address: answerer.address }, "met");
  const stream = (): void => sender.say({ do: "stream", to: answerer.id, upTo: messages });
  const killed = { sender: 0, answerer: 0 };
  stream();
  for (const goal of randomGoals(kills, messages)) {
    await heardUpTo(sender, goal);
    // Between two lines that we read, the processes get on by some steps of their own: it hits them anywhere.
    await Bun.sleep(Math.random() * 20);
    if (Math.random() < 0.5) {
      killed.sender++;
      await sender.kill();
      await sender.start();
      stream();
    } else {
      killed.answerer++;
      await answerer.kill();
      await answerer.start();
    }
  }
  await heardUpTo(sender, messages);
  const [atSender, atAnswerer] = [await linesOf(sender, answerer), await linesOf(answerer, sender)];
  const said = Array.from({ length: messages }, (_, i) => String(i + 1));
  const answers = said.map((text) => `re ${text}`);
  const differences = [
    ...compare("the sender's own messages", textsOf(atSender, true), said),
    ...compare("the messages at the answerer", textsOf(atAnswerer, false), said),
    ...compare("the answerer's own answers", textsOf(atAnswerer, true), answers),
    ...compare("the answers at the sender", textsOf(atSender, false), answers),
  ];
  return { killed, differences };
}

/** How many answers come before each kill. The last tenth is left alone: each kill falls into the stream. */
function randomGoals(kills: number, messages: number): number[] {
  const goals = Array.from({ length: kills }, () => 1 + Math.floor(Math.random() * 0.9 * messages));
  return goals.toSorted((a, b) => a - b);
}

async function heardUpTo(sender: Talker, goal: number): Promise<void> {
  const isThere = (text: string | undefined): boolean => Number(text?.slice("re ".length)) >= goal;
  if (!isThere(sender.heard.at(-1))) await sender.next("heard", ({ text }) => isThere(text));
}

async function linesOf(talker: Talker, other: Talker): Promise<Line[]> {
  return (await talker.ask({ do: "history", with: other.id }, "history")).lines;
}

function textsOf(lines: readonly Line[], own: boolean): string[] {
  return lines.filter((line) => line.own === own).map(({ text }) => text);
}

function compare(what: string, found: readonly string[], expected: readonly string[]): string[] {
  if (isDeepStrictEqual(found, expected)) return [];
  const at = expected.findIndex((text, i) => text !== found[i]);
  const place = at === -1 ? expected.length : at;
  return [
    `${what}: ${found.length}, not ${expected.length}; no. ${place + 1} is "${found[place]}", not "${expected[place]}"`,
  ];
}

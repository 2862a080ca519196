/**
 * Care: the commands by which users look after a peer. Who is let in, what waits for others, what could not be handled, and why;
 * how much is kept.
 */
import { isAbsolute } from "node:path";
import { WarrenError } from "../base/errors.ts";
import type { PeerInfo } from "../base/ids.ts";
import { dropJobs, type JobInfo, listJobs, openJobRows } from "../bot/job-rows.ts";
import type { Accepting } from "../peer/admission.ts";
import type { DeadLetter } from "../peer/dead-letters.ts";
import type { OutboxEntry, OutboxMessage } from "../peer/outbox.ts";
import type { Peer } from "../peer/peer.ts";
import type { Explanation } from "../peer/traces.ts";

/** `who` is a name or an id; `which` the id of a message, or "all"; `what` the id of a message, or whom it waits for. */
export type CareCommand =
  | { readonly do: "blocked" }
  | { readonly do: "block" | "unblock"; readonly who: string }
  /** Without `whom`: asks. */
  | { readonly do: "accept"; readonly whom?: string }
  /** How large the database may become: "500 MiB", or "all". Without `limit`: asks. */
  | { readonly do: "keep"; readonly limit?: string }
  /** Without `with`: everybody's. */
  | { readonly do: "outbox"; readonly with?: string }
  | { readonly do: "outbox-drop"; readonly what: string }
  /** Copies the database to an absolute path. */
  | { readonly do: "snapshot"; readonly file: string }
  /** What became of a message, and what a bot's hooks did with it. */
  | { readonly do: "why"; readonly id: string }
  | { readonly do: "dead" }
  | { readonly do: "dead-retry" | "dead-drop"; readonly which: string }
  | { readonly do: "jobs" }
  /** The id of a job, or the name of several. */
  | { readonly do: "jobs-drop"; readonly which: string };

export type CareEvent =
  | { readonly event: "blocked"; readonly peers: readonly PeerInfo[] }
  | { readonly event: "block"; readonly peer: PeerInfo; readonly blocked: boolean }
  | { readonly event: "accepting"; readonly whom: Accepting }
  /** `bytes`: how large the database is; `forgotten`: how many messages have made room. */
  | { readonly event: "keeping"; readonly limit: string; readonly bytes: number; readonly forgotten: number }
  | { readonly event: "outbox"; readonly entries: readonly OutboxEntry[] }
  | { readonly event: "waiting"; readonly with: PeerInfo; readonly messages: readonly OutboxMessage[] }
  | { readonly event: "outbox-dropped"; readonly dropped: number; readonly kept: number }
  | { readonly event: "snapshot"; readonly file: string }
  | ({ readonly event: "why"; readonly id: string } & Explanation)
  | { readonly event: "dead"; readonly count: number; readonly letters: readonly DeadLetter[] }
  | { readonly event: "dead-retried" | "dead-dropped"; readonly count: number }
  | { readonly event: "jobs"; readonly jobs: readonly JobInfo[] }
  | { readonly event: "jobs-dropped"; readonly count: number };

/** What each of them takes. */
export const CARE_FIELDS: Readonly<Record<CareCommand["do"], readonly string[]>> = {
  blocked: [],
  block: ["who"],
  unblock: ["who"],
  accept: ["whom"],
  keep: ["limit"],
  outbox: ["with"],
  "outbox-drop": ["what"],
  snapshot: ["file"],
  why: ["id"],
  dead: [],
  "dead-retry": ["which"],
  "dead-drop": ["which"],
  jobs: [],
  "jobs-drop": ["which"],
};

export function isCare(command: { readonly do: string }): command is CareCommand {
  return Object.hasOwn(CARE_FIELDS, command.do);
}

/** A command of the fields of a line; undefined where it is none of these. `text` gives a field that must be a text. */
export function careCommand(fields: Record<string, unknown>, text: (key: string) => string): CareCommand | undefined {
  const what = fields["do"];
  switch (what) {
    case "blocked":
    case "dead":
    case "jobs":
      return { do: what };
    case "block":
    case "unblock":
      return { do: what, who: text("who") };
    case "accept":
      return { do: what, ...("whom" in fields && { whom: text("whom") }) };
    case "keep":
      return { do: what, ...("limit" in fields && { limit: text("limit") }) };
    case "outbox":
      return { do: what, ...("with" in fields && { with: text("with") }) };
    case "outbox-drop":
      return { do: what, what: text("what") };
    case "snapshot":
      return { do: what, file: text("file") };
    case "why":
      return { do: what, id: text("id") };
    case "dead-retry":
    case "dead-drop":
    case "jobs-drop":
      return { do: what, which: text("which") };
    default:
      return undefined;
  }
}

/** @throws {WarrenError} what the peer throws */
export async function takeCare(peer: Peer, command: CareCommand): Promise<CareEvent> {
  const { admission, outbox, deadLetters, retention } = peer;
  switch (command.do) {
    case "blocked":
      return { event: "blocked", peers: admission.blocked };
    case "block":
      return { event: "block", peer: await peer.block(command.who), blocked: true };
    case "unblock":
      return { event: "block", peer: await peer.unblock(command.who), blocked: false };
    case "accept":
      if (command.whom !== undefined) await admission.accept(command.whom);
      return { event: "accepting", whom: admission.accepting };
    case "keep":
      if (command.limit !== undefined) await retention.keep(command.limit);
      return { event: "keeping", limit: retention.limit, bytes: retention.bytes, forgotten: retention.forgotten() };
    case "outbox": {
      if (command.with === undefined) return { event: "outbox", entries: outbox.list() };
      const who = await peer.resolve(command.with);
      return { event: "waiting", with: who, messages: await outbox.messages(who.id) };
    }
    case "outbox-drop":
      return { event: "outbox-dropped", ...(await outbox.drop(command.what)) };
    case "snapshot":
      if (!isAbsolute(command.file))
        throw new WarrenError("USAGE", `${command.file} is no absolute path: begin with /`);
      peer.snapshot(command.file);
      return { event: "snapshot", file: command.file };
    case "why":
      return { event: "why", id: command.id, ...peer.traces.explain(command.id) };
    case "dead":
      return { event: "dead", count: deadLetters.count, letters: deadLetters.list() };
    case "dead-retry":
      return { event: "dead-retried", count: await deadLetters.retry(command.which) };
    case "dead-drop":
      return { event: "dead-dropped", count: await deadLetters.drop(command.which) };
    case "jobs-drop":
      return { event: "jobs-dropped", count: await dropJobs(peer, peer.name, command.which) };
    default:
      return { event: "jobs", jobs: listJobs(openJobRows(peer, peer.name)) }; // a bot's peer has its plugin's name
  }
}

/** What a peer that nobody talks through is good for. @throws {WarrenError} `USAGE`, and what the peer throws */
export async function takeCareOnly(peer: Peer, command: { readonly do: string }): Promise<CareEvent> {
  if (isCare(command)) return await takeCare(peer, command);
  throw new WarrenError("USAGE", `a bot takes no "${command.do}": it takes ${Object.keys(CARE_FIELDS).join(", ")}`);
}

/** What the commands of care answer, as lines for people. Whatever a stranger has written becomes harmless here. */
import { shortId, type PeerInfo } from "../base/ids.ts";
import { oneLine } from "../base/log.ts";
import { type JobEnd, type JobInfo, MAX_ATTEMPTS } from "../bot/job-rows.ts";
import type { Accepting } from "../peer/admission.ts";
import type { DeadLetter } from "../peer/dead-letters.ts";
import type { OutboxEntry, OutboxMessage } from "../peer/outbox.ts";
import { MAX_OUTBOX_MESSAGES } from "../peer/outflow.ts";
import type { CareEvent } from "./care.ts";
import type { Paint } from "./paint.ts";
import { timeOf } from "./present.ts";
import { whyLines } from "./why-text.ts";

const DAY_S = 86_400;
const HOUR_S = 3_600;
const MIB = 2 ** 20;

const ACCEPTING: Readonly<Record<Accepting, string>> = {
  everyone: "messages of everyone are taken",
  known: "only messages of known peers are taken: those that you have written to, and pinned names",
};

export function careLines(answer: CareEvent, now: number, paint: Paint): string[] {
  switch (answer.event) {
    case "blocked":
      return answer.peers.length === 0 ? ["nobody is blocked"] : answer.peers.map((peer) => who(peer, paint));
    case "block":
      return [`${who(answer.peer, paint)} is ${answer.blocked ? "blocked" : "not blocked any more"}`];
    case "accepting":
      return [ACCEPTING[answer.whom]];
    case "keeping":
      return [keepingLine(answer)];
    case "outbox":
      return answer.entries.length === 0 ? ["nothing waits"] : answer.entries.map((one) => entryLine(one, now, paint));
    case "waiting":
      return answer.messages.length === 0
        ? [`nothing waits for ${oneLine(answer.with.name)}`]
        : answer.messages.map((message) => messageLine(message, now, paint));
    case "outbox-dropped":
      return [`${messages(answer.dropped)} dropped${keptText(answer.kept)}`];
    case "snapshot":
      return [`the database is copied to ${answer.file}`];
    case "why":
      return whyLines(answer, now, paint);
    case "dead":
      return deadLines(answer.letters, answer.count, now, paint);
    case "dead-retried":
      return [`${messages(answer.count)} put back to be handled`];
    case "dead-dropped":
      return [`${messages(answer.count)} dropped`];
    case "jobs-dropped":
      return [`${answer.count === 1 ? "1 job" : `${answer.count} jobs`} dropped`];
    default:
      return answer.jobs.length === 0 ? ["no jobs are kept"] : answer.jobs.map((job) => jobLine(job, now, paint));
  }
}

function who({ id, name }: PeerInfo, paint: Paint): string {
  return `${paint.name(oneLine(name))} ${paint.dim(shortId(id))}`;
}

function keepingLine({ limit, bytes, forgotten }: CareEvent & { event: "keeping" }): string {
  const size = `has ${(bytes / MIB).toFixed(1)} MiB`;
  const bound =
    limit === "all" ? `all messages are kept: the database ${size}` : `the database may have ${limit}, and ${size}`;
  return forgotten === 0 ? bound : `${bound}; ${messages(forgotten)} ${forgotten === 1 ? "is" : "are"} no longer there`;
}

function messages(count: number): string {
  return count === 1 ? "1 message" : `${count} messages`;
}

function keptText(kept: number): string {
  return kept === 0 ? "" : `; ${kept} may have arrived already, and stay until that is known`;
}

function entryLine(entry: OutboxEntry, now: number, paint: Paint): string {
  const { to, state, messages: count, oldestAt, unwritten, expiresInS } = entry;
  const full = count >= MAX_OUTBOX_MESSAGES ? " (full)" : "";
  const age = expiresInS === null ? "" : `, the first expires in ${durationText(expiresInS)}`;
  const more = `since ${timeOf(oldestAt, now)}, ${unwritten} never sent${age}`;
  return `${who(to, paint)}  ${state}  ${messages(count)}${full}  ${paint.dim(more)}`;
}

function messageLine({ id, at, text }: OutboxMessage, now: number, paint: Paint): string {
  return `${paint.dim(`${timeOf(at, now)} ${id}`)}  ${oneLine(text)}`;
}

function deadLines(letters: readonly DeadLetter[], count: number, now: number, paint: Paint): string[] {
  if (count === 0) return ["no message was set aside"];
  const lines = letters.map(({ id, at, from, text, reason, attempts }) => {
    const fate = paint.dim(`(tried ${attempts} times: ${oneLine(reason)})`);
    return `${paint.dim(`${timeOf(at, now)} ${id}`)}  ${paint.name(oneLine(from.name))}: ${oneLine(text)}  ${fate}`;
  });
  return count > letters.length ? [...lines, `and ${count - letters.length} more`] : lines;
}

function jobLine({ id, name, next, attempts, registered, last }: JobInfo, now: number, paint: Paint): string {
  const tries = attempts > 0 ? `, after ${attempts} of ${MAX_ATTEMPTS} tries` : "";
  const when = registered ? `next ${timeOf(next, now)}${tries}` : "nothing of that name is registered any more";
  const more = [...(id === name ? [] : [id]), ...(last ? [endText(last, now)] : [])].join("  ");
  return `${paint.name(oneLine(name))}  ${when}  ${paint.dim(more)}`.trimEnd();
}

function endText({ at, ended, reason }: JobEnd, now: number): string {
  return `last ${timeOf(at, now)} ${ended}${reason === undefined ? "" : `: ${oneLine(reason)}`}`;
}

function durationText(seconds: number): string {
  if (seconds >= 2 * DAY_S) return `${Math.floor(seconds / DAY_S)} days`;
  return seconds >= 2 * HOUR_S ? `${Math.floor(seconds / HOUR_S)} hours` : `${Math.ceil(seconds / 60)} minutes`;
}

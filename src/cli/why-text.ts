/** What `why` answers, as lines for people. Whatever a stranger has written becomes harmless here. */
import { oneLine } from "../base/log.ts";
import type { Explanation, Heard, Said, Trace } from "../peer/traces.ts";
import type { Paint } from "./paint.ts";
import { timeOf } from "./present.ts";

export function whyLines({ heard, said }: Explanation, now: number, paint: Paint): string[] {
  return [
    ...said.flatMap((message) => saidLines(message, now, paint)),
    ...heard.flatMap((message) => heardLines(message, now, paint)),
  ];
}

function saidLines({ to, text, at, state, reason, runs }: Said, now: number, paint: Paint): string[] {
  const fate = reason === undefined ? state : `${state}: ${oneLine(reason)}`;
  const bot = `what it did with it is known where it runs: why <id> --for-bot ${oneLine(to.name)}`;
  return [
    `${paint.dim(timeOf(at, now))} said to ${paint.name(oneLine(to.name))}: ${oneLine(text)}  ${paint.dim(`(${fate})`)}`,
    ...(runs ? sayerLines(runs, paint) : []),
    ...(to.kind === "bot" && state !== "queued" && state !== "sent" ? [`  ${bot}`] : []),
  ];
}

function sayerLines(runs: readonly Trace[], paint: Paint): string[] {
  const [first] = runs;
  if (!first) return ["  what made the bot say it is not kept: a job or a dialog, or it was too long ago"];
  return [`  because of ${oneLine(first.id)}`, ...runs.flatMap((run) => runLines(run, paint))];
}

function heardLines(message: Heard, now: number, paint: Paint): string[] {
  const { from, text, at, runs } = message;
  return [
    `${paint.dim(timeOf(at, now))} ${paint.name(oneLine(from.name))}: ${oneLine(text)}`,
    ...runs.flatMap((run) => runLines(run, paint)),
    `  ${fateOf(message)}`,
  ];
}

function fateOf({ state, reason, attempts, isBlocked, runs }: Heard): string {
  if (state === "failed") return `set aside: ${oneLine(reason ?? "")}; "dead" lists those that were`;
  if (state === "delivered") {
    if (isBlocked) return "it waits: its sender is blocked";
    if (attempts > 0) return `it is being handled, or waits to be tried again (begun ${times(attempts)})`;
    return "it waits: nothing runs here that takes messages, or what came before is not done";
  }
  if (runs.length === 0) return "handled; how is not kept: it was too long ago, or no bot was at it";
  return runs.some((run) => run.answers.length > 0) ? "handled" : `handled, and nothing was answered: ${silence(runs)}`;
}

/** Why nothing was said, as far as one hook has to do with it. */
function silence(runs: readonly Trace[]): string {
  const steps = runs.at(-1)?.steps ?? [];
  const taker = steps.find(({ did }) => did === "took it");
  if (!taker) return "no hook took it";
  const [why] = taker.notes.toReversed();
  return why === undefined ? `${taker.hook} took it and said nothing` : `${taker.hook}: ${oneLine(why)}`;
}

function runLines({ bot, attempt, ms, steps, answers, error }: Trace, paint: Paint): string[] {
  const width = Math.max(0, ...steps.map(({ hook }) => hook.length));
  return [
    `  ${paint.name(oneLine(bot))}, attempt ${attempt}, ${ms} ms${error === undefined ? "" : `: ${oneLine(error)}`}`,
    ...steps.map(({ hook, did, ms: took, notes }) => {
      const told = notes.length === 0 ? "" : `: ${notes.map(oneLine).join("; ")}`;
      const time = did === "did not match" ? "" : paint.dim(` (${took} ms)`);
      return `    ${hook.padEnd(width)}  ${did}${time}${told}`;
    }),
    ...answers.map(({ id, to, text }) => `    → ${oneLine(to)}: ${oneLine(text)}  ${paint.dim(oneLine(id))}`),
  ];
}

function times(count: number): string {
  return count === 1 ? "once" : `${count} times`;
}

/** `peer receive`: prints messages as they come. */
import { isWarrenError } from "../base/errors.ts";
import { oneLine } from "../base/log.ts";
import { systemClock } from "../base/world.ts";
import { errorFrom, messageEvent, type Emit, type MessageEvent } from "./events.ts";
import { outputPaint, print, printJson } from "./output.ts";
import type { Paint } from "./paint.ts";
import { timeOf } from "./present.ts";
import { EXIT, interruption } from "./program.ts";
import { reach, type Reached } from "./reach.ts";
import type { StartOptions } from "./start.ts";

const FOR_EVER_MS = 2 ** 31 - 1; // as long as a timer can wait

export interface ReceiveOptions extends StartOptions {
  readonly json: boolean;
  /** Undefined: for as long as nobody ends it. */
  readonly timeoutMs?: number | undefined;
  readonly count?: number | undefined;
}

/**
 * Prints until `count` messages have come, or the time is over. Where the identity is running elsewhere it watches what is
 * shown there, and takes its place when it ends; otherwise printing a message is showing it, and the message is handled.
 */
export async function receive(options: ReceiveOptions): Promise<number> {
  const { json, timeoutMs, count = Infinity } = options;
  const enough = new AbortController();
  let code: number = EXIT.done;
  interruption().addEventListener("abort", () => enough.abort());
  using _ = systemClock.after(timeoutMs ?? FOR_EVER_MS, () => {
    if (!enough.signal.aborted) code = EXIT.notYet;
    enough.abort();
  });
  let printed = 0;
  let paint: Paint | undefined;
  /** Whether more are wanted. */
  const take = (event: MessageEvent): boolean => {
    if (printed >= count) return false;
    if (json) printJson(event);
    else print(messageLine(event, (paint ??= outputPaint())));
    return ++printed < count;
  };
  while (!enough.signal.aborted) {
    await using reached = await reach({ ...options, registerAfterMs: 0 });
    await show(reached, take, enough);
  }
  return code;
}

/** Ends when it is enough, or when the other process that runs the identity ends. */
async function show(
  { performer, own }: Reached,
  take: (event: MessageEvent) => boolean,
  enough: AbortController,
): Promise<void> {
  let failure: Error | undefined;
  let endTaking: (() => void) | undefined;
  const emit: Emit = (event) => {
    if (event.event === "error") failure = errorFrom(event);
    if (event.event !== "message" || take(event)) return;
    endTaking?.(); // at once: what comes now is not shown, and waits for whoever shows it
    enough.abort();
  };
  if (own) endTaking = own.peer.on("message", (message) => own.session.shown(messageEvent(message)));
  try {
    await performer.perform({ do: "watch" }, emit, enough.signal);
  } catch (error) {
    if (!isWarrenError(error, "CONNECTION_LOST")) throw error;
  }
  endTaking?.();
  if (failure) throw failure;
}

function messageLine({ at, from, text, room }: MessageEvent, paint: Paint): string {
  const place = room === null ? "" : paint.dim(` in ${oneLine(room)}`);
  return `${paint.dim(timeOf(at, systemClock.now()))} ${paint.name(oneLine(from.name))}${place}: ${oneLine(text)}`;
}

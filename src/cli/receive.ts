/** `peer receive`: prints messages as they come. */
import { oneLine } from "../base/log.ts";
import { systemClock } from "../base/world.ts";
import { errorFrom, messageEvent, type Emit, type FaceEvent } from "./events.ts";
import { paint, print, printJson } from "./output.ts";
import { timeOf } from "./present.ts";
import { EXIT, interruption } from "./program.ts";
import { reach } from "./reach.ts";
import type { StartOptions } from "./start.ts";

export interface ReceiveOptions extends StartOptions {
  readonly json: boolean;
  /** Undefined: for as long as nobody ends it. */
  readonly timeoutMs?: number | undefined;
  readonly count?: number | undefined;
}

/**
 * Prints until `count` messages have come, or the time is over. Where the identity is running elsewhere it watches what is
 * shown there; otherwise printing a message is showing it, and the message is handled.
 */
export async function receive(options: ReceiveOptions): Promise<number> {
  const { json, timeoutMs, count = Infinity } = options;
  const enough = new AbortController();
  const stop = (): void => enough.abort();
  interruption().addEventListener("abort", stop);
  await using reached = await reach(options);
  let printed = 0;
  let isTimeOut = false;
  let failure: Error | undefined;
  let endTaking: (() => void) | undefined;
  const show: Emit = (event) => {
    if (event.event === "error") failure = errorFrom(event);
    if (event.event !== "message" || printed >= count) return;
    if (json) printJson(event);
    else print(messageLine(event));
    if (++printed < count) return;
    endTaking?.(); // at once: what comes now is not shown, and waits for whoever shows it
    stop();
  };
  using _ = systemClock.after(timeoutMs ?? 2 ** 31 - 1, () => {
    isTimeOut = timeoutMs !== undefined;
    if (isTimeOut) stop();
  });
  const { performer, own } = reached;
  if (own) endTaking = own.peer.on("message", (message) => own.session.shown(messageEvent(message)));
  await performer.perform({ do: "watch" }, show, enough.signal);
  endTaking?.();
  if (failure) throw failure;
  return isTimeOut ? EXIT.notYet : EXIT.done;
}

function messageLine({ at, from, text, room }: Extract<FaceEvent, { event: "message" }>): string {
  const place = room === undefined ? "" : paint.dim(` in ${oneLine(room)}`);
  return `${paint.dim(timeOf(at, systemClock.now()))} ${paint.name(oneLine(from.name))}${place}: ${oneLine(text)}`;
}

/** Output of whatever is no chat: tidy lines for people, or one JSON object a line for programs. */
import type { FaceEvent } from "./events.ts";
import { createPaint, wantsColour, type Paint } from "./paint.ts";

const sink = Bun.stdout.writer(); // process.stdout takes 14 ms to load, this takes one
let flushed = Promise.resolve();

export function print(line: string): void {
  void sink.write(`${line}\n`);
  flushed = flush();
}

/** Colours for what is printed. Not for JSON: to know of a terminal takes the 14 ms. */
export function outputPaint(): Paint {
  return createPaint(wantsColour(process.stdout));
}

export function printJson(event: FaceEvent): void {
  print(JSON.stringify(event));
}

/** Resolves when all that was printed is taken: what a slow reader has not taken would be lost with the process. */
export async function printed(): Promise<void> {
  await flushed;
}

async function flush(): Promise<void> {
  try {
    await sink.flush();
  } catch (error) {
    leaveQuietlyIfNobodyReads(error);
    throw error;
  }
}

/** `bun run peer users | head -1` is no error. */
export function leaveQuietlyIfNobodyReads(error: unknown): void {
  if (isNobodyReading(error)) process.exit(0);
}

export function isNobodyReading(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "EPIPE";
}

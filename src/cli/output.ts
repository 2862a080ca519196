/** Output of the one-shot commands: tidy lines for people, or one JSON object a line for programs. */
import type { FaceEvent } from "./events.ts";
import { createPaint, wantsColour } from "./paint.ts";

export const paint = createPaint(wantsColour(process.stdout));

export function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

export function printJson(event: FaceEvent): void {
  print(JSON.stringify(event));
}

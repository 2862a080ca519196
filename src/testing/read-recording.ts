/** Reading a recording: the lines of the file, checked; whatever cannot be believed is told with its place. */
import { describeError, WarrenError } from "../base/errors.ts";
import { MAX_RECORDING_BYTES, parseRecorded, type RecordedLine } from "../bot/recording.ts";

export type StartLine = RecordedLine & { t: "start" };

export interface Recording {
  readonly start: StartLine;
  /** All of them, the start included. A message that was handled again, or said again, is there once. */
  readonly lines: readonly RecordedLine[];
  /** What the recording lacks, in words. */
  readonly notes: readonly string[];
}

/** @throws {WarrenError} `RECORDING_FAILED`, with the number of the line */
export async function readRecording(file: string): Promise<Recording> {
  const rows = (await readText(file)).split("\n");
  const notes: string[] = [];
  // Each line ends with a line feed, so what is behind the last one was cut off by a crash.
  if (rows.pop() !== "") notes.push(`line ${rows.length + 1}, the last one, is torn: it is left out`);
  const lines: RecordedLine[] = [];
  const seen = new Set<string>();
  for (const [index, row] of rows.entries()) {
    const line = parseRecorded(row);
    if (typeof line === "string")
      throw invalid(`${file}:${index + 1}: ${line}; a line as "--record" writes it was expected`);
    const key = line.t === "in" || line.t === "out" ? `${line.t} ${line.id}` : undefined;
    if (key !== undefined && seen.has(key)) continue;
    if (key !== undefined) seen.add(key);
    if (line.t === "full") notes.push(`line ${index + 1}: the recording had reached its bound and ends here`);
    lines.push(line);
  }
  const [start] = lines;
  if (start?.t !== "start")
    throw invalid(`${file}:1: no start; the whole file that "--record" has written was expected`);
  return { start, lines, notes };
}

async function readText(file: string): Promise<string> {
  try {
    const bytes = await Bun.file(file).bytes();
    if (bytes.byteLength > MAX_RECORDING_BYTES + 1_024) throw new Error(`it has over ${MAX_RECORDING_BYTES} bytes`);
    return new TextDecoder().decode(bytes);
  } catch (error) {
    throw invalid(`${file} cannot be read: ${describeError(error)}`, error);
  }
}

function invalid(message: string, cause?: unknown): WarrenError {
  return new WarrenError("RECORDING_FAILED", message, { cause });
}
